"""Networks of people who trained elsewhere: their pixels, their heads, their mistakes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galago.bundle.interpreter import Interpreter
from galago.bundle.model_file import ModelFile
from galago.convert.elsewhere import open_origin
from galago.convert.guest import Claims
from galago.convert.variant import at_size
from galago.train.run_folder import Run
from galago.train.tensorflow import keras
from tests.conftest import Outcome, write_dataset


@pytest.fixture(scope="module")
def network(run_folder: Path) -> Any:
    """The trained network of the shapes, which takes pixels."""
    return Run.read(run_folder).load_model()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shapes enough to tell a bad claim from bad luck, whatever the network has learnt."""
    return write_dataset(tmp_path_factory.mktemp("many") / "shapes", each=120)


def reading(network: Any, mean: float, std: float, *, swapped: bool = False) -> Any:
    """The same network as made by someone who normalises outside, or reads BGR."""
    image = keras.Input(network.input_shape[1:])
    values = keras.ops.clip(image * std + mean, 0, 255)  # as blind outside of its range as others
    return keras.Model(image, network(values[..., ::-1] if swapped else values))


def without_activation(network: Any) -> Any:
    """The same network, ending in logits."""
    image = keras.Input(network.input_shape[1:])
    scores = network(image)
    return keras.Model(image, keras.ops.log(keras.ops.maximum(scores, 1e-6)))


def saved(model: Any, path: Path) -> Path:
    if path.suffix:
        model.save(path)
    else:
        model.export(path, verbose=False)
    return path


@pytest.mark.parametrize("name", ["net.keras", "net.h5", "net"])
def test_every_form_of_keras_network_becomes_a_file(
    network: Any, dataset: Path, tmp_path: Path, galago: Callable[..., Outcome], name: str
) -> None:
    """A .keras, an .h5 and a SavedModel: labels are those of the pictures."""
    path, out = saved(network, tmp_path / name), tmp_path / "shapes.tflite"
    outcome = galago("convert", path, "--data", dataset, "--out", out, "--json")
    assert json.loads(outcome.out)["agreement"] > 0.9
    manifest = ModelFile.read(out).manifest
    assert manifest.provenance["source"] == name
    assert len(manifest.provenance["source_sha256"]) == 64
    assert galago("verify", out).code == 0


def test_a_graph_in_pieces_is_a_warning_that_names_what_is_slow(
    dataset: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """hard_swish has no accelerated int8 kernel: the graph is torn there."""
    image = keras.Input((16, 16, 3))
    values = keras.layers.Conv2D(4, 3, activation="hard_swish")(image / 255)
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(values))
    network = keras.Model(image, keras.layers.Dense(3, "softmax")(pooled))
    path, limits = saved(network, tmp_path / "net.keras"), ("--max-drop", 100)
    out = tmp_path / "x.tflite"
    words = ("--data", dataset, "--out", out, "--max-class-drop", 100, "--json")
    outcome = galago("convert", path, *words, *limits)
    assert json.loads(outcome.out)["partitions"] > 1
    assert "best is one" in outcome.err
    assert "HARD_SWISH" in outcome.err


@pytest.mark.parametrize("swapped", [False, True])
def test_what_a_network_expects_of_pixels_goes_inside(
    network: Any, dataset: Path, tmp_path: Path, galago: Callable[..., Outcome], swapped: bool
) -> None:
    """Made for −1 to 1, and for blue first: the file takes RGB pixels all the same."""
    path = saved(reading(network, 127.5, 127.5, swapped=swapped), tmp_path / "net.keras")
    out = tmp_path / "shapes.tflite"
    claims = ["--mean", 127.5, "--std", 127.5, *(["--colour", "bgr"] if swapped else [])]
    outcome = galago("convert", path, "--data", dataset, "--out", out, *claims, "--json")
    document = json.loads(outcome.out)
    assert document["converted"]["accuracy"] > 0.8
    interpreter = Interpreter(ModelFile.read(out).flatbuffer)
    assert str(interpreter.input).endswith("uint8")
    assert interpreter.input.scale == 1.0
    assert interpreter.is_integer


@pytest.mark.parametrize(
    ("made_for", "said", "message"),
    [
        ((127.5, 127.5), [], "not normalised"),
        ((0, 1), ["--mean", 127.5, "--std", 127.5], "normalised twice"),
        ((0, 1), ["--colour", "bgr"], "swapped"),
    ],
)
def test_a_wrong_claim_is_refuted_by_the_pictures(  # noqa: PLR0913, PLR0917 - fixtures
    network: Any,
    many: Path,
    tmp_path: Path,
    galago: Callable[..., Outcome],
    made_for: tuple[float, float],
    said: list[object],
    message: str,
) -> None:
    """Exit 3, what fits better, and nothing is written."""
    path = saved(reading(network, *made_for), tmp_path / "net.keras")
    outcome = galago("convert", path, "--data", many, "--out", tmp_path / "x.tflite", *said)
    assert outcome.code == 3
    assert message in outcome.complaint
    assert not (tmp_path / "x.tflite").exists()


