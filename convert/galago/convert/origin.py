"""Where a conversion begins: a trained Keras model, and the pictures that it can be judged on.

- A run knows everything: labels, preprocessing, split, seed.
- The network of someone who trained elsewhere knows only its input's size; its labels are those of
  the pictures, and what it expects of pixels is said by a person and checked against the pictures.

    origin = from_run(Path("run"))
    dataset = origin.open_pictures()
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galago.bundle.preprocess import PreprocessSpec
from galago.progress import say
from galago.train.data.dataset import Dataset
from galago.train.data.source import find
from galago.train.evaluate import check_labels
from galago.train.run_folder import Run
from galago.train.tensorflow import keras


@dataclass(frozen=True, slots=True)
class Origin:
    """A Keras model and its pictures.

    `model` takes (n, h, w, 3) float32 of 0–255 and gives (n, labels) float32, rows of sum 1.
    `name`: what the model file is called where no one says otherwise. `fingerprint`: of the
    pictures it was trained on, None where that is not known.
    """

    name: str
    model: Any
    labels: tuple[str, ...]
    preprocess: PreprocessSpec
    data: Path
    seed: int
    grouped: bool
    max_unreadable: float
    precision: float
    fingerprint: str | None
    provenance: dict[str, Any]

    def open_pictures(self) -> Dataset:
        """The pictures, split as for the training, prepared for the model's input.

        Raises:
            DataError: they cannot serve, or show other classes than the model knows.
        """
        listing = find(self.data)
        check_labels(self.labels, listing)
        dataset = Dataset.open(
            listing,
            self.preprocess,
            seed=self.seed,
            grouped=self.grouped,
            max_unreadable=self.max_unreadable,
        )
        if self.fingerprint not in {None, dataset.fingerprint}:
            say(
                f"The training pictures in {self.data} are not those that the model has learnt "
                "from: some that judge it here may be among them"
            )
        return dataset


def from_run(folder: Path, data: Path | None = None) -> Origin:
    """The origin that `galago train` left; `data` where the pictures have moved since.

    `folder` may be the model.keras in it as well.

    Raises:
        UsageError: the folder is not that of a finished run.
    """
    run = Run.read(folder.parent if folder.suffix == ".keras" else folder)
    say("Loading the network")
    model = one_column_per_label(run.load_model())
    return Origin(
        name=run.folder.resolve().name,
        model=model,
        labels=run.labels,
        preprocess=run.preprocess,
        data=data or run.data,
        seed=run.seed,
        grouped=run.grouped,
        max_unreadable=run.max_unreadable,
        precision=run.precision,
        fingerprint=run.fingerprint,
        provenance={
            "network": run.model,
            "seed": run.seed,
            "trained": run.created,
            "grouped": run.grouped,
            "splits_made": list(run.made),
            "data_fingerprint": run.fingerprint,
            "counts": run.counts,
            "versions": run.versions,
            "git_revision": run.git_revision,
        },
    )


def one_column_per_label(model: Any) -> Any:
    """Spread a single sigmoid unit over two columns: other programs know no other classifiers."""
    if model.output_shape[-1] > 1:
        return model
    image = keras.Input(model.input_shape[1:])
    second = model(image)
    return keras.Model(image, keras.ops.concatenate([1.0 - second, second], axis=-1))
