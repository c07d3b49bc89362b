"""Score a model, before or after conversion, on the pictures of a dataset.

metrics = evaluate(Path("run"), Path("images"))
print(as_text(metrics))
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from galago.bundle.classifier import Classifier, Scores
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import PreprocessSpec
from galago.errors import DataError, UsageError
from galago.train import run_folder
from galago.train.data.dataset import MAX_UNREADABLE, SPLITS, Dataset
from galago.train.data.images import Images
from galago.train.data.source import Listing, find
from galago.train.metrics import Metrics, measure
from galago.train.predict import predict_keras, predict_tflite
from galago.train.run_folder import Run, load_keras


@dataclass(frozen=True, slots=True)
class Subject:
    """A model to be scored; `labels` is None where the model does not know them itself.

    `seed` and `grouped` tell how its training was split.
    """

    labels: tuple[str, ...] | None
    preprocess: PreprocessSpec
    seed: int
    grouped: bool
    predict: Callable[[Images], Scores]


def evaluate(
    model: Path, data: Path, *, split: str = "test", max_unreadable: float = MAX_UNREADABLE
) -> Metrics:
    """Score `model` (a run, a .keras or a .tflite) on one split of `data`, or on "all" of it.

    Where the data has no split of its own, it is split as the model's training did.

    Raises:
        UsageError: the model is none of these, or no split is called that.
        DataError: the pictures cannot serve, or show other classes than the model knows.
        ModelFileError: the .tflite cannot be used.
    """
    if split not in {*SPLITS, "all"}:
        raise UsageError(f"no split is called {split!r}: expected {', '.join(SPLITS)} or all")
    subject = open_subject(model)
    listing = find(data)
    check_labels(subject.labels, listing)
    dataset = Dataset.open(
        listing,
        subject.preprocess,
        seed=subject.seed,
        grouped=subject.grouped,
        max_unreadable=max_unreadable,
    )
    images = dataset.all if split == "all" else dataset.splits[split]
    return measure(subject.predict(images), images.labels, dataset.labels)


def open_subject(model: Path) -> Subject:
    """Open a run, a .keras or a .tflite for scoring."""
    if model.suffix == ".tflite":
        return _tflite(model)
    if model.suffix == ".keras" and not (model.parent / run_folder.RUN).exists():
        return _bare_keras(model)
    run = Run.read(model.parent if model.suffix == ".keras" else model)
    keras_model = run.load_model()
    return Subject(
        run.labels,
        run.preprocess,
        run.seed,
        run.grouped,
        lambda images: predict_keras(keras_model, images),
    )


def check_labels(labels: tuple[str, ...] | None, listing: Listing) -> None:
    """Raise DataError unless the pictures have exactly the model's classes.

    Names are enough to know: nobody waits for pictures to be prepared that cannot serve.
    """
    if labels is not None and labels != listing.labels:
        raise DataError(
            f"the model knows {', '.join(labels)}, but {listing.data} has "
            f"{', '.join(listing.labels)}: use the data it was trained for, or train again"
        )


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
    provenance = model.manifest.provenance
    return Subject(
        classifier.labels,
        classifier.spec,
        int(provenance.get("seed", 0)),
        # Files that do not say are older than groups.
        bool(provenance.get("grouped", False)),
        lambda images: predict_tflite(classifier, images),
    )


def _bare_keras(path: Path) -> Subject:
    """A .keras from elsewhere: its input tells the size, the data must tell the labels."""
    model = load_keras(path)
    _batch, height, width, _channels = model.input_shape
    spec = PreprocessSpec(height, width)
    return Subject(None, spec, 0, grouped=True, predict=lambda images: predict_keras(model, images))
