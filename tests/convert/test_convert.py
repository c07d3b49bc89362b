"""From a run to the file: quantized, compared, embedded, verified, or not written at all."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.classifier import Classifier
from galago.bundle.image import read_image
from galago.bundle.interpreter import Interpreter
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import preprocess
from galago.convert.gate import compare
from galago.train.run_folder import Run
from tests.conftest import LABELS, Outcome, write_dataset


def test_json_has_the_documented_keys(
    run_folder: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Float and int8 side by side; nothing but the document on standard output."""
    out = tmp_path / "shapes.tflite"
    document = json.loads(galago("convert", run_folder, "--out", out, "--json").out)
    assert document["file"] == str(out)
    assert document["passed"] is True
    assert document["float"].keys() == document["converted"].keys() == {"accuracy", "bytes"}
    assert document["converted"]["bytes"] < 0.27 * document["float"]["bytes"]
    assert document["agreement"] >= 0.9


def test_pixels_go_in_unchanged(model_path: Path) -> None:
    """uint8 input with scale 1 and zero point 0: the camera's bytes are the model's."""
    interpreter = Interpreter(ModelFile.read(model_path).flatbuffer)
    assert interpreter.input.dtype == np.uint8
    assert (interpreter.input.scale, interpreter.input.zero_point) == (1.0, 0)


def test_every_operation_is_integer_and_accelerated(model_path: Path) -> None:
    """No float tensor is left in the graph, and XNNPACK takes all of it."""
    interpreter = Interpreter(ModelFile.read(model_path).flatbuffer)
    details = interpreter._tflite.get_tensor_details()
    assert {np.dtype(tensor["dtype"]).name for tensor in details} <= {"uint8", "int8", "int32"}
    delegates = [op["op_name"] for op in interpreter._tflite._get_ops_details()]
    assert delegates.count("DELEGATE") == 1


def test_pixels_are_the_same_in_training_and_on_the_camera(model_path: Path, dataset: Path) -> None:
    """What the run's arrays hold is what the daemon writes into the interpreter's input tensor."""
    from galago.train.data.dataset import Dataset

    model = ModelFile.read(model_path)
    classifier = Classifier.open(model)
    test = Dataset.open(dataset, model.manifest.preprocess).splits["test"]
    for path, expected in zip(test.paths, test.pixels, strict=True):
        classifier(read_image(path))
        tensor = classifier.interpreter._tflite.get_tensor(classifier.interpreter.input.index)
        assert np.array_equal(tensor[0], expected)


def test_golden_frames_come_from_training_pictures_alone(model_path: Path, dataset: Path) -> None:
    """The test pictures stay unseen by everything that shapes the file."""
    from galago.train.data.dataset import Dataset

    model = ModelFile.read(model_path)
    splits = Dataset.open(dataset, model.manifest.preprocess).splits
    unseen = {image.tobytes() for split in ("val", "test") for image in splits[split].pixels}
    assert unseen.isdisjoint(image.tobytes() for image in model.golden.inputs)
    first = preprocess(model.golden.frames[0], model.manifest.preprocess)
    assert np.array_equal(first, model.golden.inputs[0])


