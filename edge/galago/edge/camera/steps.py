"""What a `fake:` camera can show and do: the tables of its pictures and its faults.

- A picture is drawn once, when the camera is opened; showing it costs nothing.
- To add a picture, write a function beside `_draw_bars` and name it in `PICTURES`.
- To add a fault, write one beside `_stall` and name it in `FAULTS`.
- To add one that spoils the last picture, write one beside `_tear` and name it in `CHANGES`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal, TypeAlias

import cv2
import numpy as np

from galago.bundle.preprocess import Pixels, Size, as_pixels

_NOISE_POOL = 4  # enough that no frame equals the one before; 3.5 MB at 640x480
_SENSOR_POOL = 8  # so many that whoever looks now and then does not see one again and again
_ORDER = 997  # a prime: no rate of looking falls in step with it
_TORN_FROM = 0.6  # share of the height that had arrived
_GREY = 128  # what decoders put where a JPEG has ended too early
_OUT_OF_FOCUS = 0.012  # sigma, share of the width
_SHIFT = 0.1  # share of the width


@dataclass(frozen=True, slots=True)
class Stall:
    """No frame for so long; math.inf until the camera is closed."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Failure:
    """The camera fails as a real one does."""

    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """The camera has no more frames."""


Moment: TypeAlias = Pixels | Stall | Failure | End
"""What a camera can do next: a frame's pixels, shared and not to be written to, or a fault."""

Play: TypeAlias = Callable[[], Iterator[Moment]]
"""A step made ready: what happens in it, from its beginning at each call."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A step that shows nothing: the unit of its amount, and what happens."""

    unit: Literal["seconds", "none"]
    play: Callable[[float], Iterator[Moment]]


@dataclass(frozen=True, slots=True)
class Change:
    """A step that spoils the last picture; `optical`: in front of the sensor and its noise.

    `frames`: how many of the last picture's frames it shows; 0 all of them.
    """

    apply: Callable[[Pixels], Pixels]
    optical: bool = False
    frames: int = 0


# --- pictures: (size, seed) → the frames that are shown in turn -----------------------------------


def _draw_bars(size: Size, _seed: int) -> list[Pixels]:
    """Eight vertical bars: white, yellow, cyan, green, magenta, red, blue, black."""
    width, height = size
    darkness = np.arange(width) * 8 // width  # bit 0 takes blue away, bit 1 red, bit 2 green
    row = np.stack([darkness & 2, darkness & 4, darkness & 1], axis=-1) == 0
    return [np.repeat(row[np.newaxis], height, axis=0).astype(np.uint8) * np.uint8(255)]


def _draw_noise(size: Size, seed: int) -> list[Pixels]:
    width, height = size
    random = np.random.default_rng(seed)
    return [random.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(_NOISE_POOL)]


def _draw_plain(value: int, size: Size, _seed: int) -> list[Pixels]:
    width, height = size
    return [np.full((height, width, 3), value, np.uint8)]


PICTURES: Mapping[str, Callable[[Size, int], list[Pixels]]] = {
    "bars": _draw_bars,
    "noise": _draw_noise,
    "black": partial(_draw_plain, 0),
    "white": partial(_draw_plain, 255),
}


def show(pool: Sequence[Pixels], frames: int) -> Iterator[Moment]:
    """Show the pictures of a pool for so many frames, never one twice in a row."""
    order = _order(len(pool))
    for index in range(frames):
        yield pool[order[index % len(order)]]


def last_shown(pool: Sequence[Pixels], frames: int) -> Pixels:
    """The picture that `show` ends with."""
    order = _order(len(pool))
    return pool[order[(frames - 1) % len(order)]]


@cache
def _order(count: int) -> list[int]:
    # Not in turn: whoever looks at every eighth frame would see the same one of eight every time.
    steps = np.random.default_rng(0).integers(1, max(count, 2), _ORDER)
    return [int(index) for index in np.cumsum(steps) % count]


def with_noise(pool: Sequence[Pixels], noise: int, seed: int) -> list[Pixels]:
    """The same pictures as a sensor sees them: every frame differs by up to ±`noise` levels."""
    if not noise:
        return list(pool)
    random = np.random.default_rng(seed)
    return [_noisy(picture, noise, random) for picture in _repeated(pool, _SENSOR_POOL)]


def _repeated(pool: Sequence[Pixels], at_least: int) -> list[Pixels]:
    return list(pool) * -(-at_least // len(pool))


def _noisy(picture: Pixels, noise: int, random: np.random.Generator) -> Pixels:
    levels = random.integers(-noise, noise + 1, picture.shape, dtype=np.int16)
    return as_pixels(np.clip(picture + levels, 0, 255).astype(np.uint8))


# --- changes: what becomes of the last picture ----------------------------------------------------


def _freeze(picture: Pixels) -> Pixels:
    return picture


def _tear(picture: Pixels) -> Pixels:
    torn = picture.copy()
    torn[int(len(torn) * _TORN_FROM) :] = _GREY
    return torn


def _resize(picture: Pixels) -> Pixels:
    height, width = picture.shape[:2]
    size = (max(width // 2, 1), max(height // 2, 1))
    return as_pixels(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _blur(picture: Pixels) -> Pixels:
    return as_pixels(cv2.GaussianBlur(picture, (0, 0), max(picture.shape[1] * _OUT_OF_FOCUS, 0.1)))


def _shift(picture: Pixels) -> Pixels:
    width = picture.shape[1]
    by = int(width * _SHIFT)
    moved = picture[:, by:]
    return np.concatenate([moved, moved[:, : -by - 1 : -1]], axis=1) if by else picture.copy()


CHANGES: Mapping[str, Change] = {
    "frozen": Change(_freeze, frames=1),
    "torn": Change(_tear),
    "resized": Change(_resize),
    "blurred": Change(_blur, optical=True),
    "shifted": Change(_shift, optical=True),
}


# --- faults: amount → what happens ----------------------------------------------------------------


def _stall(seconds: float) -> Iterator[Moment]:
    yield Stall(seconds)


def _error(_amount: float) -> Iterator[Moment]:
    yield Failure("its script says error here")


def _end(_amount: float) -> Iterator[Moment]:
    yield End()


FAULTS: Mapping[str, Fault] = {
    "stall": Fault("seconds", _stall),
    "error": Fault("none", _error),
    "end": Fault("none", _end),
}