def test_logits_become_scores(network: Any, dataset: Path, tmp_path: Path) -> None:
    """A network that ends without softmax gets one."""
    path = saved(without_activation(network), tmp_path / "net.keras")
    origin = open_origin(path, dataset, Claims())
    images = origin.open_pictures().splits["test"][:8]
    assert origin.model.predict_on_batch(images).sum(axis=1) == pytest.approx(1)


def test_the_wrong_number_of_labels_is_refused(
    dataset: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Both counts are named."""
    image = keras.Input((16, 16, 3))
    scores = keras.layers.Dense(5, "softmax")(keras.layers.GlobalAveragePooling2D()(image))
    path = saved(keras.Model(image, scores), tmp_path / "net.keras")
    outcome = galago("convert", path, "--data", dataset, "--out", tmp_path / "x.tflite")
    assert outcome.code == 2
    assert (
        "gives (None, 5), the pictures have 3 labels (circle, empty, square)" in outcome.complaint
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{net}"], "name them with --data"),
        (["{run}", "--recipe", "float16", "--io", "int8"], "--io int8 is for --recipe int8"),
        (["{run}", "--for", "frigate", "--recipe", "dynamic"], "frigate reads uint8 alone"),
        (["{run}", "--for", "rpicam-apps", "--io", "int8"], "rpicam-apps reads uint8 alone"),
        (["{run}", "--mean", "127.5"], "is a run, which knows how pictures are prepared"),
        (["{net}", "--data", "{data}", "--std", "0"], "expected numbers above 0"),
        (["{junk}", "--data", "{data}"], "cannot be loaded as a Keras model"),
        (["{folder}", "--data", "{data}"], "cannot be loaded as a SavedModel"),
    ],
)
def test_wrong_usage_is_one_line(  # noqa: PLR0913, PLR0917 - fixtures
    network: Any,
    run_folder: Path,
    dataset: Path,
    tmp_path: Path,
    galago: Callable[..., Outcome],
    words: list[str],
    message: str,
) -> None:
    """What is missing or too much, exit 2."""
    (tmp_path / "junk.keras").write_bytes(b"junk")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "saved_model.pb").write_bytes(b"junk")
    places = {
        "net": saved(network, tmp_path / "net.keras"),
        "junk": tmp_path / "junk.keras",
        "folder": tmp_path / "folder",
        "run": run_folder,
        "data": dataset,
    }
    named = [word.format(**places) for word in words]
    outcome = galago("convert", *named, "--out", tmp_path / "x.tflite")
    assert outcome.code == 2
    assert message in outcome.complaint


def test_the_file_for_rpicam_apps_has_its_size_and_companions(
    run_folder: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """224 × 224 uint8 whatever the network's own size, compared with the network at that."""
    out = tmp_path / "shapes.tflite"
    outcome = galago(
        *("convert", run_folder, "--out", out, "--for", "rpicam-apps", "--max-drop", 5, "--json")
    )
    document = json.loads(outcome.out)
    assert document["agreement"] > 0.8
    interpreter = Interpreter(ModelFile.read(out).flatbuffer)
    assert interpreter.size == (224, 224)
    assert interpreter.input.dtype == interpreter.output.dtype == np.uint8
    assert interpreter.partitions == 1
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"convert.html", "shapes.tflite", "shapes.json", "shapes.labels.txt"}
    assert galago("verify", out).code == 0


def test_one_sigmoid_unit_becomes_two_columns_for_others(tmp_path: Path) -> None:
    """Other programs expect a score for each label."""
    image = keras.Input((16, 16, 3))
    score = keras.layers.Dense(1, "sigmoid")(keras.layers.GlobalAveragePooling2D()(image))
    two = write_dataset(tmp_path / "two", ("circle", "square"), each=20)
    network = keras.Model(image, score)
    origin = open_origin(saved(network, tmp_path / "net.keras"), two, Claims())
    (expected,) = network.predict_on_batch(np.full((1, 16, 16, 3), 90, np.float32))[0]
    for model, side in ((origin.model, 16), (at_size(origin, (40, 40)).model, 40)):
        (scores,) = model.predict_on_batch(np.full((1, side, side, 3), 90, np.float32))
        assert scores == pytest.approx([1 - expected, expected], abs=1e-6)