def test_the_same_run_gives_the_same_bytes(
    run_folder: Path, model_path: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """A file can be made again and compared."""
    out = tmp_path / "again.tflite"
    assert galago("convert", run_folder, "--out", out).code == 0
    assert out.read_bytes() == model_path.read_bytes()


def test_the_manifest_tells_where_the_model_comes_from(model_path: Path) -> None:
    """Labels, figures of both models, seed, versions and the data's fingerprint."""
    manifest = ModelFile.read(model_path).manifest
    assert manifest.labels == LABELS
    assert manifest.metrics.keys() >= {"float", "converted", "agreement"}
    assert manifest.provenance.keys() >= {"seed", "trained", "data_fingerprint", "versions"}


def test_a_model_that_loses_too_much_is_not_written(
    run_folder: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Beyond the limit: exit 3, the figures of both, and the old file stays as it was."""
    ruined = shutil.copytree(run_folder, tmp_path / "run")
    run = Run.read(ruined)
    model = run.load_model()
    backbone, head = model.layers[-2:]
    hidden = backbone.layers[-1]
    # An idle unit with a huge activation: float does not care, int8 has no steps left for others.
    kernel, bias = hidden.get_weights()
    kernel[:, 0], bias[0] = 0, 1e4
    hidden.set_weights([kernel, bias])
    kernel, bias = head.get_weights()
    kernel[0] = 0
    head.set_weights([kernel, bias])
    model.save(ruined / "model.keras")
    out = tmp_path / "porch.tflite"
    out.write_bytes(b"the old model")
    outcome = galago("convert", ruined, "--out", out, "--json")
    assert outcome.code == 3
    assert json.loads(outcome.out)["passed"] is False, outcome.err
    assert "points of accuracy, at most 0.5 are allowed" in outcome.complaint
    assert out.read_bytes() == b"the old model"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["porch.tflite", "run"]


def one_hot_rows(*labels: int) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    return np.eye(2, dtype=np.float32)[list(labels)]


@pytest.mark.parametrize(
    ("wrong", "limit", "passes"), [(0, 0.5, True), (1, 0.5, True), (3, 0.5, False), (3, 2.0, True)]
)
def test_the_gate_counts_lost_points(wrong: int, limit: float, passes: bool) -> None:
    """Of 200 pictures three are 1.5 points; a single one never decides alone."""
    truth = np.zeros(200, np.int64)
    converted = one_hot_rows(*([1] * wrong + [0] * (200 - wrong)))
    comparison = compare(one_hot_rows(*truth), converted, truth, ("a", "b"))
    assert comparison.drop_points == pytest.approx(wrong / 2)
    assert comparison.agreement == pytest.approx(1 - wrong / 200)
    assert comparison.within(limit) is passes


def test_moved_pictures_can_be_named(
    run_folder: Path, dataset: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """A run trained elsewhere converts with --data."""
    out = tmp_path / "shapes.tflite"
    assert galago("convert", run_folder, "--out", out, "--data", dataset).code == 0
    gone = galago("convert", run_folder, "--out", out, "--data", tmp_path / "gone")
    assert gone.code == 2
    assert "is not a folder" in gone.complaint


def test_pictures_of_other_classes_are_refused(
    run_folder: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Calibrating and judging on other labels would prove nothing."""
    data = write_dataset(tmp_path / "other", ("cat", "dog", "owl"), each=8)
    outcome = galago("convert", run_folder, "--out", tmp_path / "x.tflite", "--data", data)
    assert outcome.code == 2
    assert "the model knows circle, empty, square, but" in outcome.complaint
    assert not (tmp_path / "x.tflite").exists()


def test_two_classes_share_one_sigmoid_unit(tmp_path: Path) -> None:
    """One output becomes two scores, in the order of the labels."""
    from galago.convert.convert import convert
    from galago.train.recipe import Settings
    from galago.train.training import train

    data = write_dataset(tmp_path / "two", ("circle", "square"), each=40)
    train(data, tmp_path / "run", Settings("cnn", epochs=6, batch_size=8))
    assert convert(tmp_path / "run", tmp_path / "two.tflite").passed
    classifier = Classifier.open(ModelFile.read(tmp_path / "two.tflite"))
    assert classifier.interpreter.output.shape == (1, 1)
    for index, label in enumerate(("circle", "square")):
        images = [read_image(path) for path in sorted((data / label).iterdir())]
        scores = np.stack([classifier(image) for image in images])
        assert scores.shape == (40, 2)
        assert scores.sum(axis=1) == pytest.approx(1)
        assert (scores.argmax(axis=1) == index).mean() > 0.8
