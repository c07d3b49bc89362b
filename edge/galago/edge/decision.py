"""From scores, frame by frame, to a label that does not flicker.

- `decide` is a pure function of the state before, the scores and the time.
- Smoothing is over time, not over frames: the frame rate does not change the behaviour.
- A label is taken up at a higher score than the one at which it is given up.

    state = decide(state, scores, frame.time_ns)
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from galago.bundle.classifier import Scores
from galago.edge.setting import setting

UNKNOWN = -1  # no label is certain enough


@dataclass(frozen=True, slots=True)
class DecisionSettings:
    """Section `[decision]`."""

    smooth_s: float = setting(
        0.4, "Time constant of smoothing, in seconds; 0: none.", low=0, high=3600
    )
    enter: float = setting(0.6, "Score from which a label is taken up.", low=0, high=1)
    leave: float = setting(0.35, "Score below which it is given up.", low=0, high=1)


class Decision(NamedTuple):  # made for every picture, in a quarter of a dataclass's time
    """What is seen now.

    Convention: `scores` (classes,) float32, smoothed; `label` an index or UNKNOWN; `since_ns` and
    `time_ns` monotonic.
    """

    scores: Scores
    label: int
    since_ns: int
    time_ns: int

    @property
    def score(self) -> float:
        """Smoothed score of the label, or of the best one while it is unknown."""
        return float(self.scores.max() if self.label == UNKNOWN else self.scores[self.label])


def decide(
    before: Decision | None, scores: Scores, time_ns: int, settings: DecisionSettings
) -> Decision:
    """The decision after one more frame."""
    if before is None:
        return Decision(scores, _label(UNKNOWN, scores, settings), time_ns, time_ns)
    elapsed_s = (time_ns - before.time_ns) / 1e9
    weight = -math.expm1(-elapsed_s / settings.smooth_s) if settings.smooth_s > 0 else 1.0
    smoothed = before.scores + (scores - before.scores) * scores.dtype.type(weight)
    label = _label(before.label, smoothed, settings)
    since_ns = before.since_ns if label == before.label else time_ns
    return Decision(smoothed, label, since_ns, time_ns)


def _label(before: int, scores: Scores, settings: DecisionSettings) -> int:
    best = int(scores.argmax())
    if scores[best] >= settings.enter:
        return best
    if before != UNKNOWN and scores[before] >= settings.leave:
        return before
    return UNKNOWN
