"""Train a network on a folder of pictures and leave a run behind.

- The run folder appears whole, when everything in it is written, or not at all.
- The weights kept are those of the epoch with the highest accuracy on the val pictures, of equal
  ones the one with the lowest loss; the test pictures are looked at once, after that.
- The same data, settings, versions and machine give the same model.

    run, metrics = train(Path("images"), Path("run"), Settings(epochs=10))
"""

import csv
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from rich.progress import Progress

from galago.bundle.preprocess import PreprocessSpec
from galago.files import new_folder
from galago.progress import bar
from galago.train import run_folder
from galago.train.dataset import SPLITS, Dataset, scan
from galago.train.images import MAX_UNREADABLE, Images, load, one_hot
from galago.train.metrics import Metrics, measure
from galago.train.models import build
from galago.train.predict import predict_keras
from galago.train.report import write_metrics, write_report
from galago.train.run_folder import Run
from galago.train.tensorflow import keras, tf


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may choose; the defaults are the classic tutorial's."""

    model: str = "cnn"
    height: int = 64
    width: int = 64
    crop: Literal["none", "centre"] = "none"
    epochs: int = 10
    batch_size: int = 32
    seed: int = 0
    max_unreadable: float = MAX_UNREADABLE

    @property
    def preprocess(self) -> PreprocessSpec:
        """How pictures become the network's input."""
        return PreprocessSpec(self.height, self.width, self.crop)


def train(
    data: Path, out: Path, settings: Settings, *, replace: bool = False
) -> tuple[Run, Metrics]:
    """Train on `data`, write the run to `out`, and return it with its figures on test.

    Raises:
        DataError: the pictures cannot serve.
        UsageError: no such model, or `out` exists and `replace` is false.
        OSError: the run cannot be written; nothing is left under the name `out`.
    """
    dataset = scan(data, seed=settings.seed)
    with new_folder(out, replace=replace) as folder:
        images = {split: _load(dataset, split, settings) for split in SPLITS}
        history = _fit(images, len(dataset.labels), settings, folder / run_folder.MODEL)
        run = _describe(folder, dataset, images, settings)
        metrics = _evaluate(run, images["test"])
        _write(run, history, metrics)
    return Run.read(out), metrics


def _load(dataset: Dataset, split: str, settings: Settings) -> Images:
    return load(
        dataset.splits[split],
        settings.preprocess,
        f"{split} pictures",
        max_unreadable=settings.max_unreadable,
    )


def _fit(
    images: dict[str, Images], classes: int, settings: Settings, best: Path
) -> list[dict[str, float]]:
    """Fit and keep the best weights in the file `best`; return one row of figures per epoch."""
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    model = build(settings.model, settings.height, settings.width, classes)
    keep = _KeepBest(best)
    with bar() as progress:
        model.fit(
            images["train"].pixels,
            _targets(images["train"], classes),
            validation_data=(images["val"].pixels, _targets(images["val"], classes)),
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            callbacks=[keep, _EpochBar(progress, settings.epochs)],
            verbose=0,
        )
    columns = model.history.history
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _targets(images: Images, classes: int) -> Any:
    """(n, 1) float32 for one sigmoid unit, (n, classes) one-hot for softmax."""
    if classes == 2:
        return images.labels.astype("float32")[:, None]
    return one_hot(images.labels, classes)


def _goodness(figures: dict[str, float]) -> tuple[float, float]:
    """What makes one epoch better than another.

    Not the loss first: on little data it is lowest after two or three epochs, when the network is
    careful but still wrong (docs/benchmarks.md, Which epoch to keep).
    """
    return figures["val_accuracy"], -figures["val_loss"]


class _KeepBest(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Save the model after every epoch that is better than all before.

    Not ModelCheckpoint, which looks at one figure: small val sets often give the same accuracy.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._best = (-math.inf, -math.inf)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:  # noqa: ARG002 - Keras' form
        if _goodness(logs) > self._best:
            self._best = _goodness(logs)
            self.model.save(self._path)


class _EpochBar(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """A bar over the batches of an epoch, then one line with its figures."""

    def __init__(self, progress: Progress, epochs: int) -> None:
        super().__init__()
        self._progress, self._epochs = progress, epochs
        self._task = progress.add_task("", visible=False)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras' form
        title = f"Epoch {epoch + 1}/{self._epochs}"
        steps = self.params["steps"]
        self._progress.reset(self._task, description=title, total=steps, visible=True)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        self._progress.update(self._task, completed=batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        figures = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        self._progress.console.print(
            f"Epoch {epoch + 1}/{self._epochs}  {figures}", highlight=False
        )

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
        self._progress.remove_task(self._task)


def _describe(folder: Path, dataset: Dataset, images: dict[str, Images], settings: Settings) -> Run:
    return Run(
        folder=folder,
        labels=dataset.labels,
        preprocess=settings.preprocess,
        model=settings.model,
        seed=settings.seed,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        data=dataset.root.absolute(),
        counts={split: dataset.count(split) for split in SPLITS},
        made=dataset.made,
        unreadable=sum(len(part.unreadable) for part in images.values()),
        max_unreadable=settings.max_unreadable,
        fingerprint=images["train"].fingerprint(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={name: version(name) for name in ("galago", "tensorflow", "keras", "numpy")},
    )


def _evaluate(run: Run, test: Images) -> Metrics:
    return measure(predict_keras(run.load_model(), test.pixels), test.labels, run.labels)


def _write(run: Run, history: list[dict[str, float]], metrics: Metrics) -> None:
    run.write()
    with (run.folder / run_folder.HISTORY).open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, ["epoch", *history[0]])
        rows.writeheader()
        rows.writerows({"epoch": epoch, **row} for epoch, row in enumerate(history, start=1))
    write_metrics(run.folder / run_folder.METRICS, metrics)
    best_epoch = max(range(len(history)), key=lambda epoch: _goodness(history[epoch]))
    write_report(run.folder / run_folder.REPORT, run, history, best_epoch, metrics)
