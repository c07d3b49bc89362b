"""Which processors train: one, or several together, in half precision where they gain by it."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from galago.errors import UsageError
from galago.train.tensorflow import keras, tf

_TENSOR_CORES = 7  # compute capability from which half precision is the faster one


def strategy(names: Sequence[str] = ()) -> Any:
    """How TensorFlow spreads the work: a mirror of the network on each of several devices.

    `names` such as "GPU:0"; none: all graphics cards, or the processor where there is no card.

    Raises:
        UsageError: there is no device of that name.
    """
    present = {_short(device.name): device.name for device in tf.config.list_logical_devices()}
    if unknown := [name for name in names if name not in present]:
        raise UsageError(
            f"no device is called {', '.join(unknown)}: expected some of {', '.join(present)}"
        )
    chosen = names or [name for name in present if name.startswith("GPU:")]
    if len(chosen) > 1:
        return tf.distribute.MirroredStrategy([present[name] for name in chosen])
    if names:
        return tf.distribute.OneDeviceStrategy(present[names[0]])
    return tf.distribute.get_strategy()  # TensorFlow's own choice


def training_precision() -> AbstractContextManager[None]:
    """Networks built inside compute in half precision, where every graphics card gains by it."""
    cards = tf.config.list_physical_devices("GPU")
    fast = cards and all(_capability(card) >= _TENSOR_CORES for card in cards)
    return _precision("mixed_float16" if fast else keras.config.dtype_policy())


def full_precision() -> AbstractContextManager[None]:
    """Networks built inside compute in float32, as the converter wants them."""
    return _precision("float32")


@contextmanager
def _precision(policy: Any) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _short(name: str) -> str:
    """GPU:0 of /device:GPU:0."""
    return name.partition("device:")[2]


def _capability(card: Any) -> int:
    major, _minor = tf.config.experimental.get_device_details(card)["compute_capability"]
    return int(major)
