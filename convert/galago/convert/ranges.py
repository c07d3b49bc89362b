"""Which range of real values the 256 steps of an int8 activation should cover.

- A range is the one with the least squared error on calibration pictures: rare extremes are cut
  where finer steps for all other values gain more.
- The values that a softmax or a sigmoid takes are judged by the probabilities that come out.
- Pixels, and what is only a scaling of pixels, keep every value from 0 to 255.
- The same flatbuffer and pictures give the same ranges.

    flatbuffer = with_ranges(float_flatbuffer, calibration)  # for TensorFlow's quantizer

Why not the converter's own calibration: it reads what enters a sum after the sum has been written
over it (TensorFlow 2.21), so that a residual branch gets the range of the sum; and it takes the
extremes, which grow with every picture (docs/adr/0008).
Source: C. Sakr et al., "Optimal Clipping and Magnitude-aware Differentiation for Improved
Quantization-aware Training", ICML 2022, for ranges of least squared error.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from galago.bundle.preprocess import Pixels
from galago.convert.flatbuffer import pack
from galago.convert.probe import Operation, Probe

Range: TypeAlias = tuple[float, float]
Values: TypeAlias = NDArray[np.float32]

_STEPS = 255
_VALUES = 200_000  # of one activation, from all pictures together: more moves no range
_SHARES = np.linspace(0.2, 1, 33)  # of the extremes that are tried
# Operations that hand on their input's values and, in int8, must keep its scale.
_UNCHANGED = {"MAX_POOL_2D", "RESHAPE", "PAD", "SQUEEZE", "TRANSPOSE"}
_SCALING = {"MUL", "ADD", "SUB", "DIV"}


def with_ranges(flatbuffer: bytes, images: Pixels) -> bytes:
    """The float flatbuffer with a range at every activation.

    Convention: input (1, h, w, 3) float32 of 0–255; `images` (n, h, w, 3) uint8, prepared.

    Raises:
        ModelFileError: it is no flatbuffer.
    """
    probe = Probe(flatbuffer)
    for tensor, (low, high) in find_ranges(probe, images).items():
        quantization = schema.QuantizationParametersT()
        quantization.min, quantization.max = (
            np.array([low], np.float32),
            np.array([high], np.float32),
        )
        probe.graph.tensors[tensor].quantization = quantization
    return pack(probe.model)


def find_ranges(probe: Probe, images: Pixels) -> dict[int, Range]:
    """Range of every activation by its tensor's number; zero is always within."""
    ranges = _of_pixels(probe, images[0])
    values = _values(probe, images)
    judged_by = {operation.inputs[0]: operation.kind for operation in probe.operations}
    for operation in probe.operations:
        output = operation.output
        if output in ranges:
            continue
        if operation.kind in _UNCHANGED:
            ranges[output] = ranges[operation.inputs[0]]
        elif judged_by.get(output) in _PROBABILITIES:
            after = _PROBABILITIES[judged_by[output]]
            ranges[output] = _best_of_logits(values[output].reshape(len(images), -1), after)
        else:
            ranges[output] = _best(values[output])
    return ranges


def fake_quantize(values: Values, bounds: Range) -> Values:
    """Round to the 256 steps of a range that holds zero, as int8 does, and come back."""
    low, high = bounds
    if low == high:
        return values
    scale = np.float32((high - low) / _STEPS)
    lowest = np.round(np.float32(low) / scale)
    steps: Values = np.clip(np.round(values / scale), lowest, lowest + _STEPS) * scale
    return steps


def _of_pixels(probe: Probe, like: Pixels) -> dict[int, Range]:
    """Ranges of the input and of what merely scales it: what black and white become."""
    scaled = [operation.output for operation in _scalings(probe)]
    extremes: defaultdict[int, list[float]] = defaultdict(lambda: [0.0])
    for brightness in (0, 255):
        probe.run(np.full_like(like, brightness))
        for tensor in (probe.input, *scaled):
            value = probe.value(tensor)
            extremes[tensor] += [float(value.min()), float(value.max())]
    return {tensor: (min(found), max(found)) for tensor, found in extremes.items()}


def _scalings(probe: Probe) -> list[Operation]:
    """The normalisation at the graph's start: sums and products of pixels and constants."""
    pixels, found = {probe.input}, []
    for operation in probe.operations:
        computed = {tensor for tensor in operation.inputs if probe.constant(tensor) is None}
        if operation.kind in _SCALING and computed <= pixels:
            pixels.add(operation.output)
            found.append(operation)
    return found


def _values(probe: Probe, images: Pixels) -> dict[int, Values]:
    """Values of every activation, at random places where there are many; always the extremes."""
    random = np.random.default_rng(0)
    each = _VALUES // len(images)
    found: defaultdict[int, list[Values]] = defaultdict(list)
    for image in images:
        probe.run(image)
        for operation in probe.operations:
            values = probe.value(operation.output).ravel()
            if values.size > each:
                few = values[random.integers(0, values.size, each)]
                values = np.append(few, (values.min(), values.max())).astype(np.float32)
            found[operation.output].append(values)
    return {tensor: np.concatenate(values) for tensor, values in found.items()}


def _best(values: Values) -> Range:
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    candidates = [(low * share, high * share) for share in _SHARES]
    return min(candidates, key=lambda bounds: _squared_error(values, bounds, _same))


def _best_of_logits(logits: Values, after: Callable[[Values], Values]) -> Range:
    """Cut both ends by themselves: how low a hopeless class is does not matter."""
    low, high = min(0.0, float(logits.min())), max(0.0, float(logits.max()))
    candidates = [(low * below, high * above) for below in _SHARES for above in _SHARES]
    return min(candidates, key=lambda bounds: _squared_error(logits, bounds, after))


def _squared_error(values: Values, bounds: Range, after: Callable[[Values], Values]) -> float:
    return float(np.mean((after(fake_quantize(values, bounds)) - after(values)) ** 2))


def _same(values: Values) -> Values:
    return values


def _softmax(logits: Values) -> Values:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Values = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _sigmoid(logits: Values) -> Values:
    probabilities: Values = np.float32(1) / (np.float32(1) + np.exp(-logits))
    return probabilities


_PROBABILITIES = {"SOFTMAX": _softmax, "LOGISTIC": _sigmoid}
