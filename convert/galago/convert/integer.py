"""From a float flatbuffer to one that computes in integers only, as near to it as int8 gets.

- Post-training, from calibration pictures: ranges, TensorFlow's quantizer, then better integers.
- The same flatbuffer and pictures give the same bytes.

    flatbuffer = to_integer(float_flatbuffer, calibration, "uint8")
"""

import contextlib
from io import StringIO
from typing import Literal, TypeAlias

from galago.bundle.preprocess import Pixels
from galago.convert.ranges import with_ranges
from galago.convert.rounding import round_weights
from galago.noise import hushed
from galago.train.tensorflow import tf

Io: TypeAlias = Literal["uint8", "int8"]


def to_integer(original: bytes, images: Pixels, io: Io = "uint8") -> bytes:
    """Quantize activations per tensor and weights per channel.

    Convention: `original` as TensorFlow's converter gave it, names included, with an input
    (1, h, w, 3) float32 of 0–255; `images` (n, h, w, 3) uint8, prepared. `io` is the type at both
    ends.

    Raises:
        ModelFileError: it is no flatbuffer.
    """
    # The quantizer behind TFLiteConverter: public ways to it bring the converter's own ranges.
    from tensorflow.lite.python.convert import mlir_quantize  # noqa: PLC0415 - after tf's set-up

    ranged = with_ranges(original, images)
    dtype = tf.as_dtype(io)
    with hushed(), contextlib.redirect_stdout(StringIO()):
        quantized = bytes(mlir_quantize(ranged, input_data_type=dtype, output_data_type=dtype))
    return round_weights(original, quantized, images)
