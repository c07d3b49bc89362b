"""Capture, prepare, invoke, decide: the tight loop.

- While the model looks at one picture, the capturing thread prepares the next (galago.edge.feed);
  where the loop has to pause anyway, it prepares only what it will look at.
- Nothing is allocated for each frame but a few small objects: frames and prepared images lie in
  memory that goes round.
- What is yielded is to be used before the next is asked for: then its frame is released. Who wants
  it for longer holds it.
- Model and settings may be exchanged between two pictures; the camera goes on, no picture is lost.

    with Loop(partial(open_camera, source), classifier, stop) as loop:
        for seen in loop:
            print(loop.labels[seen.decision.label])
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import cv2
import numpy as np

from galago.bundle.classifier import Classifier, Scores
from galago.bundle.preprocess import Pixels, PreprocessSpec, Scratch, preprocess
from galago.edge.camera import Camera, Frame
from galago.edge.decision import UNKNOWN, Decision, DecisionSettings, decide
from galago.edge.feed import Feed, Prepared
from galago.edge.health import Health
from galago.edge.motion import MotionGate, MotionSettings
from galago.edge.pacing import Pacer, Pacing
from galago.edge.regions import WHOLE, Cutter, Region
from galago.edge.rules import Rules


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """What the loop looks at, and how often. `motion` None: it looks at every picture."""

    regions: tuple[Region, ...] = (WHOLE,)
    pacing: Pacing = field(default_factory=Pacing)
    motion: MotionSettings | None = None
    decision: DecisionSettings = field(default_factory=DecisionSettings)


class Seen(NamedTuple):
    """One region of one frame, its scores, (classes,) float32 in model order, and the decision.

    Scores are those of an earlier frame where the motion gate found nothing new to look at.
    """

    frame: Frame
    region: Region
    scores: Scores
    decision: Decision
    before: Decision | None

    @property
    def changed(self) -> bool:
        """Whether there is something to tell: a label other than the one told last.

        A start without certainty is no change.
        """
        told_before = UNKNOWN if self.before is None else self.before.told.label
        return self.decision.told.label != told_before


class Loop:
    """Iterate over what a camera sees, until it ends, is lost, or `stop` is set.

    Raises:
        UsageError: when it begins, the source or a region is wrong.
        CameraError: when it begins or while iterating, the camera is lost (galago.edge.feed).
    """

    def __init__(  # noqa: PLR0913 - as of its Feed
        self,
        opener: Callable[[], Camera],
        classifier: Classifier,
        stop: threading.Event,
        settings: LoopSettings | None = None,
        *,
        health: Health | None = None,
        waiting: Callable[[], None] = lambda: None,
    ) -> None:
        self.frames = 0
        self._stop, self._waiting = stop, waiting
        self._eyes = _Eyes(classifier, settings or LoopSettings())
        self._pacer = Pacer(self._eyes.settings.pacing)
        self._feed = Feed(
            opener,
            stop,
            health=health,
            prepare=self._prepare,
            discard=self._release,
            waiting=waiting,
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the model that looks."""
        return self._eyes.classifier.labels

    @property
    def last_region(self) -> Region:
        """The one of each frame that is looked at last."""
        return self._eyes.settings.regions[-1]

    @property
    def camera(self) -> Camera:
        """The camera that is open, or was last."""
        return self._feed.camera

    @property
    def dropped(self) -> int:
        """Frames that the camera gave and the loop did not look at."""
        return self._feed.dropped

    def check(self, classifier: Classifier, settings: LoopSettings) -> None:
        """See that `replace` will do; for any thread.

        Raises:
            UsageError: the settings suit neither the model nor the pictures that there are.
        """
        _Eyes(classifier, settings)
        if shape := self._eyes.ahead.shape or self._eyes.here.shape:
            for region in settings.regions:
                region.check(*shape[:2])

    def replace(self, classifier: Classifier, settings: LoopSettings) -> None:
        """Look with another model, or otherwise, from the next picture on.

        To be called where the loop's pictures are used, by the same thread, after `check`. What was
        seen before still counts where the labels are the same: no event is told a second time.
        """
        self._eyes = self._eyes.followed_by(classifier, settings)
        self._pacer = Pacer(settings.pacing)

    def __enter__(self) -> Self:
        # Pictures are small: threads of OpenCV's own would take the core that the model runs on.
        cv2.setNumThreads(1)
        self._feed.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._feed.__exit__(*error)

    def __iter__(self) -> Iterator[Seen]:
        while (prepared := self._next()) is not None:
            eyes, frame, images = self._eyes, prepared.frame, prepared.images
            if images is None or prepared.by is not eyes:
                images = eyes.here(frame)
            self.frames += 1
            for look, image in zip(eyes.looks, images, strict=True):
                yield look(frame, image)
            eyes.spare.append(images)
            frame.release()

    def _next(self) -> Prepared | None:
        if not self._eyes.settings.pacing.is_free:
            self._pacer.wait(self._stop, self._waiting)
        return self._feed.next()

    def _prepare(self, frame: Frame) -> Prepared:
        """Called by the capturing thread."""
        eyes = self._eyes
        if not eyes.settings.pacing.is_free:
            return Prepared(frame)
        return Prepared(frame, eyes.ahead(frame), eyes)

    @staticmethod
    def _release(prepared: Prepared) -> None:
        if prepared.images is not None and isinstance(prepared.by, _Eyes):
            prepared.by.spare.append(prepared.images)
        prepared.frame.release()


