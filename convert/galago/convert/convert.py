"""Turn a finished run into the one file that crosses to the camera.

- The int8 model is compared with the float model on the test pictures, run by the interpreter that
  the camera uses; worse than the limit, it gets no file.
- Calibration and golden pictures come from the training pictures only.
- The file is verified in a child process before it takes its name.

    conversion = convert(Path("run"), Path("porch.tflite"))
    print(conversion.comparison.agreement, conversion.passed)
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galago.bundle.classifier import Classifier
from galago.bundle.image import read_image
from galago.bundle.interpreter import Interpreter
from galago.bundle.manifest import Head
from galago.bundle.model_file import ModelFile
from galago.bundle.verify import verify
from galago.convert.assemble import GOLDEN_FRAMES, as_camera, assemble
from galago.convert.gate import MAX_DROP_POINTS, Comparison, compare
from galago.convert.quantize import to_float32, to_int8
from galago.errors import GateError
from galago.progress import say
from galago.train.data.dataset import Dataset
from galago.train.data.images import Images
from galago.train.data.source import find
from galago.train.evaluate import check_labels
from galago.train.predict import predict_keras, predict_tflite
from galago.train.run_folder import Run

CALIBRATION_IMAGES = 200  # more changed nothing measurable: facts of post-training quantization


@dataclass(frozen=True, slots=True)
class Conversion:
    """What came of it; `model` is the file's content, None where the gate refused it."""

    comparison: Comparison
    float_bytes: int
    converted_bytes: int
    file: Path
    max_drop_points: float
    model: ModelFile | None

    @property
    def passed(self) -> bool:
        """Whether the file was written."""
        return self.model is not None

    def check(self) -> ModelFile:
        """The model that was written.

        Raises:
            GateError: none was, because it is worse than allowed.
        """
        if self.model is None:
            raise GateError(
                f"conversion loses {self.comparison.drop_points:.2f} points of accuracy, at most "
                f"{self.max_drop_points:g} are allowed: {self.file} was not written; train longer, "
                "or raise --max-drop"
            )
        return self.model

    def to_dict(self) -> dict[str, Any]:
        """The document that `galago convert --json` prints."""
        comparison = self.comparison
        return {
            "file": str(self.file),
            "float": {"accuracy": comparison.original.accuracy, "bytes": self.float_bytes},
            "converted": {
                "accuracy": comparison.converted.accuracy,
                "bytes": self.converted_bytes,
            },
            "agreement": comparison.agreement,
            "passed": self.passed,
            "n": comparison.original.n,
            "file_bytes": len(self.model.content) if self.model else None,
        }


def convert(
    run_folder: Path,
    out: Path,
    *,
    data: Path | None = None,
    max_drop_points: float = MAX_DROP_POINTS,
) -> Conversion:
    """Quantize, compare, embed, verify, write.

    Args:
        run_folder: what `galago train` left.
        out: the file to write; untouched unless everything passes.
        data: the pictures, where they have moved since training.
        max_drop_points: accuracy that may be lost, in percentage points.

    Raises:
        UsageError, DataError: the run or its pictures cannot serve.
        ModelFileError: the written model does not pass its own golden frames.
    """
    run = Run.read(run_folder)
    pictures = data or run.data
    check_labels(run.labels, find(pictures))
    dataset = Dataset.open(
        pictures,
        run.preprocess,
        seed=run.seed,
        grouped=run.grouped,
        max_unreadable=run.max_unreadable,
    )
    calibration = _balanced(dataset.splits["train"], run.seed)
    test = dataset.splits["test"]

    say("Quantizing to int8")
    keras_model = run.load_model()
    flatbuffer = to_int8(keras_model, calibration.pixels)
    float_bytes = len(to_float32(keras_model))
    classifier = _classifier(flatbuffer, run)

    say(f"Comparing both models on {len(test)} test pictures")
    comparison = compare(
        predict_keras(keras_model, test),
        predict_tflite(classifier, test),
        test.labels,
        run.labels,
    )
    model = None
    if comparison.within(max_drop_points):
        model = _assemble(run, flatbuffer, classifier, comparison, calibration)
        say("Verifying the golden frames in a process of their own")
        verify(model)
        model.write(out)
    return Conversion(comparison, float_bytes, len(flatbuffer), out, max_drop_points, model)


def as_text(conversion: Conversion) -> str:
    """Both models side by side, for a terminal."""
    comparison = conversion.comparison
    rows = [
        ("float32", comparison.original, conversion.float_bytes),
        ("int8", comparison.converted, conversion.converted_bytes),
    ]
    lines = ["           accuracy      loss       size"]
    lines += [
        f"{name:<10} {metrics.accuracy:>8.2%}  {metrics.loss:>8.4f}  {size / 1e3:>6.0f} kB"
        for name, metrics, size in rows
    ]
    share, n = comparison.agreement, comparison.original.n
    lines.append(f"The same answer for {share:.2%} of {n} test pictures.")
    if conversion.model is not None:
        size = f"{len(conversion.model.content) / 1e3:.0f} kB with golden frames"
        lines.append(f"Wrote {conversion.file} ({size}); its golden frames passed here.")
    return "\n".join(lines)


def _balanced(train: Images, seed: int) -> Images:
    """Training pictures for calibration, as many of each class, classes taking turns."""
    random = np.random.default_rng(seed)
    by_class = [
        random.permutation(np.flatnonzero(train.labels == label))
        for label in np.unique(train.labels)
    ]
    each = min(-(-CALIBRATION_IMAGES // len(by_class)), *map(len, by_class))
    chosen = np.stack([rows[:each] for rows in by_class], axis=1).ravel()
    paths = tuple(train.paths[row] for row in chosen)
    return Images(train.store, train.rows[chosen], train.labels[chosen], paths)


def _classifier(flatbuffer: bytes, run: Run) -> Classifier:
    interpreter = Interpreter(flatbuffer)
    head: Head = "sigmoid" if interpreter.output.shape[1] == 1 else "softmax"
    return Classifier(interpreter, run.preprocess, run.labels, head)


def _assemble(
    run: Run,
    flatbuffer: bytes,
    classifier: Classifier,
    comparison: Comparison,
    calibration: Images,
) -> ModelFile:
    interpreter = classifier.interpreter
    frames = [
        as_camera(read_image(path), run.preprocess) for path in calibration.paths[:GOLDEN_FRAMES]
    ]
    return assemble(
        flatbuffer,
        classifier,
        frames,
        quantization={"scheme": "int8", "calibration_images": len(calibration)},
        metrics=_metrics(comparison),
        provenance=_provenance(run, interpreter),
    )


def _metrics(comparison: Comparison) -> dict[str, Any]:
    return {
        "n": comparison.original.n,
        "float": {"accuracy": comparison.original.accuracy, "loss": comparison.original.loss},
        "converted": {
            "accuracy": comparison.converted.accuracy,
            "loss": comparison.converted.loss,
        },
        "agreement": comparison.agreement,
        "per_class": {name: asdict(m) for name, m in comparison.converted.per_class.items()},
    }


def _provenance(run: Run, interpreter: Interpreter) -> dict[str, Any]:
    """Where the model comes from; the time is the training's, so that the file can be remade."""
    return {
        "network": run.model,
        "seed": run.seed,
        "trained": run.created,
        "grouped": run.grouped,
        "data_fingerprint": run.fingerprint,
        "counts": run.counts,
        "versions": run.versions,
        "interpreter": interpreter.name,
    }
