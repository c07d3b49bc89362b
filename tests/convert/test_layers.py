"""Which layers lose most: named as in Keras, ranked by what was really lost."""

import math

import numpy as np
import pytest

from galago.convert.layers import LayerNoise, signal_to_noise
from tests.convert.small_network import Converted, converted


@pytest.fixture(scope="module")
def ruined() -> Converted:
    """One channel of `second` is so large that int8 has few steps left for the others."""
    return converted(ruined=True)


def test_layers_have_their_keras_names(small: Converted) -> None:
    """A person finds the layer in the network's summary; the model's end is the output."""
    noise = signal_to_noise(small.original, small.quantized, small.images[:4])
    names = {layer.name for layer in noise}
    assert names >= {"first", "second", "depth", "sum", "pool", "output"}
    assert {layer.operation for layer in noise if layer.name == "depth"} == {"DEPTHWISE_CONV_2D"}


def test_the_worst_comes_first(small: Converted) -> None:
    """Sorted by decibels, every figure a number."""
    noise = signal_to_noise(small.original, small.quantized, small.images[:4])
    decibels = [layer.decibels for layer in noise]
    assert decibels == sorted(decibels)
    assert not any(math.isnan(value) for value in decibels)


def test_a_ruined_layer_is_found(ruined: Converted, small: Converted) -> None:
    """What comes of the neighbours of a huge channel loses far more than in the sound network."""

    def of_depth(model: Converted) -> float:
        noise = signal_to_noise(model.original, model.quantized, model.images[:4])
        return next(layer.decibels for layer in noise if layer.name == "depth")

    assert of_depth(ruined) < of_depth(small) - 10


def test_a_model_loses_nothing_against_itself(small: Converted) -> None:
    """No error at all is infinitely many decibels."""
    noise = signal_to_noise(small.original, small.original, small.images[:2])
    assert all(layer.decibels == math.inf for layer in noise)


def test_the_same_models_give_the_same_figures(small: Converted) -> None:
    """A report can be made again."""
    first, again = (
        signal_to_noise(small.original, small.quantized, small.images[:2]) for _ in range(2)
    )
    assert first == again


def test_decibels_are_of_energies() -> None:
    """The figure of a known error: a tenth of the signal is 20 dB."""
    from galago.convert.layers import _decibels

    signal = np.array([3.0, -4.0])
    error = signal / 10
    layer = LayerNoise("x", "ADD", _decibels(float(np.sum(signal**2)), float(np.sum(error**2))))
    assert layer.decibels == pytest.approx(20)
