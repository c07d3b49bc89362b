"""Three interpreters, models of several kinds, one face."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.classifier import Classifier, best_first
from galago.bundle.image import read_image
from galago.bundle.interpreter import PROVIDERS, Interpreter, Tensor, dequantize
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import PreprocessSpec
from galago.errors import ModelFileError
from tests.conftest import LABELS, Outcome, draw

CIFAR_LABELS = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def test_litert_comes_first() -> None:
    """Where all are installed, the best kept one serves."""
    assert next(iter(PROVIDERS)) == "ai-edge-litert"


@pytest.mark.parametrize("provider", ["ai-edge-litert", "tensorflow"])
def test_installed_interpreters_agree(model_path: Path, provider: str) -> None:
    """The same picture gives the same class and nearly the same scores everywhere."""
    model = ModelFile.read(model_path)
    reference, other = Classifier.open(model), Classifier.open(model, provider=provider)
    assert other.interpreter.name.startswith(provider)
    for label in LABELS:
        frame = draw(label, seed=77)
        assert np.abs(reference(frame) - other(frame)).max() < 0.05


def test_scores_are_shares_that_sum_to_one(model_path: Path) -> None:
    """Quantized outputs come out as float32 shares."""
    scores = Classifier.open(ModelFile.read(model_path))(draw("circle", 5))
    assert scores.dtype == np.float32
    assert scores.sum() == pytest.approx(1.0, abs=1e-6)


def test_answers_may_be_kept(model_path: Path) -> None:
    """A later picture does not change an earlier answer."""
    classifier = Classifier.open(ModelFile.read(model_path))
    circle = classifier(draw("circle", 5))
    kept = circle.copy()
    classifier(draw("empty", 5))
    assert np.array_equal(circle, kept)


def test_a_foreign_uint8_model_recognises_its_pictures(shared: Path) -> None:
    """MobileNet v1, quantized by others, finds a macaw in the photograph of a macaw."""
    models = shared / "models"
    labels = tuple((models / "imagenet_labels.txt").read_text().splitlines())
    unique = tuple(f"{index} {label}" for index, label in enumerate(labels))
    interpreter = Interpreter((models / "mobilenet_v1_0.25_128_quant.tflite").read_bytes())
    assert interpreter.input.dtype == np.uint8
    classifier = Classifier(interpreter, PreprocessSpec(128, 128), unique, "softmax")
    scores = classifier(read_image(models / "parrot.jpg"))
    assert "macaw" in unique[scores.argmax()]


def test_a_foreign_int8_model_recognises_its_pictures(shared: Path, tmp_path: Path) -> None:
    """MLPerf Tiny's ResNet-8 beats seven in ten on CIFAR-10, where guessing is one in ten."""
    model = (shared / "models" / "mlperf_tiny_resnet8_int8.tflite").read_bytes()
    classifier = Classifier(Interpreter(model), PreprocessSpec(32, 32), CIFAR_LABELS, "softmax")
    assert classifier.interpreter.input.dtype == np.int8
    with zipfile.ZipFile(shared / "data" / "cifar10.zip") as archive:
        names = sorted(name for name in archive.namelist() if "/test/" in name and "." in name)
        classes = sorted({name.split("/")[-2] for name in names})
        right = 0
        chosen = names[::50]
        for name in chosen:
            picture = tmp_path / "picture.jpg"
            picture.write_bytes(archive.read(name))
            scores = classifier(read_image(picture))
            right += classes.index(name.split("/")[-2]) == scores.argmax()
    assert right / len(chosen) > 0.7


def test_a_model_that_cannot_be_run_is_one_line_and_exit_3(
    shared: Path, galago: Callable[..., Outcome]
) -> None:
    """Neither a traceback nor a crash, whatever the interpreter throws."""
    outcome = galago("bench", shared / "models" / "broken_invoke.tflite")
    assert outcome.code == 3
    assert "broken_invoke.tflite: ai-edge-litert" in outcome.complaint


def test_labels_that_do_not_fit_are_refused(model_path: Path) -> None:
    """A model of three outputs cannot have four labels."""
    model = ModelFile.read(model_path)
    with pytest.raises(ModelFileError, match="3 outputs, its softmax head needs 4"):
        Classifier(
            Interpreter(model.flatbuffer),
            model.manifest.preprocess,
            ("a", "b", "c", "d"),
            "softmax",
        )


def test_a_size_that_does_not_fit_is_refused(model_path: Path) -> None:
    """A description of another input size is noticed before the first picture."""
    flatbuffer = ModelFile.read(model_path).flatbuffer
    with pytest.raises(ModelFileError, match="its description says 32 × 32"):
        Classifier(Interpreter(flatbuffer), PreprocessSpec(32, 32), LABELS, "softmax")


def test_equal_scores_rank_as_argmax_chooses() -> None:
    """Half and half is common with 256 steps; every verb must call it the same class."""
    scores = np.array([0.25, 0.5, 0.5, 0.75, 0.75], np.float32)
    assert best_first(scores).tolist() == [3, 4, 1, 2, 0]
    assert best_first(scores)[0] == scores.argmax()


def test_dequantize_is_the_affine_rule() -> None:
    """(raw − zero_point) · scale, and floats as they are."""
    tensor = Tensor(0, (1, 2), np.dtype(np.int8), 0.5, -3)
    assert dequantize(np.array([-3, 5], np.int8), tensor).tolist() == [0.0, 4.0]
    plain = Tensor(0, (1, 2), np.dtype(np.float32), 0.0, 0)
    assert dequantize(np.array([0.25, 0.75], np.float32), plain).tolist() == [0.25, 0.75]
