"""Small classifiers as other programs leave them, whose every weight is known.

They tell tints apart and need no training; like any real one they go wrong when the colours are
swapped or the values come in another range than the one they were made for.
"""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galago.bundle.image import write_image
from galago.bundle.preprocess import Pixels, as_pixels

Io = Literal["float32", "uint8", "int8"]
Ending = Literal["softmax", "logits", "sigmoid"]

# In the order of the outputs, which is not the alphabetical one of folders.
TINTS = {"yellow": (90, 90, 0), "red": (90, 0, 0), "grey": (0, 0, 0), "blue": (0, 0, 90)}
LABELS = tuple(TINTS)
SIDE = 16

_LEAST = 0.45  # of tint, from −1 to 1: 57 levels; read from 0 to 1 no tint is strong enough


def tinted(label: str, seed: int, side: int = SIDE) -> Pixels:
    """A noisy grey picture with the tint that `label` names, (side, side, 3) uint8 RGB."""
    noise = np.random.default_rng(seed).integers(70, 130, (side, side, 3))
    return as_pixels((noise + np.array(TINTS[label])).astype(np.uint8))


def pictures(each: int = 12, labels: tuple[str, ...] = LABELS) -> tuple[Pixels, NDArray[np.int64]]:
    """(n, SIDE, SIDE, 3) uint8 RGB and the indices of their labels."""
    truth = np.repeat([LABELS.index(label) for label in labels], each)
    return np.stack([tinted(LABELS[label], seed) for seed, label in enumerate(truth)]), truth


def write_pictures(root: Path, each: int = 12, labels: tuple[str, ...] = LABELS) -> Path:
    """A folder per class, pictures three times as large as the input."""
    for index, label in enumerate(labels):
        (root / label).mkdir(parents=True)
        for number in range(each):
            picture = tinted(label, 1000 * index + number, 3 * SIDE)
            write_image(root / label / f"{number:03}.png", picture)
    return root


def write_labels(path: Path, labels: tuple[str, ...] = LABELS) -> Path:
    """One label a line."""
    path.write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
    return path


@cache
def network(ending: Ending = "softmax") -> Any:
    """A Keras model that takes values from −1 to 1, RGB; with "sigmoid" one unit: is it blue?"""
    from galago.train.tensorflow import keras

    image = keras.Input(batch_shape=(1, SIDE, SIDE, 3), name="sequential_1_input")
    excess = keras.layers.Conv2D(3, SIDE // 4, SIDE // 4, activation="relu", name="excess")
    tints = keras.layers.GlobalAveragePooling2D()(excess(image))
    activation = None if ending == "logits" else ending
    outputs = keras.layers.Dense(1 if ending == "sigmoid" else 4, activation, name="scores")
    model = keras.Model(image, outputs(tints))
    excess.set_weights(_excess())
    outputs.set_weights(_scores(single=ending == "sigmoid"))
    return model


@cache
def guest(io: Io = "float32", ending: Ending = "softmax") -> bytes:
    """The network as a .tflite, with float32 or quantized input and output."""
    images, _ = pictures()
    extremes = np.stack([np.zeros_like(images[0]), np.full_like(images[0], 255)])
    values = np.concatenate([extremes, images]).astype(np.float32) / 127.5 - 1
    return by_tensorflow(network(ending), io, values)


def by_tensorflow(model: Any, io: Io, values: NDArray[np.float32]) -> bytes:
    """What TensorFlow's converter leaves: float32, or integers calibrated on `values`."""
    from galago.noise import hushed
    from galago.train.tensorflow import tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if io != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([value[None]] for value in values)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.dtypes.as_dtype(io)
    with hushed():
        flatbuffer: bytes = converter.convert()
    return flatbuffer


def _excess() -> list[NDArray[np.float32]]:
    """Red over blue, blue over red, green over blue, beyond the least tint that counts."""
    kernel = np.zeros((SIDE // 4, SIDE // 4, 3, 3), np.float32)
    kernel[..., 0], kernel[..., 1], kernel[..., 2] = (1, 0, -1), (-1, 0, 1), (0, 1, -1)
    kernel /= np.float32((SIDE // 4) ** 2)
    return [kernel, np.full(3, -_LEAST, np.float32)]


def _scores(*, single: bool) -> list[NDArray[np.float32]]:
    """Weights (red, blue, green over) × (output), and biases."""
    rows = [[0, 1, 0]] if single else [[0.5, 0, 1], [1, 0, 0], [0, 0, 0], [0, 1, 0]]
    bias = [-0.1] if single else [0, 0, 0.1, 0]
    return [40 * np.array(rows, np.float32).T, 40 * np.array(bias, np.float32)]
