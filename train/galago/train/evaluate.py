"""Score a model, before or after conversion, on the pictures of a dataset.

metrics = evaluate(Path("run"), Path("images"))
print(as_text(metrics))
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from galago.bundle.classifier import Classifier, Scores
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import Pixels, PreprocessSpec
from galago.errors import DataError, UsageError
from galago.train import run_folder
from galago.train.dataset import SPLITS, Dataset, Item, scan
from galago.train.images import MAX_UNREADABLE, load
from galago.train.metrics import Metrics, measure
from galago.train.predict import predict_keras, predict_tflite
from galago.train.run_folder import Run, load_keras


@dataclass(frozen=True, slots=True)
class Subject:
    """A model to be scored; `labels` is None where the model does not know them itself."""

    labels: tuple[str, ...] | None
    preprocess: PreprocessSpec
    seed: int
    predict: Callable[[Pixels], Scores]


def evaluate(
    model: Path, data: Path, *, split: str = "test", max_unreadable: float = MAX_UNREADABLE
) -> Metrics:
    """Score `model` (a run, a .keras or a .tflite) on one split of `data`, or on "all" of it.

    Where the data has no split of its own, it is split as training with the model's seed does.

    Raises:
        UsageError: the model is none of these, or no split is called that.
        DataError: the pictures cannot serve, or show other classes than the model knows.
        ModelFileError: the .tflite cannot be used.
    """
    subject = open_subject(model)
    dataset = scan(data, seed=subject.seed)
    check_labels(subject.labels, dataset)
    items = select(dataset, split)
    images = load(items, subject.preprocess, f"{split} pictures", max_unreadable=max_unreadable)
    return measure(subject.predict(images.pixels), images.labels, dataset.labels)


def open_subject(model: Path) -> Subject:
    """Open a run, a .keras or a .tflite for scoring."""
    if model.suffix == ".tflite":
        return _tflite(model)
    if model.suffix == ".keras" and not (model.parent / run_folder.RUN).exists():
        return _bare_keras(model)
    run = Run.read(model.parent if model.suffix == ".keras" else model)
    keras_model = run.load_model()
    return Subject(
        run.labels, run.preprocess, run.seed, lambda pixels: predict_keras(keras_model, pixels)
    )


def check_labels(labels: tuple[str, ...] | None, dataset: Dataset) -> None:
    """Raise DataError unless the dataset has exactly the model's classes."""
    if labels is not None and labels != dataset.labels:
        raise DataError(
            f"the model knows {', '.join(labels)}, but {dataset.root} has "
            f"{', '.join(dataset.labels)}: use the data it was trained for, or train again"
        )


def select(dataset: Dataset, split: str) -> list[Item]:
    """The pictures of one split, or of "all".

    Raises:
        UsageError: no split is called that.
    """
    if split == "all":
        return [item for name in SPLITS for item in dataset.splits[name]]
    if split not in SPLITS:
        raise UsageError(f"no split is called {split!r}: expected {', '.join(SPLITS)} or all")
    return dataset.splits[split]


def as_text(metrics: Metrics, split: str = "test") -> str:
    """The figures as a person reads them in a terminal; `split` names what was scored."""
    corner = "truth, predicted →"
    width = max(len(corner), *(len(label) for label in metrics.labels))
    column = max(7, *(len(label) for label in metrics.labels))
    header = "".join(f"  {label:>{column}}" for label in metrics.labels)
    lines = [
        f"{split} loss      {metrics.loss:.4f}",
        f"{split} accuracy  {metrics.accuracy:.2%}  ({metrics.n} pictures)",
        "",
        f"{'class':<{width}}  precision   recall       f1  support",
    ]
    lines += [
        f"{label:<{width}}  {m.precision:>9.3f}  {m.recall:>7.3f}  {m.f1:>7.3f}  {m.support:>7}"
        for label, m in metrics.per_class.items()
    ]
    lines += ["", f"{corner:<{width}}{header}"]
    for label, row in zip(metrics.labels, metrics.confusion, strict=True):
        lines.append(f"{label:<{width}}" + "".join(f"  {count:>{column}}" for count in row))
    return "\n".join(lines)


def _tflite(path: Path) -> Subject:
    model = ModelFile.read(path)
    classifier = Classifier.open(model)
    seed = int(model.manifest.provenance.get("seed", 0))
    return Subject(
        classifier.labels,
        classifier.spec,
        seed,
        lambda pixels: predict_tflite(classifier, pixels),
    )


def _bare_keras(path: Path) -> Subject:
    """A .keras from elsewhere: its input tells the size, the data must tell the labels."""
    model = load_keras(path)
    _batch, height, width, _channels = model.input_shape
    spec = PreprocessSpec(height, width)
    return Subject(None, spec, 0, lambda pixels: predict_keras(model, pixels))
