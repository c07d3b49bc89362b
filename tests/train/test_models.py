"""The zoo: shapes, weights, and graphs that a camera can run in one piece."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galago.errors import UsageError
from galago.train.models import ZOO, build
from tests.conftest import Outcome

TUTORIAL = [
    ("Rescaling", None),
    ("Conv2D", (32, (3, 3), "relu")),
    ("MaxPooling2D", (2, 2)),
    ("Conv2D", (64, (3, 3), "relu")),
    ("MaxPooling2D", (2, 2)),
    ("Flatten", None),
    ("Dense", (64, "relu")),
]


def anatomy(model: Any) -> list[tuple[str, object]]:
    described: list[tuple[str, object]] = []
    for layer in model.layers:
        kind = type(layer).__name__
        detail: object = None
        if kind == "Conv2D":
            detail = (layer.filters, layer.kernel_size, layer.activation.__name__)
        elif kind == "MaxPooling2D":
            detail = layer.pool_size
        elif kind == "Dense":
            detail = (layer.units, layer.activation.__name__)
        described.append((kind, detail))
    return described


@pytest.mark.parametrize(("classes", "head"), [(2, (1, "sigmoid")), (3, (3, "softmax"))])
def test_cnn_is_the_tutorials_network(classes: int, head: tuple[int, str]) -> None:
    """Layer for layer, with pixel values normalised inside."""
    network = build("cnn", (64, 64), classes)
    assert network.model.input_shape == (None, 64, 64, 3)
    assert anatomy(network.backbone) == TUTORIAL
    assert network.backbone.layers[0].scale == pytest.approx(1 / 255)
    assert anatomy(network.model)[-1] == ("Dense", head)


def test_resnet8_has_the_published_size() -> None:
    """78 666 parameters, as in MLPerf Tiny's reference (Banbury et al., 2021)."""
    assert build("resnet8", (32, 32), 10).model.count_params() == 78_666


@pytest.mark.parametrize("name", ZOO)
def test_every_network_becomes_one_integer_graph(name: str) -> None:
    """All operations of the int8 file are taken by the accelerated kernels, in one piece."""
    from galago.bundle.interpreter import Interpreter
    from galago.convert.quantize import RECIPES, quantize

    architecture = ZOO[name]
    model = build(name, (64, 64), 3, width=architecture.width).model
    random = np.random.default_rng(0)
    flatbuffer = quantize(model, RECIPES["int8"], random.integers(0, 256, (1, 64, 64, 3), np.uint8))
    interpreter = Interpreter(flatbuffer)
    if not interpreter.name.startswith("ai-edge-litert"):
        pytest.skip(f"{interpreter.name} does not accelerate int8; only ai-edge-litert does")
    assert interpreter.partitions == 1


@pytest.mark.parametrize("name", ZOO)
def test_width_scales_the_channels(name: str) -> None:
    """Half the width has fewer weights and the same input and output."""
    whole = build(name, (64, 64), 3, width=1.0).model
    half = build(name, (64, 64), 3, width=0.5).model
    assert half.count_params() < 0.6 * whole.count_params()
    assert half.input_shape == whole.input_shape == (None, 64, 64, 3)
    assert half.output_shape == whole.output_shape == (None, 3)


@pytest.mark.parametrize("name", ZOO)
def test_too_small_pictures_are_refused(name: str) -> None:
    """With the least that the network needs."""
    with pytest.raises(UsageError, match=f"{name} needs at least .* received 6 × 6"):
        build(name, (6, 6), 3)


def test_unknown_networks_are_refused(
    dataset: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """With the names of those that there are."""
    outcome = galago("train", dataset, "--out", tmp_path / "run", "--model", "resnet")
    assert outcome.code == 2
    assert "no model is called 'resnet': expected one of cnn, resnet8" in outcome.complaint
    assert list(tmp_path.iterdir()) == []


def test_given_weights_are_loaded(shared: Path) -> None:
    """The first convolution holds what the file holds, at another picture size than its own."""
    import h5py  # type: ignore[import-untyped]

    path = next((shared / "weights").glob("mobilenet_v2_0.35_*.h5"))
    network = build("mobilenet_v2", (96, 96), 3, width=0.35, weights=str(path))
    body = network.backbone.layers[-1]
    kernel = body.get_layer("Conv1").get_weights()[0]
    with h5py.File(path) as file:
        stored: list[Any] = []
        file.visititems(lambda _, node: stored.append(node) if hasattr(node, "shape") else None)
        assert any(
            node.shape == kernel.shape and np.array_equal(node[()], kernel) for node in stored
        )


@pytest.mark.parametrize(
    ("name", "width", "message"),
    [
        ("mobilenet_v2", 0.5, r"does not hold weights of mobilenet_v2 with --width 0.5"),
        ("cnn", 1.0, "cnn has no pretrained weights"),
    ],
)
def test_weights_of_another_network_are_refused(
    name: str, width: float, message: str, shared: Path
) -> None:
    """Nothing is loaded in part."""
    path = next((shared / "weights").glob("mobilenet_v2_0.35_*.h5"))
    with pytest.raises(UsageError, match=message):
        build(name, (96, 96), 3, width=width, weights=str(path))


def test_weights_that_are_no_file_are_refused() -> None:
    """A slip of the pen is not taken for random weights."""
    with pytest.raises(UsageError, match="imagnet is no file: expected none, imagenet, or"):
        build("mobilenet_v2", (96, 96), 3, width=0.35, weights="imagnet")


def test_imagenet_weights_exist_for_some_widths_only() -> None:
    """The message names them, before anything is downloaded."""
    with pytest.raises(UsageError, match=r"--width 0.35, 0.5, .* only, received 0.4"):
        build("mobilenet_v2", (96, 96), 3, width=0.4, weights="imagenet")


def test_a_failed_download_says_what_else_can_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real refused connection, and an empty cache."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(OSError, match=r"cannot be downloaded .*--weights PATH.*--weights none"):
        build("mobilenet_v2", (96, 96), 3, width=0.35, weights="imagenet")


OWN = """
import keras

def small(height, width, classes):
    units, last = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    return keras.Sequential([
        keras.Input((height, width, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(8, 3, 2, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(units, activation=last),
    ])

def wrong(height, width, classes):
    return keras.Sequential([keras.Input((height, width, 3)), keras.layers.Flatten()])
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the current folder, with a name of its own in every test."""
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


def test_a_model_of_ones_own_is_built(own: str) -> None:
    """`module:function`, found in the current folder as Python itself finds it."""
    network = build(f"{own}:small", (48, 32), 2)
    assert network.model.output_shape == (None, 1)
    assert network.backbone is None


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("wrong", r"must take \(None, 48, 32, 3\) and give \(None, 3\).*received"),
        ("missing", "cannot be found"),
    ],
)
def test_a_model_of_ones_own_is_checked(own: str, function: str, message: str) -> None:
    """Its shapes are looked at before hours are spent."""
    with pytest.raises(UsageError, match=message):
        build(f"{own}:{function}", (48, 32), 3)
