"""A small network with every kind of layer that quantization treats by itself, and its pictures."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from galago.bundle.preprocess import Pixels
from galago.noise import hushed
from tests.conftest import LABELS, draw


@dataclass(frozen=True)
class Converted:
    """The float flatbuffer, TensorFlow's int8 one, and prepared pictures (n, 24, 32, 3) uint8."""

    original: bytes
    quantized: bytes
    images: Pixels


def pictures(each: int = 16) -> Pixels:
    """Drawn shapes, smaller than usual."""
    return np.stack(
        [draw(label, seed)[::2, ::2][:24, :32] for seed in range(each) for label in LABELS]
    )


def network(*, ruined: bool = False) -> Any:
    """Convolution, depthwise convolution, a residual sum, pooling and a head; seeded, untrained.

    Ruined, one channel of `second` is a thousand times the others, and `depth` does not use it.
    """
    from galago.train.tensorflow import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    image = keras.Input((24, 32, 3))
    scaled = layers.Rescaling(1 / 127.5, offset=-1, name="scaled")(image)
    first = layers.Conv2D(8, 3, 2, padding="same", activation="relu", name="first")(scaled)
    second = layers.Conv2D(8, 3, padding="same", activation="relu", name="second")(first)
    depth = layers.DepthwiseConv2D(3, padding="same", name="depth")(second)
    total = layers.ReLU()(layers.Add(name="sum")([first, depth]))
    pooled = layers.GlobalAveragePooling2D(name="pool")(total)
    head = layers.Dense(3, activation="softmax", kernel_initializer="he_normal", name="head")
    model = keras.Model(image, head(pooled))
    if ruined:
        for name, factor in (("second", 1000), ("depth", 0)):
            kernel, bias = model.get_layer(name).get_weights()
            # Weights: (height, width, inputs, outputs), of the depthwise layer (…, channels, 1).
            (kernel[..., 0] if name == "second" else kernel[:, :, 0])[...] *= factor
            model.get_layer(name).set_weights([kernel, bias])
    return model


def converted(*, ruined: bool = False) -> Converted:
    """The network in both forms, as TensorFlow's converter gives them."""
    from galago.train.tensorflow import keras, tf

    images = pictures()
    model = network(ruined=ruined)
    image = keras.Input(batch_shape=(1, 24, 32, 3), name="image")
    fixed = keras.Model(image, model(image), name="galago")
    original = _convert(tf.lite.TFLiteConverter.from_keras_model(fixed))
    converter = tf.lite.TFLiteConverter.from_keras_model(fixed)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([one[None].astype(np.float32)] for one in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    return Converted(original, _convert(converter), images)


def _convert(converter: Any) -> bytes:
    with hushed():
        flatbuffer: bytes = converter.convert()
    return flatbuffer
