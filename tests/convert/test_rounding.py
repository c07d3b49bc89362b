"""Better integers for the same graph: nearer to the float model, and nothing else changed."""

import numpy as np
import pytest

from galago.convert.flatbuffer import unpack
from galago.convert.layers import signal_to_noise
from galago.convert.probe import Probe
from galago.convert.rounding import _layers, round_jointly, round_weights
from tests.convert.small_network import Converted


@pytest.fixture(scope="module")
def rounded(small: Converted) -> bytes:
    return round_weights(small.original, small.quantized, small.images)


def test_layers_come_nearer_to_the_float_model(small: Converted, rounded: bytes) -> None:
    """Every layer with weights behind the first gains, on pictures not used for it."""
    unseen = small.images[:, ::-1]
    before, after = (
        {layer.name: layer.decibels for layer in signal_to_noise(small.original, model, unseen)}
        for model in (small.quantized, rounded)
    )
    assert after["depth"] > before["depth"]
    assert after["pool"] > before["pool"]


def test_only_integers_change(small: Converted, rounded: bytes) -> None:
    """The graph, the names, the scales and the zero points are the converter's."""
    ours, theirs = (unpack(model).subgraphs[0] for model in (rounded, small.quantized))
    assert len(ours.operators) == len(theirs.operators)
    for one, other in zip(ours.tensors, theirs.tensors, strict=True):
        assert (one.name, one.type) == (other.name, other.type)
        assert np.array_equal(one.shape, other.shape)
        if one.quantization is not None and one.quantization.scale is not None:
            assert np.array_equal(one.quantization.scale, other.quantization.scale)
            assert np.array_equal(one.quantization.zeroPoint, other.quantization.zeroPoint)


def test_the_bias_puts_means_right(small: Converted) -> None:
    """Rounded weights on rounded inputs come to the float outputs' mean, to half a step."""
    true = Probe(small.original)
    random = np.random.default_rng(0)
    for layer in _layers(true, Probe(small.quantized)):
        for image in small.images[:4]:
            true.run(image)
            layer.see(true, 50, random)
        layer.settle()
        integers = layer.integers()
        step = layer.input_scale * layer.scales.ravel()
        rounded = (integers * layer.scales @ layer.sum_rounded).ravel() / layer.places
        expected = (layer.weights @ layer.sum_true).ravel() / layer.places
        bias = layer.true.inputs[2]
        expected += 0 if true.constant(bias) is None else true.constant(bias)
        error = rounded + layer.bias(true, integers) * step - expected
        assert np.all(np.abs(error) <= 0.51 * step)


def test_the_same_pictures_give_the_same_bytes(small: Converted, rounded: bytes) -> None:
    """Places are drawn with a seed."""
    assert round_weights(small.original, small.quantized, small.images) == rounded


def test_inputs_that_go_together_make_up_for_each_other() -> None:
    """Two equal inputs: what one weight loses by rounding, the other adds."""
    weights = np.array([[[0.4, 0.4]]])
    moments = np.array([[[1.0, 1.0], [1.0, 1.0]]])
    integers = round_jointly(weights, np.ones((1, 1, 1)), moments)
    assert integers.sum() == 1  # 0.8, where nearest rounding gives 0


def test_inputs_never_seen_are_rounded_to_nearest() -> None:
    """No energy, no evidence: nothing divides by zero and nothing moves."""
    weights = np.array([[[0.4, 2.6, -200.0]]])
    integers = round_jointly(weights, np.ones((1, 1, 1)), np.zeros((1, 3, 3)))
    assert integers.ravel().tolist() == [0, 3, -127]
