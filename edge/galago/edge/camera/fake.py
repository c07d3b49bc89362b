"""`fake:` plays a script of pictures and faults, chosen like any other camera.

- The script decides everything: the same script gives the same frames on every machine.
- A late reader delays the script and loses nothing; its frames do not come in a burst afterwards.
- After a failure, iterating again goes on behind it, as with a camera that recovers.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from time import monotonic_ns

from galago.bundle.preprocess import Pixels
from galago.edge.camera.base import Frame
from galago.edge.camera.closing import Closing
from galago.edge.camera.keys import Source
from galago.edge.camera.script import DEFAULT_FPS, parse_script, prepare
from galago.edge.camera.steps import End, Failure, Play, Stall
from galago.errors import CameraError, UsageError

KEYS = ("size", "fps", "pace", "seed", "loop", "noise")

_LEVELS = 255
_NS = 1_000_000_000


class FakeCamera(Closing):
    """A scripted camera: live at `fps` frames per second; with None at full speed, then not live.

    `steps` are what script.prepare made ready. Frames: (height, width, 3) uint8 RGB of one size,
    unless the script says resized; times are those of the real clock. `noisy`: no picture repeats.
    """

    def __init__(
        self,
        steps: Sequence[Play],
        *,
        source: str,
        fps: float | None = DEFAULT_FPS,
        loop: bool = False,
        noisy: bool = False,
    ) -> None:
        super().__init__(source)
        self.noisy = noisy
        self.live = fps is not None
        self._period_ns = 0 if fps is None else round(_NS / fps)
        self._due_ns = 0
        self._numbers = count()
        self._moments = _moments(steps, loop=loop)  # kept here, so that a second `for` goes on

    def __iter__(self) -> Iterator[Frame]:
        for moment in self._moments:
            if self._closed.is_set():
                return
            if isinstance(moment, Stall):
                self._wait(moment.seconds)
                self._due_ns = 0
            elif isinstance(moment, Failure):
                raise CameraError(f"the fake camera failed: {moment.reason} ({self.source})")
            else:
                time_ns = self._turn()
                if self._closed.is_set():
                    return
                yield Frame(moment, time_ns, next(self._numbers))

    def _turn(self) -> int:
        """Wait until the next frame is due and return the time then."""
        if self._period_ns:
            self._wait_until(self._due_ns)
        now = monotonic_ns()
        on_time = self._due_ns + self._period_ns > now
        self._due_ns = (self._due_ns if on_time else now) + self._period_ns
        return now


def _moments(steps: Sequence[Play], *, loop: bool) -> Iterator[Pixels | Stall | Failure]:
    again = True
    while again:
        for play in steps:
            for moment in play():
                if isinstance(moment, End):
                    return
                yield moment
        again = loop


def open_source(source: Source) -> FakeCamera:
    """Open what `fake:…` names.

    Raises:
        UsageError: the script or a key is wrong.
        CameraError: a picture is missing or cannot be read.
    """
    paced = source.paced()
    fps = source.fps()
    if not paced and fps is not None:
        raise UsageError("fake: pace=max has no fps, received both: leave one of the two")
    steps = parse_script(source.rest)
    rate = fps or DEFAULT_FPS
    noise = _noise(source)
    ready = prepare(steps, size=source.size(), seed=source.integer("seed"), noise=noise, fps=rate)
    return FakeCamera(
        ready,
        source=source.text,
        fps=rate if paced else None,
        loop=source.flag("loop"),
        noisy=noise > 0,
    )


def _noise(source: Source) -> int:
    noise = source.integer("noise")
    if noise > _LEVELS:
        raise source.refused("noise", f"a whole number from 0 to {_LEVELS}")
    return noise
