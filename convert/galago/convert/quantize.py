"""From a Keras model to TFLite flatbuffers.

- The batch is fixed to one picture: that removes shape arithmetic from the graph and keeps it one
  delegate partition.
- The int8 model takes uint8 pixels unchanged: black and white are part of every calibration set, so
  that the input's range is exactly 0–255 and its scale exactly 1.
"""

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galago.bundle.preprocess import Pixels
from galago.noise import hushed
from galago.train.tensorflow import keras, tf


def to_float32(model: Any) -> bytes:
    """The model as it was trained: the measure for size and accuracy of every other form."""
    return _convert(_converter(model))


def to_int8(model: Any, calibration: Pixels) -> bytes:
    """Full integer quantization, weights per channel, uint8 in and out.

    Convention: `calibration` (n, h, w, 3) uint8, prepared pictures that the camera may see.
    """
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _samples(calibration)
    # No float fallback: an operation that cannot be integer is an error here, not a slow camera.
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    return _convert(converter)


def _converter(model: Any) -> Any:
    # Names end up in the file: without a fresh count the second conversion would differ.
    keras.utils.clear_session()
    image = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="image")
    fixed = keras.Model(image, model(image), name="galago")
    return tf.lite.TFLiteConverter.from_keras_model(fixed)


def _samples(calibration: Pixels) -> Iterator[list[NDArray[np.float32]]]:
    black = np.zeros_like(calibration[0])
    for image in (black, black + np.uint8(255), *calibration):
        yield [image[None].astype(np.float32)]


def _convert(converter: Any) -> bytes:
    # TensorFlow prints its intermediate graph to standard output, where only results belong.
    with hushed(), contextlib.redirect_stdout(io.StringIO()):
        flatbuffer: bytes = converter.convert()
    return flatbuffer
