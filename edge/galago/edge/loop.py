"""Capture, prepare, invoke, decide: the tight loop.

- While the model looks at one picture, the capturing thread prepares the next (galago.edge.feed);
  where the loop has to pause anyway, it prepares only what it will look at.
- Nothing is allocated for each frame but a few small objects: frames and prepared images lie in
  memory that goes round.
- What is yielded is to be used before the next is asked for: then its frame is released. Who wants
  it for longer holds it.

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
from galago.bundle.preprocess import Pixels, Scratch, preprocess
from galago.edge.camera import Camera, Frame
from galago.edge.decision import UNKNOWN, Decision, DecisionSettings, decide
from galago.edge.feed import Feed, Prepared
from galago.edge.health import Health
from galago.edge.motion import MotionGate, MotionSettings
from galago.edge.pacing import Pacer, Pacing
from galago.edge.regions import WHOLE, Cutter, Region


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
        """Whether the label is another than before; a start without certainty is no change."""
        label_before = UNKNOWN if self.before is None else self.before.label
        return self.decision.label != label_before


class Loop:
    """Iterate over what a camera sees, until it ends, is lost, or `stop` is set.

    Raises:
        UsageError: when it begins, the source or a region is wrong.
        CameraError: when it begins or while iterating, the camera is lost (galago.edge.feed).
    """

    def __init__(
        self,
        opener: Callable[[], Camera],
        classifier: Classifier,
        stop: threading.Event,
        settings: LoopSettings | None = None,
        health: Health | None = None,
    ) -> None:
        self.frames = 0
        self.labels = classifier.labels
        self._classifier, self._stop = classifier, stop
        self._settings = settings or LoopSettings()
        self._cut = Cutter(self._settings.regions)
        self._spare: deque[list[Pixels]] = deque()
        self._scratch = [Scratch() for _ in self._cut.regions]
        self._looks = [_Look(classifier, region, self._settings) for region in self._cut.regions]
        self._pacer = Pacer(self._settings.pacing)
        ahead = self._prepare if self._settings.pacing.is_free else Prepared
        self._feed = Feed(opener, stop, health=health, prepare=ahead, discard=self._release)

    @property
    def camera(self) -> Camera:
        """The camera that is open, or was last."""
        return self._feed.camera

    @property
    def dropped(self) -> int:
        """Frames that the camera gave and the loop did not look at."""
        return self._feed.dropped

    def __enter__(self) -> Self:
        # Pictures are small: threads of OpenCV's own would take the core that the model runs on.
        cv2.setNumThreads(1)
        self._feed.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._feed.__exit__(*error)

    def __iter__(self) -> Iterator[Seen]:
        while (prepared := self._next()) is not None:
            frame = prepared.frame
            images = self._images(frame) if prepared.images is None else prepared.images
            self.frames += 1
            for look, image in zip(self._looks, images, strict=True):
                yield look(frame, image)
            self._spare.append(images)
            frame.release()

    def _next(self) -> Prepared | None:
        if not self._settings.pacing.is_free:
            self._pacer.wait(self._stop)
        return self._feed.next()

    def _prepare(self, frame: Frame) -> Prepared:
        return Prepared(frame, self._images(frame))

    def _images(self, frame: Frame) -> list[Pixels]:
        views = self._cut(frame.pixels)
        images = self._spare.pop() if self._spare else self._allocate()
        spec = self._classifier.spec
        for view, image, scratch in zip(views, images, self._scratch, strict=True):
            preprocess(view, spec, image, scratch)
        return images

    def _allocate(self) -> list[Pixels]:
        spec = self._classifier.spec
        return [np.empty((spec.height, spec.width, 3), np.uint8) for _ in self._cut.regions]

    def _release(self, prepared: Prepared) -> None:
        if prepared.images is not None:
            self._spare.append(prepared.images)
        prepared.frame.release()


class _Look:
    """What the model makes of one region, from picture to picture."""

    def __init__(self, classifier: Classifier, region: Region, settings: LoopSettings) -> None:
        self._classifier, self._region, self._settings = classifier, region, settings.decision
        self._gate = MotionGate(settings.motion) if settings.motion else None
        self._scores: Scores | None = None
        self._decision: Decision | None = None

    def __call__(self, frame: Frame, image: Pixels) -> Seen:
        is_new = self._gate is None or self._gate.opens(image, frame.time_ns)
        if is_new or self._scores is None:
            self._scores = self._classifier.classify(image)
        before, scores = self._decision, self._scores
        self._decision = decide(before, scores, frame.time_ns, self._settings)
        return Seen(frame, self._region, scores, self._decision, before)
