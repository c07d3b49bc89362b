"""What a training run leaves behind: model.keras, run.json, history.csv, metrics.json, report.html.

run = Run.read(Path("run"))
model = run.load_model()
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from galago.bundle.preprocess import PreprocessSpec
from galago.errors import StoppedError, UsageError
from galago.train.assess import PRECISION

MODEL, RUN, HISTORY, METRICS, REPORT = (
    "model.keras",
    "run.json",
    "history.csv",
    "metrics.json",
    "report.html",
)


@dataclass(frozen=True, slots=True)
class Run:
    """The content of run.json, and the folder it lies in.

    Fields:
        recipe: everything that decided the training (galago.train.recipe.Recipe), as plain data.
        reasons: why, one sentence for each choice that was left open.
        data: absolute path of the folder, CSV or zip.
        counts: pictures per split and label.
        made: the splits that Galago made itself; `grouped`: with bursts kept whole.
        unreadable: how many pictures were left out; `max_unreadable`: which share might be (0–1).
        fingerprint: digest of the training pictures and their labels.
        epochs: how many were done; `best_epoch`: the one that was kept, from 1.
        interrupted: whether Ctrl-C ended the training before the recipe did.
        temperature: by which the scores' logits are divided to be honest probabilities.
        thresholds: by label, the probability below which the answer is "unknown"; None: always.
        created: UTC in ISO 8601.
        precision: wanted of every answer, 0–1: what the thresholds were chosen for.
        git_revision: of the folder that the training was started in; None outside a repository.
    """

    folder: Path
    labels: tuple[str, ...]
    preprocess: PreprocessSpec
    recipe: dict[str, Any]
    reasons: tuple[str, ...]
    data: Path
    counts: dict[str, dict[str, int]]
    made: tuple[str, ...]
    grouped: bool
    unreadable: int
    max_unreadable: float
    fingerprint: str
    epochs: int
    best_epoch: int
    interrupted: bool
    seconds: float
    temperature: float
    thresholds: dict[str, float | None]
    created: str
    versions: dict[str, str] = field(default_factory=dict)
    precision: float = PRECISION
    git_revision: str | None = None

    @property
    def model(self) -> str:
        """The network's name."""
        return str(self.recipe["model"])

    @property
    def seed(self) -> int:
        """Of the split and of the training."""
        return int(self.recipe["seed"])

    def write(self) -> None:
        """Write run.json into the folder."""
        document = asdict(self) | {"data": str(self.data)}
        del document["folder"]
        text = json.dumps(document, indent=2, ensure_ascii=False)
        (self.folder / RUN).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Run":
        """Read the folder of a finished run.

        Raises:
            UsageError: it is not one.
        """
        try:
            document = json.loads((folder / RUN).read_text(encoding="utf-8"))
            document["preprocess"] = PreprocessSpec(**document["preprocess"])
            document["data"] = Path(document["data"])
            for name in ("labels", "made", "reasons"):
                document[name] = tuple(document[name])
            return cls(folder=folder, **document)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UsageError(
                f"{folder} is not the folder of a run: expected {RUN} in it, as galago train "
                "writes it"
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{folder / RUN} is damaged ({error}): train again") from error

    def check(self) -> None:
        """Raise StoppedError if Ctrl-C ended the training."""
        if self.interrupted:
            raise StoppedError(
                f"interrupted after {self.epochs} epochs: {self.folder} holds the best of them; "
                "the same command with --resume goes on"
            )

    def load_model(self) -> Any:
        """The trained Keras model."""
        return load_keras(self.folder / MODEL)


def load_keras(path: Path) -> Any:
    """Load a .keras file.

    Raises:
        UsageError: it is not there, or not a Keras model.
    """
    from galago.train.tensorflow import keras  # noqa: PLC0415 - seconds that `inspect` can do without

    try:
        return keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"{path} cannot be loaded as a Keras model: {reason}") from error
