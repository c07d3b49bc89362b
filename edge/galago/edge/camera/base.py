"""What every camera is to the loop."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol, Self

import numpy as np

from galago.bundle.preprocess import Pixels

PATIENCE_S = 10.0  # a camera that adjusts its exposure may pause for a second or two

_HOLDING = threading.Lock()  # one for all frames: nobody has it for long


@dataclass(slots=True, eq=False)
class Frame:
    """One picture and when it was taken.

    Convention: `pixels` (H, W, 3) uint8 RGB, row 0 on top, not to be written to: it may be shared,
    or memory of the device. `time_ns` monotonic nanoseconds at capture (of a recording: its start
    plus the clip's own time); `number` counts from 0 and has a gap where the camera itself lost a
    picture.

    Nobody writes into `pixels` until the last who holds the frame has released it; then the camera
    uses the memory again. Whoever takes a frame from a camera holds it.
    """

    pixels: Pixels
    time_ns: int
    number: int
    give_back: Callable[[], None] | None = None
    holders: int = 1

    def hold(self) -> Self:
        """Keep the pixels for one more user, who releases them as well."""
        with _HOLDING:
            self.holders += 1
        return self

    def release(self) -> None:
        """Say that the pixels are not looked at any more, once for each holder."""
        with _HOLDING:
            self.holders -= 1
            is_free = self.holders == 0
        if is_free and self.give_back is not None:
            self.give_back()


class Pool:
    """Memory for frames, lent and taken back: nothing is allocated for each frame.

    What is lent and never comes back is replaced; what comes back in another size is forgotten.
    Safe for several threads.
    """

    def __init__(self, keep: int = 4) -> None:
        self._free: deque[Pixels] = deque(maxlen=keep)

    def take(self, height: int, width: int) -> Pixels:
        """(height, width, 3) uint8, C-contiguous, of any content."""
        try:
            pixels = self._free.pop()
        except IndexError:
            return np.empty((height, width, 3), np.uint8)
        if pixels.shape != (height, width, 3):
            return np.empty((height, width, 3), np.uint8)
        return pixels

    def lend(self, pixels: Pixels, time_ns: int, number: int) -> Frame:
        """A frame of what `take` gave; its release brings the memory back."""
        return Frame(pixels, time_ns, number, partial(self._free.append, pixels))


class Camera(Protocol):
    """A source of frames.

    Iteration ends when a finite source (a file, a folder, a script) has no more frames, and raises
    CameraError when the camera fails. Iterating again goes on where the last iteration stopped; one
    thread iterates at a time. `close()` may be called twice, and from another thread to end an
    iteration that waits; a closed camera gives no frames.
    """

    source: str
    """What the user asked for, without credentials."""

    detail: str
    """What was agreed on with the device (size, format, rate), for people; or ""."""

    live: bool
    """True where time does not wait: a frame that is not taken is lost. A recording waits."""

    noisy: bool
    """True where no two frames are alike, since a sensor's noise reaches them uncompressed."""

    patience_s: float
    """How long it may give no frame before it counts as lost; it may be reconnecting by itself."""

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Let go of the device."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
