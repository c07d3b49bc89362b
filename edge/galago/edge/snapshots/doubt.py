"""Which frames are worth a person's label: those that the model is not sure of, and no two alike.

- A frame counts only if its own scores and the smoothed ones both doubt between the same classes:
  what is on its way from one certain label to another is no doubt.
- Each region has its turn once in a while, and each label in it less often than that: what is
  always in doubt does not take all the places.
- A scene that looks like one of the last that were kept is not kept again.
"""

from collections import deque
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from galago.bundle.classifier import Scores
from galago.bundle.preprocess import Pixels

NEAR = 0.1  # the best score is no further from its threshold
CLOSE = 0.15  # the second best is no further from the best

_ENTER = 0.6  # where a class has no threshold
_SOME = 0.5  # of the threshold; where nothing known is seen, all scores are low and close
_LABELS = 6  # that have turns of their own, at most
_SIDE = 16  # of a glance
_OFF = 12  # grey levels; several times the noise of a sensor, once 6 × 6 pixels are averaged
_CELLS = 5  # of the 256 of a glance: a fiftieth of the view
_REMEMBERED = 8

Glance: TypeAlias = NDArray[np.int16]


def in_doubt(scores: Scores, smoothed: Scores, enter: tuple[float, ...]) -> bool:
    """Whether a frame lies near the decision boundary.

    Convention: (classes,) float32, 0–1, each; `enter` the classes' thresholds, maybe infinite.
    """
    best = int(smoothed.argmax())
    limit = enter[best] if enter[best] <= 1 else _ENTER
    return all(_is_near(each, best, limit) for each in (scores, smoothed))


def _is_near(scores: Scores, best: int, limit: float) -> bool:
    score = float(scores[best])
    if not score >= _SOME * limit:  # a NaN is no doubt either
        return False
    return abs(score - limit) <= NEAR or _lead(scores) <= CLOSE


def _lead(scores: Scores) -> float:
    """By how much the best is ahead of the second."""
    if len(scores) < 2:
        return 1.0
    second, best = np.partition(scores, -2)[-2:]
    return float(best - second)


class Turns:
    """When each region, and each label in it, may have a picture kept again.

    `every_ns` monotonic; for one region after the other at any time, for one label of a region
    after so many turns of the others.
    """

    def __init__(self, every_ns: int) -> None:
        self._every_ns = every_ns
        self._label_due_ns: dict[tuple[str | None, int], int] = {}

    def may(self, region: str | None, label: int, time_ns: int) -> bool:
        """Whether it is the label's turn, once it is the region's."""
        return time_ns >= self._label_due_ns.get((region, label), 0)

    def had(self, region: str | None, label: int, labels: int, time_ns: int) -> None:
        """Take note of a picture that was kept; `labels`: how many the model has."""
        turns = max(1, min(labels, _LABELS))
        self._label_due_ns[region, label] = time_ns + turns * self._every_ns


class Scenes:
    """What was kept of one region lately, as tiny grey pictures."""

    def __init__(self) -> None:
        self._last: deque[Glance] = deque(maxlen=_REMEMBERED)

    def is_new(self, view: Pixels) -> bool:
        """Whether (h, w, 3) uint8 shows something else than those that are remembered; then it is.

        Brightness alone makes no other scene.
        """
        glance = _glance(view)
        if any(np.count_nonzero(abs(glance - last) > _OFF) < _CELLS for last in self._last):
            return False
        self._last.append(glance)
        return True


def _glance(view: Pixels) -> Glance:
    small = cv2.resize(view, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.int16)
    levelled: Glance = grey - np.int16(np.median(grey))
    return levelled
