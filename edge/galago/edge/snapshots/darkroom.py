"""From a frame to the pictures that are kept of it: encoded in memory, in a thread of its own.

- The loop hands over and goes on: `develop` and `glance` never wait, and take microseconds.
- At most FRAMES of the camera's buffers are held, each no longer than it takes to copy what is
  wanted of it, before anything is encoded. An event that finds none free goes on without a
  picture, and is counted; so does one whose frame is no picture, and health says so.
- Events go on in their order.
- Nothing here touches the disk.

    with Darkroom(recorder.put, settings, health, decision) as darkroom:
        for seen in loop:
            darkroom.glance(seen, serving)
            if seen.changed:
                darkroom.develop(seen, event, serving)
"""

import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from time import monotonic_ns
from typing import NamedTuple, Self

import cv2

from galago.bundle.image import encode_image
from galago.bundle.preprocess import Scratch, check_frame
from galago.edge.camera import Frame
from galago.edge.decision import DecisionSettings
from galago.edge.event import Event, utc
from galago.edge.health import Health
from galago.edge.loop import Seen
from galago.edge.record import Picture, PictureKind, Record
from galago.edge.serving import Serving
from galago.edge.snapshots.attention import NEVER_NS, Attention
from galago.edge.snapshots.place import make_name
from galago.edge.snapshots.prints import Negative, negative, shrunk
from galago.edge.snapshots.projector import Projector
from galago.edge.snapshots.settings import SnapshotSettings
from galago.errors import GalagoError

FRAMES = 2  # a camera has four to eight, and the loop and the capture want theirs
ROOM = 256  # events that wait for their turn

_STRIP = (480, 480)  # largest width and height of a film
_STRIP_QUALITY = 70
_CLOSE_TIMEOUT_S = 5.0

# What a frame may be that no camera should give: of another shape, without pixels, beyond memory.
_ODD = (GalagoError, cv2.error, ValueError, MemoryError)


class _Job(NamedTuple):  # made in the loop's thread
    """One thing to do: `frame` None where none was free. Neither event nor doubt: for a film."""

    seen: Seen
    serving: Serving
    frame: Frame | None
    event: Event | None = None
    doubt: bool = False


