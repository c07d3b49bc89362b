"""Round weights so that a layer's outputs change least, and put its mean right by its bias.

- Graph, scales and sizes of the quantized model stay; only integers in weights and biases change.
- Each weight is rounded to one of its steps; the error is made up for by the weights not yet
  rounded, as far as calibration pictures show that inputs go together (GPTQ).
- What is left of each channel's mean error, the inputs' rounding included, is taken off its bias.
- The same flatbuffers and pictures give the same bytes.

    flatbuffer = round_weights(float_flatbuffer, int8_flatbuffer, calibration)

Source: E. Frantar et al., "GPTQ", ICLR 2023 (rounding); M. Nagel et al., "Data-Free Quantization
Through Weight Equalization and Bias Correction", ICCV 2019 (means).
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from galago.bundle.preprocess import Pixels
from galago.convert.flatbuffer import pack
from galago.convert.probe import Operation, Probe
from galago.convert.ranges import Range, Values, fake_quantize

Array: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.int64]

_PLACES = 6000  # of a layer's output, from all pictures together
_TOGETHER = 1000  # places that are added up at a time
_WIDEST = 2048  # inputs of one output; wider layers keep nearest rounding: their square is large
_DAMPING = 0.01  # share of the inputs' mean energy, so that what was rarely seen is not trusted
_MOST = 127  # int8 weights are symmetric
_LAYERS = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}


def round_weights(original: bytes, quantized: bytes, images: Pixels) -> bytes:
    """The quantized flatbuffer with better integers in it.

    Convention: both as TensorFlow's converter gave them, from the same network; layers are matched
    by their outputs' names. `images` (n, h, w, 3) uint8, prepared.

    Raises:
        ModelFileError: one of them is no flatbuffer.
    """
    true, rounded = Probe(original), Probe(quantized)
    layers = _layers(true, rounded)
    random = np.random.default_rng(0)
    for image in images:
        true.run(image)
        for layer in layers:
            layer.see(true, -(-_PLACES // len(images)), random)
    for layer in layers:
        layer.settle()
        integers = layer.integers()
        _store(rounded, layer.rounded.inputs[1], layer.as_stored(integers))
        if _has_bias(rounded, layer.rounded):
            _store(rounded, layer.rounded.inputs[2], layer.bias(true, integers))
    return pack(rounded.model)


@dataclass
class _Layer:
    """A layer with weights, in both models, and what its inputs were, summed over places.

    Convention: outputs in groups that share their inputs, one for a convolution, one per channel
    for a depthwise one: `weights` (groups, outputs, inputs), `scales` (groups, outputs, 1),
    `moments` (groups, inputs, inputs), `sum_true` and `sum_rounded` (groups, inputs, 1).
    """

    true: Operation
    rounded: Operation
    weights: Array
    scales: Array
    shape: tuple[int, ...]  # of the weights as the schema has them
    bounds: Range  # of the quantized input
    input_scale: float
    places: int = 0
    moments: Any = 0.0
    sum_true: Any = 0.0
    sum_rounded: Any = 0.0
    waiting: list[Values] = field(default_factory=list)  # not yet in the sums

    @property
    def is_depthwise(self) -> bool:
        return self.true.kind == "DEPTHWISE_CONV_2D"

    def see(self, probe: Probe, places: int, random: np.random.Generator) -> None:
        """Add what the layer takes at random places of its output."""
        taken = self._taken(probe, places, random)
        self.places += taken.shape[2]
        self.waiting.append(taken)
        if sum(values.shape[2] for values in self.waiting) >= _TOGETHER:
            self.settle()

    def settle(self) -> None:
        """Bring the sums up to date; few large products are faster than many small ones."""
        if not self.waiting:
            return
        taken = np.concatenate(self.waiting, axis=2)
        self.waiting.clear()
        rounded = fake_quantize(taken, self.bounds)
        self.sum_true = self.sum_true + taken.sum(axis=2, keepdims=True, dtype=np.float64)
        self.sum_rounded = self.sum_rounded + rounded.sum(axis=2, keepdims=True, dtype=np.float64)
        if self.weights.shape[2] <= _WIDEST:
            self.moments = self.moments + (rounded @ rounded.swapaxes(1, 2)).astype(np.float64)

    def integers(self) -> Array:
        """The weights in steps of their scales, (groups, outputs, inputs)."""
        if self.weights.shape[2] > _WIDEST:
            return _nearest(self.weights, self.scales)
        return round_jointly(self.weights, self.scales, self.moments)

    def as_stored(self, integers: Array) -> NDArray[np.int8]:
        """Those integers in the schema's order."""
        if self.is_depthwise:
            return integers.transpose(2, 0, 1).reshape(self.shape).astype(np.int8)
        return integers.reshape(self.shape).astype(np.int8)

    def bias(self, probe: Probe, integers: Array) -> NDArray[np.int32]:
        """The bias that gives each output the mean it has in the float model."""
        change = (integers * self.scales) @ self.sum_rounded - self.weights @ self.sum_true
        # A quantizer may add a bias of zeros to a layer that had none.
        has_bias = _has_bias(probe, self.true)
        original = probe.constant(self.true.inputs[2]) if has_bias else np.zeros(1)
        corrected = original - change.ravel() / self.places
        steps = corrected / (self.input_scale * self.scales.ravel())
        bias: NDArray[np.int32] = np.round(steps).astype(np.int32)
        return bias

    def _taken(self, probe: Probe, places: int, random: np.random.Generator) -> Values:
        """Inputs at random places, (groups, inputs, places)."""
        inputs = probe.value(self.true.inputs[0])
        if self.true.kind == "FULLY_CONNECTED":
            return inputs.reshape(-1, self.shape[-1]).T[None]
        _, height, width, _ = probe.shape(self.true.output)
        rows, columns = random.integers(0, (height, width), (min(places, height * width), 2)).T
        taken = _patches(inputs[0], rows, columns, (height, width), self)
        if self.is_depthwise:
            return taken.reshape(len(rows), -1, taken.shape[3]).transpose(2, 1, 0)
        return taken.reshape(len(rows), -1).T[None]


