"""Ranges of activations: every pixel kept, rare extremes cut, branches told from their sum."""

import numpy as np
import pytest

from galago.convert.flatbuffer import unpack
from galago.convert.probe import Probe
from galago.convert.ranges import fake_quantize, find_ranges, with_ranges
from tests.convert.small_network import Converted, converted


def ranges_by_name(model: Converted) -> dict[str, tuple[float, float]]:
    probe = Probe(model.original)
    return {
        probe.name(tensor): bounds for tensor, bounds in find_ranges(probe, model.images).items()
    }


def test_every_pixel_keeps_its_value(small: Converted) -> None:
    """Dark pictures do not narrow the input, nor what the normalisation makes of it."""
    probe = Probe(small.original)
    ranges = find_ranges(probe, small.images // 4)
    scaled, shifted = (operation.output for operation in probe.operations[:2])
    assert ranges[probe.input] == (0, 255)
    assert ranges[scaled] == pytest.approx((0, 2))
    assert ranges[shifted] == pytest.approx((-1, 1))


def test_rare_extremes_are_cut(small: Converted) -> None:
    """One bright channel at one place does not cost all others their precision."""
    probe = Probe(small.original)
    cut = 0
    ranges = find_ranges(probe, small.images)
    for operation in probe.operations[2:]:
        seen = []
        for image in small.images:
            probe.run(image)
            seen.append(probe.value(operation.output).max())
        assert ranges[operation.output][1] <= max(seen) * 1.0001
        cut += ranges[operation.output][1] < 0.99 * max(seen)
    assert cut


def test_a_branch_has_its_own_range(small: Converted) -> None:
    """What enters a sum is measured before the sum is written over it."""
    probe = Probe(small.original)
    ranges = find_ranges(probe, small.images)
    depth = next(o for o in probe.operations if o.kind == "DEPTHWISE_CONV_2D")
    largest = 0.0
    for image in small.images:
        probe.run(image)
        largest = max(largest, float(probe.value(depth.output).max()))
    assert ranges[depth.output][1] <= largest * 1.0001


def test_ranges_are_written_into_the_flatbuffer(small: Converted) -> None:
    """Where TensorFlow's quantizer looks for them."""
    graph = unpack(with_ranges(small.original, small.images)).subgraphs[0]
    quantization = graph.tensors[graph.inputs[0]].quantization
    assert (quantization.min[0], quantization.max[0]) == (0, 255)


def test_the_same_pictures_give_the_same_bytes(small: Converted) -> None:
    """Sampling is seeded."""
    first, again = (with_ranges(small.original, small.images) for _ in range(2))
    assert first == again


def test_a_huge_channel_does_not_break_the_search() -> None:
    """Whatever the network, ranges are finite and hold zero."""
    for low, high in ranges_by_name(converted(ruined=True)).values():
        assert low <= 0 <= high
        assert np.isfinite([low, high]).all()


def test_values_on_steps_stay_as_they_are() -> None:
    """Fake quantization changes nothing that int8 can hold, and cuts what it cannot."""
    steps = np.arange(-100, 156, dtype=np.float32) * np.float32(0.5)
    assert np.allclose(fake_quantize(steps, (-50, 77.5)), steps)
    beyond = np.full(1, 1000, np.float32)
    assert fake_quantize(beyond, (-50, 77.5))[0] == pytest.approx(77.5)
