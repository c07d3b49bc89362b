"""From float to integers alone, nearer than the converter comes by itself."""

import numpy as np
import pytest

from galago.bundle.interpreter import Interpreter
from galago.convert.integer import to_integer
from galago.convert.layers import signal_to_noise
from tests.convert.small_network import Converted


@pytest.fixture(scope="module")
def integer(small: Converted) -> bytes:
    return to_integer(small.original, small.images)


@pytest.mark.parametrize(("io", "zero_point"), [("uint8", 0), ("int8", -128)])
def test_pixels_go_in_unchanged(small: Converted, io: str, zero_point: int) -> None:
    """Scale exactly 1 at the input, though no picture is black or white."""
    model = to_integer(small.original, np.clip(small.images, 40, 200), io)  # type: ignore[arg-type]
    interpreter = Interpreter(model)
    assert interpreter.input.dtype.name == interpreter.output.dtype.name == io
    assert (interpreter.input.scale, interpreter.input.zero_point) == (1.0, zero_point)


def test_nothing_is_left_in_floats(integer: bytes) -> None:
    """Every tensor an integer, the whole graph in one accelerated piece."""
    interpreter = Interpreter(integer)
    details = interpreter._tflite.get_tensor_details()
    assert {np.dtype(tensor["dtype"]).name for tensor in details} <= {"uint8", "int8", "int32"}
    assert interpreter.partitions == 1


def test_layers_are_nearer_than_the_converter_brings_them(small: Converted, integer: bytes) -> None:
    """The features before the head, on pictures that had no part in it."""
    unseen = small.images[:, ::-1]
    pool = [
        next(n.decibels for n in signal_to_noise(small.original, model, unseen) if n.name == "pool")
        for model in (small.quantized, integer)
    ]
    assert pool[1] > pool[0] + 1


def test_the_same_pictures_give_the_same_bytes(small: Converted, integer: bytes) -> None:
    """A file can be made again and compared."""
    assert to_integer(small.original, small.images) == integer
