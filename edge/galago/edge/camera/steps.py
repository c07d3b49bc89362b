"""What a `fake:` camera can show and do: the tables of its pictures and its faults.

- A picture is drawn once, when the camera is opened; showing it costs nothing.
- To add a picture, write a function beside `_draw_bars` and name it in `PICTURES`.
- To add a fault, write one beside `_stall` and name it in `FAULTS`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

import numpy as np

from galago.bundle.preprocess import Pixels
from galago.edge.camera.keys import Size

_NOISE_POOL = 4  # enough that no frame equals the one before; 3.5 MB at 640x480


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
    """A step that is no picture: the unit of its amount, and what happens."""

    unit: Literal["frames", "seconds", "none"]
    play: Callable[[float], Iterator[Moment]]


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
    """Show the pictures of a pool in turn, for so many frames."""
    for index in range(frames):
        yield pool[index % len(pool)]


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