class Darkroom:
    """Makes pictures; whoever `put` is gets each as a Record, and must not wait.

    `decision`: of the loop, for its thresholds. `develop` and `glance` are for the loop's thread.
    A picture is made as the model sees that was serving, also when another has followed.
    """

    def __init__(
        self,
        put: Callable[[Record], None],
        settings: SnapshotSettings,
        health: Health,
        decision: DecisionSettings | None = None,
    ) -> None:
        self.without_picture = 0
        self._put, self._settings, self._health = put, settings, health
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._free = deque([None] * FRAMES)
        self._attention = Attention(settings.uncertain_every_s, decision or DecisionSettings())
        self._projector = Projector(put, settings, health)
        self._film_due_ns = 0 if self._projector.is_on else NEVER_NS
        self._film_step_ns = round(1e9 / settings.clip_rate)
        self._scratch = Scratch()
        self._names: deque[str] = deque(maxlen=16)
        self._thread = threading.Thread(target=self._run, name="darkroom", daemon=True)

    def develop(self, seen: Seen, event: Event, serving: Serving) -> None:
        """Have a picture made of an event; with or without one it goes on, in order."""
        if self._jobs.qsize() >= ROOM:  # only a thread that is stuck has so many
            self.without_picture += 1
            self._put(Record(event))
            return
        try:
            self._free.pop()
        except IndexError:
            self.without_picture += 1
            self._jobs.put(_Job(seen, serving, None, event))
            return
        self._jobs.put(_Job(seen, serving, seen.frame.hold(), event))

    def glance(self, seen: Seen, serving: Serving) -> None:
        """Take note of any frame: it may be one to keep for labelling, or for a film."""
        time_ns, attention = seen.frame.time_ns, self._attention
        is_due = time_ns >= attention.due_ns.get(seen.region.name, attention.first_ns)
        if is_due and attention.wants(seen, serving):
            self._take_if_idle(seen, serving, doubt=True)
        if time_ns >= self._film_due_ns:
            self._film_due_ns = max(self._film_due_ns, time_ns) + self._film_step_ns
            self._take_if_idle(seen, serving, doubt=False)

    def decide_by(self, decision: DecisionSettings) -> None:
        """Doubt by other thresholds, from when another model serves, be it the same anew."""
        self._attention.decision = decision

    def __enter__(self) -> Self:
        self._projector.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Finish what is there, for a few seconds at most; no frame is held any more."""
        self._jobs.put(None)
        self._thread.join(_CLOSE_TIMEOUT_S)
        self._projector.__exit__()

    def _take_if_idle(self, seen: Seen, serving: Serving, *, doubt: bool) -> None:
        """Nothing but an event may have the last frame."""
        if len(self._free) == FRAMES:
            self._free.pop()
            self._jobs.put(_Job(seen, serving, seen.frame.hold(), doubt=doubt))

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if job.event is not None:
                self._put(self._picture_event(job, job.event))
            elif job.doubt:
                self._picture_doubt(job)
            else:
                self._expose(job)

    def _picture_event(self, job: _Job, event: Event) -> Record:
        """The event with its picture, or without one."""
        taken = datetime.fromisoformat(event.time)
        what = _What("event", taken, event.label, event.score)
        picture = self._picture(job, what, lambda _: True)
        if picture is None:
            return Record(event)
        if self._projector.is_on:
            self._projector.wanted(picture.name, job.seen.decision.time_ns)
        return Record(replace(event, snapshot=picture.name), picture)

    def _picture_doubt(self, job: _Job) -> None:
        decision = job.seen.decision
        best = int(decision.scores.argmax())
        label, score = job.serving.classifier.labels[best], float(decision.scores[best])
        what = _What("uncertain", utc(decision.time_ns), label, score)
        is_wanted = partial(self._attention.is_new, job.seen)
        picture = self._picture(job, what, lambda made: is_wanted(made.seen))
        if picture is not None:
            self._put(Record(picture=picture))

    def _picture(
        self, job: _Job, what: "_What", is_wanted: Callable[[Negative], bool]
    ) -> Picture | None:
        """What is kept of a frame; None where there is none, it is no picture, or not wanted."""
        if job.frame is None:
            return None
        try:
            made = self._negative(job, job.frame)
            if not is_wanted(made):
                return None
            picture = self._print(job, what, made)
        except _ODD as error:
            self._tell(error)
            return None
        self._tell(None)
        return picture

    def _negative(self, job: _Job, frame: Frame) -> Negative:
        spec, width = job.serving.classifier.spec, self._settings.width
        try:
            return negative(frame.pixels, job.seen.region, spec, width, self._scratch)
        finally:
            self._release(frame)

    def _print(self, job: _Job, what: "_What", made: Negative) -> Picture:
        region = job.seen.region.name
        return Picture(
            name=self._name(make_name(what.taken, what.label, region)),
            kind=what.kind,
            time_ms=round(what.taken.timestamp() * 1000),
            label=what.label,
            score=what.score,
            region=region,
            model=job.serving.sha256,
            full=made.full(self._settings.jpeg),
            crop=made.crop(),
            thumbnail=made.thumbnail(),
        )

    def _name(self, name: str) -> str:
        """A name of its own for each of several pictures of one moment."""
        again = 1
        found = name
        while found in self._names:
            again += 1
            found = f"{name}-{again}"
        self._names.append(found)
        return found

    def _expose(self, job: _Job) -> None:
        """Take a frame into the ring for films."""
        if job.frame is None:
            return
        try:
            check_frame(job.frame.pixels)
            small = encode_image(shrunk(job.frame.pixels, *_STRIP), ".jpg", quality=_STRIP_QUALITY)
        except _ODD as error:
            self._tell(error)
        else:
            self._projector.expose(job.frame.time_ns, small)
        finally:
            self._release(job.frame)

    def _release(self, frame: Frame) -> None:
        frame.release()
        self._free.append(None)

    def _tell(self, error: Exception | None) -> None:
        why = None if error is None else " ".join(str(error).split())  # OpenCV's has many lines
        cause = why and f"a frame could not be made a picture: {why}"
        self._health.report("snapshots.undeveloped", cause, monotonic_ns())


@dataclass(frozen=True, slots=True)
class _What:
    """What a picture shows, and when it was taken, UTC."""

    kind: PictureKind
    taken: datetime
    label: str
    score: float