def round_jointly(weights: Array, scales: Array, moments: Array) -> Array:
    """Integers for `weights` that least change their products with the inputs.

    Convention: shapes as in _Layer; `moments` are sums of the inputs' products with each other. The
    result is within −127…127, in units of `scales`.
    """
    left = weights.copy()
    chosen = np.empty_like(left)
    energy = np.trace(moments, axis1=1, axis2=2) / moments.shape[1]
    damped = moments + np.eye(moments.shape[1]) * (_DAMPING * energy + 1e-12)[:, None, None]
    # Row i tells how inputs after i make up for an error at i.
    makes_up = np.linalg.cholesky(np.linalg.inv(damped)).swapaxes(1, 2)
    for i in range(left.shape[2]):
        chosen[:, :, i : i + 1] = _nearest(left[:, :, i : i + 1], scales)
        error = left[:, :, i : i + 1] - chosen[:, :, i : i + 1] * scales
        share = makes_up[:, None, i, i + 1 :] / makes_up[:, None, i, i : i + 1]
        left[:, :, i + 1 :] -= error * share
    return chosen


def _nearest(weights: Array, scales: Array) -> Array:
    nearest: Array = np.clip(np.round(weights / scales), -_MOST, _MOST)
    return nearest


def _layers(true: Probe, rounded: Probe) -> list[_Layer]:
    """Layers that both models have, less those whose weights are used twice or computed."""
    counterparts = {true.name(operation.output): operation for operation in true.operations}
    uses = Counter(tensor for operation in rounded.operations for tensor in operation.inputs)
    found = []
    for operation in rounded.operations:
        counterpart = counterparts.get(rounded.name(operation.output))
        if operation.kind in _LAYERS and counterpart and uses[operation.inputs[1]] == 1:
            layer = _layer(true, rounded, counterpart, operation)
            found += [layer] if layer else []
    return found


def _layer(true: Probe, rounded: Probe, original: Operation, quantized: Operation) -> _Layer | None:
    weights = true.constant(original.inputs[1])
    integers = rounded.constant(quantized.inputs[1])
    if weights is None or integers is None or weights.shape != integers.shape:
        return None
    channels = true.shape(original.inputs[0])[-1]
    depthwise = original.kind == "DEPTHWISE_CONV_2D"
    if integers.dtype != np.int8 or (original.kind == "CONV_2D" and channels != weights.shape[3]):
        return None  # not integer, or a grouped convolution
    scale, zero_point = rounded.quantization(quantized.inputs[0])
    scales, _ = rounded.quantization(quantized.inputs[1])
    if depthwise:
        grouped = weights.reshape(-1, channels, weights.shape[3] // channels).transpose(1, 2, 0)
    else:
        grouped = weights.reshape(1, weights.shape[0], -1)
    return _Layer(
        original,
        quantized,
        grouped.astype(np.float64),
        np.broadcast_to(scales.astype(np.float64), grouped.shape[0] * grouped.shape[1]).reshape(
            *grouped.shape[:2], 1
        ),
        weights.shape,
        (float((-128 - zero_point[0]) * scale[0]), float((127 - zero_point[0]) * scale[0])),
        float(scale[0]),
    )


def _patches(
    image: Values, rows: Places, columns: Places, size: tuple[int, int], layer: _Layer
) -> Values:
    """What a convolution takes for the given places of its output, (places, kernel…, channels).

    Convention: `image` (height, width, channels); `size` of the output.
    """
    options = layer.true.options
    strides = (options.strideH, options.strideW)
    dilations = (options.dilationHFactor, options.dilationWFactor)
    reach = [(side - 1) * gap + 1 for side, gap in zip(layer.shape[1:3], dilations, strict=True)]
    padding = []
    for inputs, outputs, stride, span in zip(image.shape, size, strides, reach, strict=False):
        missing = max(0, (outputs - 1) * stride + span - inputs)
        padding.append((missing // 2, missing - missing // 2))
    padded = np.pad(image, (*padding, (0, 0)))
    down = rows[:, None] * strides[0] + np.arange(layer.shape[1]) * dilations[0]
    across = columns[:, None] * strides[1] + np.arange(layer.shape[2]) * dilations[1]
    patches: Values = padded[down[:, :, None], across[:, None, :]]
    return patches


def _has_bias(probe: Probe, operation: Operation) -> bool:
    with_bias = 3
    return len(operation.inputs) == with_bias and probe.constant(operation.inputs[2]) is not None


def _store(probe: Probe, tensor: int, values: NDArray[Any]) -> None:
    """Give a tensor content of its own: equal ones may have shared theirs."""
    content = schema.BufferT()
    content.data = np.frombuffer(values.tobytes(), np.uint8)
    target = probe.graph.tensors[tensor]
    if sum(other.buffer == target.buffer for other in probe.graph.tensors) == 1:
        probe.model.buffers[target.buffer] = content
        return
    target.buffer = len(probe.model.buffers)
    probe.model.buffers.append(content)
