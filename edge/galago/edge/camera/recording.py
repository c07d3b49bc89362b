"""Playing what was recorded, shared by `file:` and `dir:`.

- A frame's time is the clip's own: start + number / fps, exactly, at every pace.
- A picture that cannot be read leaves a gap in numbers and in time.
- Looping goes on counting: neither numbers nor times ever step back.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from time import monotonic_ns

from galago.bundle.preprocess import Pixels
from galago.edge.camera.base import Frame
from galago.edge.camera.closing import Closing
from galago.errors import CameraError

_NS = 1_000_000_000


class Recording(Closing, ABC):
    """A finite row of pictures, played at `fps` per second or, unpaced, as fast as they are taken.

    A paced reader that falls behind gets its frames at once until it has caught up: a recording
    loses nothing. The clip starts when the first frame is asked for, not when it is opened.
    """

    live = False

    def __init__(self, source: str, *, fps: float, paced: bool, loop: bool) -> None:
        super().__init__(source)
        self._fps = fps
        self._paced = paced
        self._loop = loop
        self._start_ns: int | None = None
        self._numbered = enumerate(self._passes())  # kept here, so that a second `for` goes on

    def __iter__(self) -> Iterator[Frame]:
        for number, pixels in self._numbered:
            time_ns = self._clip_time_ns(number)
            if self._paced:
                self._wait_until(time_ns)
            if self._closed.is_set():
                return
            if pixels is not None:
                yield Frame(pixels, time_ns, number)

    @abstractmethod
    def _one_pass(self) -> Iterator[Pixels | None]:
        """Give the pictures from first to last, (H, W, 3) uint8 RGB; None for an unreadable one."""

    def _passes(self) -> Iterator[Pixels | None]:
        again = True
        while again and not self._closed.is_set():
            readable = 0
            for pixels in self._one_pass():
                readable += pixels is not None
                yield pixels
            if not readable and not self._closed.is_set():  # or a loop would spin on nothing
                raise CameraError(
                    f"{self.source} had pictures when it was opened and gives none now:"
                    " put them back and start again"
                )
            again = self._loop

    def _clip_time_ns(self, number: int) -> int:
        if self._start_ns is None:
            self._start_ns = monotonic_ns()
        return self._start_ns + round(number * _NS / self._fps)
