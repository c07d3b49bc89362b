"""What every camera is to the loop."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from galago.bundle.preprocess import Pixels


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture, which belongs to whoever took it: no camera writes into it again.

    Convention: `pixels` (H, W, 3) uint8 RGB, row 0 on top; `time_ns` monotonic nanoseconds at
    capture (of a recording: its start plus the clip's own time); `number` counts from 0 and has a
    gap where the camera itself lost a picture.
    """

    pixels: Pixels
    time_ns: int
    number: int


class Camera(Protocol):
    """A source of frames.

    Iteration ends when a finite source (a file, a folder, a script) has no more frames, and raises
    CameraError when the camera fails. Iterating again goes on where the last iteration stopped; one
    thread iterates at a time. `close()` may be called twice, and from another thread to end an
    iteration that waits; a closed camera gives no frames.
    """

    source: str
    """What the user asked for, without credentials."""

    live: bool
    """True where time does not wait: a frame that is not taken is lost. A recording waits."""

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Let go of the device."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
