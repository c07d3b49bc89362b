"""Models that are well on every golden frame, and fail in a way that only a bright scene shows.

- `lookup`: takes a row of a table by the picture's brightness. For a picture brighter than any it
  was made with there is no such row, and the interpreter gives up. Networks with a palette or an
  embedding that were only ever tried on their own data do so.
- `memory`: makes a tensor as long as the scene is bright, as detectors do that keep all they find.
  A bright picture takes more memory than the unit allows, and the kernel kills the daemon. Only for
  a machine that has such a limit.

    write_brittle(Path("brittle.tflite"), pictures, "memory")
"""

from pathlib import Path
from typing import Any, Literal, TypeAlias

from galago.convert.adopt import adopt
from galago.convert.guest import Claims, Guest

Failing: TypeAlias = Literal["lookup", "memory"]

SIDE = 32
LABELS = ("red", "green", "blue")
BRIGHT = 200.0  # levels on average; the pictures of tests.conftest have some 110
_MEMORY = (
    200_000_000  # float32 numbers: less than the guest has, or the kernel would refuse at once
)


def write_brittle(path: Path, pictures: Path, failing: Failing) -> Path:
    """Make such a model and adopt it; `pictures`: a folder without labels, for golden frames."""
    labels, bare = path.with_suffix(".txt"), path.with_suffix(".bare")
    labels.write_text("\n".join(LABELS))
    bare.write_bytes(_flatbuffer(failing))
    adopt(Guest.open(bare, labels, Claims(mean=(0.0,), std=(1.0,))), pictures, path)
    return path


def _flatbuffer(failing: Failing) -> bytes:
    import tensorflow as tf

    def brittle(pixels: Any) -> Any:
        means = tf.reduce_mean(pixels, (1, 2)) / 16.0  # (1, 3): how red, green and blue it is
        bright = tf.cast(tf.reduce_mean(pixels) / BRIGHT, tf.int32)  # 0, or 1
        if failing == "lookup":
            weights = tf.gather(tf.eye(len(LABELS))[tf.newaxis], bright)  # of a table of one row
            return tf.nn.softmax(tf.matmul(means, weights))
        found = tf.fill([1 + bright * _MEMORY], tf.reduce_mean(pixels))
        return tf.nn.softmax(means + tf.reduce_mean(found))

    signature = [tf.TensorSpec((1, SIDE, SIDE, 3), tf.float32)]
    function = tf.function(brittle, input_signature=signature).get_concrete_function()
    content: bytes = tf.lite.TFLiteConverter.from_concrete_functions([function]).convert()
    return content
