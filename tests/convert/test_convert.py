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
from galago.convert.assemble import MOST_TOLERANCE
from galago.convert.trial import balanced
from galago.train.data.images import Images
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


def test_golden_frames_are_many_balanced_and_in_both_forms(model_path: Path, dataset: Path) -> None:
    """At least 32, as many of each class, as a camera gives them and as the model sees them."""
    from galago.train.data.dataset import Dataset

    model = ModelFile.read(model_path)
    golden, spec = model.golden, model.manifest.preprocess
    assert len(golden.frames) == len(golden.inputs) == len(golden.outputs) >= 32
    for frame, seen in zip(golden.frames, golden.inputs, strict=True):
        assert frame.shape != seen.shape
        assert np.array_equal(preprocess(frame, spec), seen)
    train = Dataset.open(dataset, spec).splits["train"]
    label_of = {
        image.tobytes(): label for image, label in zip(train.pixels, train.labels, strict=True)
    }
    labels = [label_of[image.tobytes()] for image in golden.inputs]
    assert np.bincount(labels).tolist() == [11, 11, 11]


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
    assert manifest.metrics.keys() >= {"float", "converted", "agreement", "classes"}
    assert manifest.provenance.keys() >= {
        *("seed", "trained", "data_fingerprint", "counts", "splits_made", "versions"),
        *("git_revision", "interpreter"),
    }