class _Eyes:
    """A model with what it looks at: the regions, their images, and what became of each.

    `ahead` prepares in the capturing thread, `here` in the loop's: both may be at it while one
    model follows another.
    """

    def __init__(self, classifier: Classifier, settings: LoopSettings) -> None:
        self.classifier, self.settings = classifier, settings
        self.looks = [_Look(classifier, region, settings) for region in settings.regions]
        self.spare: deque[list[Pixels]] = deque()
        self.ahead, self.here = (
            _Preparer(classifier.spec, settings.regions, self.spare) for _ in range(2)
        )

    def followed_by(self, classifier: Classifier, settings: LoopSettings) -> "_Eyes":
        """Those that look next; they remember what these have seen."""
        new = _Eyes(classifier, settings)
        if classifier.labels == self.classifier.labels:
            decisions = {look.region: look.decision for look in self.looks}
            for look in new.looks:
                look.decision = decisions.get(look.region)
        return new


class _Preparer:
    """Makes images of frames, (h, w, 3) uint8 for each region; for one thread.

    `spare`: images that are not in use.
    """

    def __init__(
        self, spec: PreprocessSpec, regions: tuple[Region, ...], spare: deque[list[Pixels]]
    ) -> None:
        self._spec, self._spare = spec, spare
        self._cut = Cutter(regions)
        self._scratch = [Scratch() for _ in regions]

    @property
    def shape(self) -> tuple[int, ...] | None:
        """(H, W, 3) of the last frame, None before there was one."""
        return self._cut.shape

    def __call__(self, frame: Frame) -> list[Pixels]:
        images = self._spare.pop() if self._spare else self._allocate()
        views = self._cut(frame.pixels)
        for view, image, scratch in zip(views, images, self._scratch, strict=True):
            preprocess(view, self._spec, image, scratch)
        return images

    def _allocate(self) -> list[Pixels]:
        shape = (self._spec.height, self._spec.width, 3)
        return [np.empty(shape, np.uint8) for _ in self._scratch]


class _Look:
    """What the model makes of one region, from picture to picture."""

    def __init__(self, classifier: Classifier, region: Region, settings: LoopSettings) -> None:
        self.region = region
        self._classifier, self._rules = classifier, Rules.of(settings.decision, classifier)
        self._gate = MotionGate(settings.motion) if settings.motion else None
        self._scores: Scores | None = None
        self.decision: Decision | None = None

    def __call__(self, frame: Frame, image: Pixels) -> Seen:
        is_new = self._gate is None or self._gate.opens(image, frame.time_ns)
        if is_new or self._scores is None:
            self._scores = self._classifier.classify(image)
        before, scores = self.decision, self._scores
        self.decision = decide(before, scores, frame.time_ns, self._rules)
        return Seen(frame, self.region, scores, self.decision, before)
