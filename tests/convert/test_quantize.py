"""Recipes: four ways to store a network, all of which take a camera's bytes unchanged."""

from typing import Any

import numpy as np
import pytest

from galago.bundle.interpreter import Interpreter, dequantize
from galago.bundle.preprocess import Pixels
from galago.convert.quantize import RECIPES, quantize
from galago.train.models import build
from galago.train.predict import predict_keras


@pytest.fixture(scope="module")
def model() -> Any:
    """An untrained network of three classes, 32 px."""
    return build("resnet8", (32, 32), 3).model


@pytest.fixture(scope="module")
def pictures() -> Pixels:
    """Noise at several brightnesses, (8, 32, 32, 3)."""
    random = np.random.default_rng(0)
    return np.stack([random.integers(0, top, (32, 32, 3), np.uint8) for top in range(40, 256, 27)])


@pytest.fixture(scope="module")
def flatbuffers(model: Any, pictures: Pixels) -> dict[str, bytes]:
    """By recipe."""
    return {name: quantize(model, recipe, pictures) for name, recipe in RECIPES.items()}


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_takes_pixels_and_answers_like_the_network(
    name: str, model: Any, pictures: Pixels, flatbuffers: dict[str, bytes]
) -> None:
    """uint8 in, whatever is computed inside; scores as Keras has them, give or take steps."""
    interpreter = Interpreter(flatbuffers[name])
    assert interpreter.input.dtype == np.uint8
    expected = predict_keras(model, pictures)
    for image, scores in zip(pictures, expected, strict=True):
        interpreter.write(image)
        found = dequantize(interpreter.invoke(), interpreter.output)
        assert found == pytest.approx(scores, abs=0.05 if name == "int8" else 0.01)


def test_sizes_fall_with_the_bits(flatbuffers: dict[str, bytes]) -> None:
    """A byte for four, two for four, and int8 is integer throughout."""
    sizes = {name: len(content) for name, content in flatbuffers.items()}
    assert sizes["int8"] < 0.4 * sizes["float32"]
    assert sizes["dynamic"] < 0.5 * sizes["float32"]
    assert sizes["float16"] < 0.6 * sizes["float32"]
    assert [Interpreter(flatbuffers[name]).is_integer for name in RECIPES] == [True] + 3 * [False]


@pytest.mark.parametrize(("io", "zero_point"), [("uint8", 0), ("int8", -128)])
def test_the_inputs_scale_is_exactly_one(
    io: Any, zero_point: int, model: Any, pictures: Pixels
) -> None:
    """Even where no calibration picture is black or white: the extremes are always part of it."""
    dim = pictures // 4 + 60
    interpreter = Interpreter(quantize(model, RECIPES["int8"], dim, io))
    assert interpreter.input.dtype == np.dtype(io)
    assert (interpreter.input.scale, interpreter.input.zero_point) == (1.0, zero_point)


def test_int8_and_uint8_borders_answer_alike(model: Any, pictures: Pixels) -> None:
    """The border moves the numbers by 128 and nothing else."""

    def scores(flatbuffer: bytes) -> list[float]:
        interpreter = Interpreter(flatbuffer)
        interpreter.write(pictures[3])
        return [float(score) for score in dequantize(interpreter.invoke(), interpreter.output)]

    recipe = RECIPES["int8"]
    uint8, int8 = quantize(model, recipe, pictures), quantize(model, recipe, pictures, "int8")
    assert scores(uint8) == scores(int8)


def test_integer_recipes_need_pictures(model: Any) -> None:
    """A range that no picture has shown would be a guess."""
    with pytest.raises(ValueError, match="int8 needs calibration pictures"):
        quantize(model, RECIPES["int8"])
