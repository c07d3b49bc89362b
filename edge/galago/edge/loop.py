"""Capture, preprocess, invoke, decide: the tight loop.

- A thread takes frames from the camera; the loop works on the newest and on no other. Frames that
  come meanwhile are dropped and counted (docs/adr/0004-drop-oldest.md).
- A recording waits for the loop instead: nothing of it is dropped.
- A camera that gives no frame for `timeout_s` is an error, not a pause.

    with Loop(camera, classifier, stop) as loop:
        for seen in loop:
            print(loop.labels[seen.decision.label])
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from galago.bundle.classifier import Classifier, Scores
from galago.edge.camera import Camera, Frame
from galago.edge.decision import UNKNOWN, Decision, DecisionSettings, decide
from galago.errors import CameraError

FRAME_TIMEOUT_S = 10.0  # a camera that adjusts its exposure may pause for a second or two

_STOP_POLL_S = 0.1  # how long a stop may go unnoticed while no frame comes


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame, its scores, (classes,) float32 in model order, and the decision after it."""

    frame: Frame
    scores: Scores
    decision: Decision
    before: Decision | None

    @property
    def changed(self) -> bool:
        """Whether the label is another than before; a start without certainty is no change."""
        label_before = UNKNOWN if self.before is None else self.before.label
        return self.decision.label != label_before


class Loop:
    """Iterate over what a camera sees, until it ends, fails, or `stop` is set.

    Raises:
        CameraError: while iterating, when the camera fails or stalls.
    """

    def __init__(
        self,
        camera: Camera,
        classifier: Classifier,
        stop: threading.Event,
        settings: DecisionSettings | None = None,
        timeout_s: float = FRAME_TIMEOUT_S,
    ) -> None:
        self.frames = 0
        self._camera, self._classifier, self._stop = camera, classifier, stop
        self._settings = settings or DecisionSettings()
        self._timeout_s = timeout_s
        self._newest = Newest(wait=not camera.live)
        self._thread = threading.Thread(target=self._capture, name="capture", daemon=True)

    @property
    def dropped(self) -> int:
        """Frames that the camera gave and the loop did not look at."""
        return self._newest.dropped

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._newest.finish()
        self._camera.close()
        # A camera that hangs in its driver must not hold the process: the thread is a daemon.
        self._thread.join(timeout=2.0)

    def __iter__(self) -> Iterator[Seen]:
        decision: Decision | None = None
        while (frame := self._next()) is not None:
            scores = self._classifier(frame.pixels)
            before, decision = decision, decide(decision, scores, frame.time_ns, self._settings)
            self.frames += 1
            yield Seen(frame, scores, decision, before)

    def _next(self) -> Frame | None:
        deadline = time.monotonic() + self._timeout_s
        while not self._stop.is_set():
            # Asked before taking: a last frame or an error may come while `take` gives up waiting.
            finished = self._newest.finished
            frame = self._newest.take(_STOP_POLL_S)
            if frame is not None or finished:
                return frame
            if time.monotonic() > deadline:
                raise CameraError(
                    f"{self._camera.source} gave no frame for {self._timeout_s:g} s: check its "
                    "cable and power"
                )
        return None

    def _capture(self) -> None:
        try:
            for frame in self._camera:
                if not self._newest.put(frame):
                    return
        except BaseException as error:  # noqa: BLE001 - handed to the loop, which raises it
            self._newest.finish(error)
        else:
            self._newest.finish()


class Newest:
    """A place for one frame, between the thread that captures and the loop.

    `wait`: a frame that is not yet taken makes `put` wait instead of being replaced.
    """

    def __init__(self, *, wait: bool) -> None:
        self.dropped = 0
        self.finished = False
        self._wait = wait
        self._frame: Frame | None = None
        self._error: BaseException | None = None
        self._condition = threading.Condition()

    def put(self, frame: Frame) -> bool:
        """Leave a frame; false when nobody will take it any more."""
        with self._condition:
            if self._wait:
                self._condition.wait_for(lambda: self._frame is None or self.finished)
            if self.finished:
                return False
            self.dropped += self._frame is not None
            self._frame = frame
            self._condition.notify_all()
            return True

    def take(self, timeout_s: float) -> Frame | None:
        """Take the frame, None when none came in time or none will come.

        Raises:
            BaseException: what `finish` was given, once the last frame is taken.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._frame is not None or self.finished, timeout_s)
            frame, self._frame = self._frame, None
            self._condition.notify_all()
            if frame is None and self._error is not None:
                raise self._error
            return frame

    def finish(self, error: BaseException | None = None) -> None:
        """Say that no more frames come, or why."""
        with self._condition:
            self.finished = True
            self._error = self._error or error
            self._condition.notify_all()
