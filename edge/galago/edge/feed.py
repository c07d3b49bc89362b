"""The newest picture of a camera, whatever the camera does.

- A thread takes frames from the camera and prepares them while the model looks at the one before;
  the loop gets the newest and no other (docs/adr/0004-drop-oldest.md).
- A live camera that gives nothing is a health state after STALL_S, and lost after its own patience.
- A lost one is closed and opened again once; the second loss within RENEWED_S is for the caller to
  raise: a driver that leaks or hangs needs a new process, not a third try.
- Nothing waits without a deadline, not even for a driver that never comes back: its thread is left
  behind, and the process may end without it.

    with Feed(partial(open_camera, source), stop, prepare=prepare) as feed:
        while (prepared := feed.next()) is not None:
            ...
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self

from galago.bundle.preprocess import Pixels
from galago.edge.camera import Camera, Frame
from galago.edge.handover import Handover
from galago.edge.health import Health
from galago.errors import CameraError, StoppedError

OPEN_TIMEOUT_S = 30.0  # network cameras need a few seconds, a Pi's camera on a cold start one
STALL_S = 2.0  # longer than any exposure that a camera chooses by itself
RENEWED_S = 3600.0

_ROOM = 4  # of a recording, which waits
_POLL_S = 0.1  # how long a stop may go unnoticed while no frame comes
_CLOSE_TIMEOUT_S = 2.0


@dataclass(slots=True, eq=False)
class Prepared:
    """A frame and, once it has been prepared, an image of it for each region, (h, w, 3) uint8.

    `by`: who prepared it, and gets the images back.
    """

    frame: Frame
    images: list[Pixels] | None = None
    by: object = None


class Feed:
    """Iterate with `next` over what a camera shows, until it ends, is lost, or `stop` is set.

    Args:
        opener: opens the camera; called again when it is lost.
        prepare: turns a frame into what the loop wants, in the capturing thread.
        waiting: called several times a second while no frame comes and the camera has time.
        discard: called with what was prepared and will not be looked at.
    """

    def __init__(  # noqa: PLR0913 - what is done with a frame is its owner's to say
        self,
        opener: Callable[[], Camera],
        stop: threading.Event,
        *,
        health: Health | None = None,
        prepare: Callable[[Frame], Prepared] = Prepared,
        discard: Callable[[Prepared], None] = lambda prepared: prepared.frame.release(),
        waiting: Callable[[], None] = lambda: None,
    ) -> None:
        self._stop, self._waiting = stop, waiting
        self._health = health or Health()
        self._ill: set[str] = set()
        self._new = partial(_Capture, opener, prepare, discard)
        self._capture = self._new()
        self._dropped_before = 0
        self._reopened_at = -math.inf
        self._silent_since = math.inf

    @property
    def camera(self) -> Camera:
        """The camera that is open, or was last."""
        return self._capture.camera

    @property
    def dropped(self) -> int:
        """Frames that the camera gave and nobody looked at."""
        return self._dropped_before + self._capture.newest.dropped

    def __enter__(self) -> Self:
        """Open the camera and begin to capture.

        Raises:
            UsageError: the source is wrong.
            CameraError: the camera cannot be opened, or not in time.
            StoppedError: `stop` was set while it opened.
        """
        if not self._capture.start(self._stop, self._waiting):
            raise StoppedError("stopped while the camera was opening")
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.close()

    def next(self) -> Prepared | None:
        """The next picture; None when the camera has ended or `stop` is set.

        Raises:
            CameraError: the camera is lost, and was reopened before.
        """
        self._silent_since = math.inf
        while not self._stop.is_set():
            try:
                prepared = self._capture.newest.take(_POLL_S)
                if prepared is None:
                    if self._capture.newest.finished:
                        return self._capture.newest.take(0)  # it may have come a moment ago
                    self._waiting()
                    self._judge_silence(time.monotonic())
            except CameraError as error:
                self._reopen(error)
                continue
            if prepared is not None:
                if self._ill:
                    self._is_well(prepared.frame.time_ns)
                return prepared
        return None

    def _judge_silence(self, now: float) -> None:
        self._silent_since = min(self._silent_since, now - _POLL_S)
        camera, silent_s = self._capture.camera, now - self._silent_since
        if camera.live and silent_s > STALL_S:
            where = "check its cable, its power and the network"
            self._report("camera.stalled", f"{camera.source} gives no frame: {where}")
        if silent_s > camera.patience_s:
            raise CameraError(
                f"{camera.source} gave no frame for {camera.patience_s:g} s: check its cable and "
                "power"
            )

    def _reopen(self, error: CameraError) -> None:
        """Give the camera its second chance, or raise why it has none."""
        now = time.monotonic()
        if not self._capture.camera.live or now - self._reopened_at < RENEWED_S:
            raise error
        self._report("camera.failed", f"{error} (opening it again)")
        self._dropped_before += self._capture.newest.dropped
        self._capture.close()
        self._capture = self._new()
        self._capture.start(self._stop, self._waiting)
        self._reopened_at, self._silent_since = time.monotonic(), math.inf

    def _report(self, name: str, cause: str) -> None:
        self._ill.add(name)
        self._health.report(name, cause, time.monotonic_ns())

    def _is_well(self, time_ns: int) -> None:
        while self._ill:
            self._health.report(self._ill.pop(), None, time_ns)


class _Capture:
    """The thread that opens one camera and takes its frames, from its start to its end."""

    camera: Camera
    newest: Handover[Prepared]

    def __init__(
        self,
        opener: Callable[[], Camera],
        prepare: Callable[[Frame], Prepared],
        discard: Callable[[Prepared], None],
    ) -> None:
        self._opener, self._prepare, self._discard = opener, prepare, discard
        self._failure: BaseException | None = None
        self._opened, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    def start(self, stop: threading.Event, waiting: Callable[[], None]) -> bool:
        """Open the camera and begin; False: `stop` was set first.

        Raises:
            UsageError, CameraError: as open_camera does, or it takes too long.
        """
        self._thread.start()
        deadline = time.monotonic() + OPEN_TIMEOUT_S
        while not self._opened.wait(_POLL_S):
            waiting()
            if stop.is_set():
                self._closing.set()
                return False
            if time.monotonic() > deadline:
                self._closing.set()
                raise CameraError(
                    f"the camera did not open within {OPEN_TIMEOUT_S:g} s: unplug it and try again"
                )
        if self._failure is not None:
            raise self._failure
        return True

    def close(self) -> None:
        """Let go of the camera, if it was opened; if its driver hangs, leave it behind."""
        self._closing.set()
        if self._failure is not None or not self._opened.is_set():
            return
        self.newest.close()
        closer = threading.Thread(target=self.camera.close, name="close", daemon=True)
        closer.start()
        closer.join(_CLOSE_TIMEOUT_S)
        self._thread.join(_CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        try:
            self.camera = self._opener()
            self.newest = Handover(room=0 if self.camera.live else _ROOM, discard=self._discard)
        except BaseException as error:  # noqa: BLE001 - handed to `start`, which raises it
            self._failure = error
            return
        finally:
            self._opened.set()
        if self._closing.is_set():  # it opened when nobody waited any more
            self.camera.close()
            return
        try:
            for frame in self.camera:
                if not self.newest.put(self._prepare(frame)):
                    return
        except BaseException as error:  # noqa: BLE001 - handed to the loop, which raises it
            self.newest.finish(error)
        else:
            self.newest.finish()
