"""Which layers lose most by quantization.

- Every activation of the quantized model is compared with the same one of the float model, both
  computed by reference kernels: the error that has gathered up to there, not the layer's own alone.
- The same flatbuffers and pictures give the same figures.
- Logits are left out: what they say shows in the output, and hopeless ones are cut on purpose.
- Activations are matched by the names that the converter gave: look before names are taken away.

    worst = signal_to_noise(float_flatbuffer, int8_flatbuffer, pictures)[0]
    print(worst.name, worst.decibels)
"""

import math
import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from galago.bundle.preprocess import Pixels
from galago.convert.probe import Operation, Probe

# What the graph of a layer with weights ends in; batch normalisation and ReLU are fused behind it.
_WITH_WEIGHTS = ("convolution", "depthwise", "MatMul")
_TO_PROBABILITIES = {"SOFTMAX", "LOGISTIC"}


@dataclass(frozen=True, slots=True)
class LayerNoise:
    """What quantization did to a layer's activation.

    `name`: the Keras layer's, "output" for the model's end; `operation`: as the TFLite schema calls
    it; `decibels`: the signal-to-noise ratio, 10·log10 of the signal's energy by the error's,
    infinite where there is no error. 40 dB is an error of 1 %, 20 dB one of 10 %.
    """

    name: str
    operation: str
    decibels: float


def signal_to_noise(original: bytes, quantized: bytes, images: Pixels) -> tuple[LayerNoise, ...]:
    """Noise of every layer, the worst first.

    Convention: both flatbuffers as the converter gave them, from the same network; `images`
    (n, h, w, 3) uint8, prepared. 8 to 16 pictures are enough to rank layers.

    Raises:
        ModelFileError: one of them is no flatbuffer.
    """
    true, noisy = Probe(original), Probe(quantized)
    pairs = _pairs(true, noisy)
    signal: defaultdict[int, float] = defaultdict(float)
    noise: defaultdict[int, float] = defaultdict(float)
    for image in images:
        true.run(image)
        noisy.run(image)
        for operation, counterpart in pairs:
            value = true.value(operation.output).astype(np.float64)
            error = noisy.value(counterpart) - value
            signal[operation.output] += float(np.sum(value**2))
            noise[operation.output] += float(np.sum(error**2))
    layers = [
        LayerNoise(
            _layer_name(true, operation),
            operation.kind,
            _decibels(signal[operation.output], noise[operation.output]),
        )
        for operation, _ in pairs
    ]
    return tuple(sorted(layers, key=lambda layer: layer.decibels))


def _pairs(true: Probe, noisy: Probe) -> list[tuple[Operation, int]]:
    """The float model's operations, each with the tensor of the other that is called the same."""
    tensors = {noisy.name(operation.output): operation.output for operation in noisy.operations}
    logits = {
        operation.inputs[0] for operation in true.operations if operation.kind in _TO_PROBABILITIES
    }
    return [
        (operation, tensors[true.name(operation.output)])
        for operation in true.operations
        if true.name(operation.output) in tensors and operation.output not in logits
    ]


def _decibels(signal: float, noise: float) -> float:
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


def _layer_name(probe: Probe, operation: Operation) -> str:
    """The Keras layer in a name like "net_1/relu_1/Relu;net_1/conv2d_9_1/convolution1".

    The converter joins the names of everything that it fused, and numbers what would be equal.
    """
    if operation.output in probe.graph.outputs:
        return "output"
    paths = [part.split("/") for part in probe.name(operation.output).split(";") if part]
    with_weights = [path for path in paths if path[-1].rstrip("0123456789") in _WITH_WEIGHTS]
    path = (with_weights or paths or [["?"]])[-1]
    # Keras calls a layer's graph within another model by the layer's name and "_1".
    return re.sub(r"_1$", "", path[-2]) if len(path) > 1 else path[-1]