@pytest.fixture(scope="module")
def ruined(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose network cannot become int8: one idle unit takes all the steps.

    It has a huge activation that no other unit listens to. Floats do not care.
    """
    folder = shutil.copytree(run_folder, tmp_path_factory.mktemp("ruined") / "run")
    model = Run.read(folder).load_model()
    backbone, head = model.layers[-2:]
    hidden = backbone.layers[-1]
    kernel, bias = hidden.get_weights()
    kernel[:, 0], bias[0] = 0, 1e4
    hidden.set_weights([kernel, bias])
    kernel, bias = head.get_weights()
    kernel[0] = 0
    head.set_weights([kernel, bias])
    model.save(folder / "model.keras")
    return folder


def test_a_model_that_loses_too_much_is_not_written(
    ruined: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Beyond the limit: exit 3, the figures of both, a report, the old file stays as it was."""
    out = tmp_path / "porch.tflite"
    out.write_bytes(b"the old model")
    outcome = galago("convert", ruined, "--out", out, "--json")
    assert outcome.code == 3
    document = json.loads(outcome.out)
    assert document["passed"] is False, outcome.err
    assert [trial["recipe"] for trial in document["trials"]] == ["int8"]
    assert "points of accuracy, at most 0.5 are allowed" in outcome.complaint
    assert "see what --try-harder finds" in outcome.complaint
    assert out.read_bytes() == b"the old model"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["convert.html", "porch.tflite"]


def test_trying_harder_finds_a_recipe_that_serves(
    ruined: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """More calibration does not help here, floats inside do; what each cost is said."""
    out = tmp_path / "porch.tflite"
    outcome = galago("convert", ruined, "--out", out, "--try-harder", "--json")
    document = json.loads(outcome.out)
    tried = [(trial["recipe"], bool(trial["complaints"])) for trial in document["trials"]]
    assert tried == [("int8", True), ("int8", True), ("dynamic", False)]
    assert document["recipe"] == "dynamic"
    model = ModelFile.read(out)
    assert model.manifest.quantization["scheme"] == "dynamic"
    assert model.manifest.golden.exact is False
    assert galago("verify", out).code == 0


@pytest.mark.parametrize("recipe", ["dynamic", "float16", "float32"])
def test_other_recipes_make_files_that_serve_too(
    run_folder: Path, tmp_path: Path, galago: Callable[..., Outcome], recipe: str
) -> None:
    """uint8 pixels go in whatever is computed inside; the file verifies."""
    out = tmp_path / "shapes.tflite"
    document = json.loads(
        galago("convert", run_folder, "--out", out, "--recipe", recipe, "--json").out
    )
    assert document["passed"], document
    assert document["agreement"] == 1.0
    assert json.loads(galago("inspect", out, "--json").out)["input"]["dtype"] == "uint8"
    assert ModelFile.read(out).manifest.golden.tolerance <= MOST_TOLERANCE
    assert galago("verify", out).code == 0


def test_int8_at_the_border_serves_too(
    run_folder: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """For programs that want it; Galago shifts the bytes by itself."""
    out = tmp_path / "shapes.tflite"
    assert galago("convert", run_folder, "--out", out, "--io", "int8").code == 0
    answer = json.loads(galago("verify", out, "--json").out)
    assert (answer["passed"], answer["exact"]) == (True, True)


def test_calibration_is_balanced_and_seeded() -> None:
    """Classes take turns as long as they last; a rare one does not hold the others back."""
    labels = np.repeat([0, 1, 2], [100, 50, 4])
    rows = np.arange(154)
    images = Images(
        np.zeros((154, 1, 1, 3), np.uint8), rows, labels, tuple(map(Path, map(str, rows)))
    )
    chosen = balanced(images, 30, seed=0)
    assert np.bincount(chosen.labels).tolist() == [13, 13, 4]
    assert chosen.labels[:6].tolist() == [0, 1, 2, 0, 1, 2]
    assert np.array_equal(chosen.rows, balanced(images, 30, seed=0).rows)
    assert not np.array_equal(chosen.rows, balanced(images, 30, seed=1).rows)
    assert len(set(balanced(images, 1000, seed=0).rows.tolist())) == 154


def test_scores_are_made_believable_by_val(model_path: Path) -> None:
    """Temperature and a threshold for each label ride in the file, fitted on its own scores."""
    manifest = ModelFile.read(model_path).manifest
    assert set(manifest.thresholds) == set(LABELS)
    assert 0.05 <= manifest.temperature <= 20
    assert all(limit is None or 0 < limit <= 1 for limit in manifest.thresholds.values())


def test_a_class_that_cannot_calibrate_is_refused(
    run_folder: Path, dataset: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Calibrated on circles alone, the file would know the range of circles alone."""
    data = tmp_path / "data"
    shutil.copytree(dataset / "circle", data / "train" / "circle")
    shutil.copytree(dataset, data / "test")
    outcome = galago("convert", run_folder, "--out", tmp_path / "x.tflite", "--data", data)
    assert outcome.code == 2
    assert "different classes (empty, square): every split needs every class" in outcome.complaint
    assert not (tmp_path / "x.tflite").exists()


def test_a_folder_that_cannot_be_written_is_known_at_once(
    run_folder: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Nobody waits for minutes to hear that."""
    outcome = galago("convert", run_folder, "--out", tmp_path / "missing" / "x.tflite")
    assert outcome.code == 2
    assert f"{tmp_path / 'missing'} is not a folder" in outcome.complaint
    assert "Asking" not in outcome.err


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


def test_a_sigmoid_unit_becomes_a_score_for_each_label(tmp_path: Path) -> None:
    """In the order of the labels: other programs know no classifiers of a single unit."""
    from galago.convert.convert import convert
    from galago.convert.origin import from_run
    from galago.train.recipe import Settings
    from galago.train.training import train

    data = write_dataset(tmp_path / "two", ("circle", "square"), each=40)
    train(data, tmp_path / "run", Settings("cnn", epochs=6, batch_size=8))
    assert convert(from_run(tmp_path / "run"), tmp_path / "two.tflite").passed
    classifier = Classifier.open(ModelFile.read(tmp_path / "two.tflite"))
    assert classifier.interpreter.output.shape == (1, 2)
    for index, label in enumerate(("circle", "square")):
        images = [read_image(path) for path in sorted((data / label).iterdir())]
        scores = np.stack([classifier(image) for image in images])
        assert scores.shape == (40, 2)
        assert scores.sum(axis=1) == pytest.approx(1)
        assert (scores.argmax(axis=1) == index).mean() > 0.8
