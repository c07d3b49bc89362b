"""From scores, frame by frame, to a label that does not flicker.

- `decide` is a pure function of the state before, the scores and the time: it touches neither.
- Smoothing and waiting are over time, not over frames: the frame rate does not change what is told.
- A label is taken up at its class's own threshold, held there for `hold_s` without a break, and
  given up at a lower one.
- Any two changes of the label, and any two that are told, are at least the new label's `hold_s`
  apart.
- Scores that are no numbers are those of a picture that shows nothing known.

    rules = Rules.of(settings, classifier)  # once
    state = decide(state, scores, frame.time_ns, rules)
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from galago.edge.setting import Problem, setting

if TYPE_CHECKING:  # numpy, which who only reads the settings has no need of
    from galago.bundle.classifier import Scores
    from galago.edge.rules import Rules

UNKNOWN = -1  # no label is certain enough

# A silence counts as a gap only if it is so many times as long as the one before: where a picture
# is taken once in ten minutes, ten minutes without one are no gap.
_UNUSUAL = 4


@dataclass(frozen=True, slots=True)
class LabelDecision:
    """Section `[decision.label.NAME]`: what is other for one class; unset: as for all."""

    enter: float | None = setting(
        None, "Score from which this class is taken up.", low=0, high=1, example=0.7
    )
    leave: float | None = setting(
        None, "Score below which it is given up.", low=0, high=1, example=0.4
    )
    hold_s: float | None = setting(
        None, "Seconds that it must last before it is told.", low=0, high=86400, example=2.0
    )
    cool_down_s: float | None = setting(
        None,
        "Seconds from telling it until it may be told again.",
        low=0,
        high=604800,
        example=300.0,
    )

    def check(self) -> Iterator[Problem]:
        """Refuse to give up a label that is being taken up."""
        yield from _ordered(self.enter, self.leave)


@dataclass(frozen=True, slots=True)
class DecisionSettings:
    """Section `[decision]`.

    Defaults of `smooth_s` and `hold_s`: chosen on films of other days than those that
    bench/decision.py takes its figures from. Below half a second, so that at two pictures a second
    the second in agreement is told.
    """

    smooth_s: float = setting(
        0.4, "Time constant of smoothing, in seconds; 0: none.", low=0, high=3600
    )
    hold_s: float = setting(
        0.4, "Seconds that a label must last before it is told.", low=0, high=86400
    )
    cool_down_s: float = setting(
        0.0,
        "Seconds from telling a label until the same one may be told again; what is seen meanwhile "
        "is shown, and told afterwards if it is still there.",
        low=0,
        high=604800,
    )
    enter: float | None = setting(
        None,
        "Score from which a label is taken up; unset: each class's own threshold, from the model "
        "file.",
        low=0,
        high=1,
        example=0.6,
    )
    leave: float | None = setting(
        None,
        "Score below which it is given up; unset: 0.6 of the score at which it is taken up.",
        low=0,
        high=1,
        example=0.35,
    )
    label: dict[str, LabelDecision] = setting(
        dict, "What is other for one class.", example="cat", any_name=True
    )

    def check(self) -> Iterator[Problem]:
        """Refuse to give up a label that is being taken up."""
        yield from _ordered(self.enter, self.leave)


class Told(NamedTuple):
    """What others were told last.

    `label`: an index or UNKNOWN. `time_ns`: when, or None before the first time. `until_ns`: for
    each label and, last, for UNKNOWN: when its cool-down is over; None where there is none.
    """

    label: int
    time_ns: int | None
    until_ns: tuple[int, ...] | None


NOTHING = Told(UNKNOWN, None, None)


class Decision(NamedTuple):  # made for every picture, in a quarter of a dataclass's time
    """What is seen now.

    Convention: `scores` (classes,) float32, softened (galago.bundle.confidence) and smoothed;
    `label` an index or UNKNOWN; `since_ns` and `time_ns` monotonic. `candidate` is what the scores
    have spoken for since `candidate_ns`: the label, or what is to become it. `step_ns`: since the
    frame before. `told` falls behind `label` only while that cools down.
    """

    scores: "Scores"
    label: int
    since_ns: int
    time_ns: int
    candidate: int = UNKNOWN
    candidate_ns: int = 0
    step_ns: int = 0
    told: Told = NOTHING

    @property
    def score(self) -> float:
        """Smoothed score of the label, or of the best one while it is unknown."""
        return float(self.scores.max() if self.label == UNKNOWN else self.scores[self.label])


def decide(before: Decision | None, scores: "Scores", time_ns: int, rules: "Rules") -> Decision:
    """The decision after one more frame.

    Convention: `scores` (classes,) float32 as the classifier gives them; `time_ns` monotonic.

    A gap in time is no evidence: after one, smoothing and waiting begin anew, and the label stands
    for as long as the new scores bear it. A small step back counts as none, a large one as a gap.
    """
    if before is None:
        before = Decision(scores, UNKNOWN, time_ns, time_ns, UNKNOWN, time_ns)
        return _judged(before, rules.evidence(scores), time_ns, rules)
    step_ns = time_ns - before.time_ns
    if step_ns < 0 or (step_ns > rules.gap_ns and step_ns > _UNUSUAL * before.step_ns):
        if -rules.gap_ns <= step_ns < 0:
            return decide(before, scores, before.time_ns, rules)
        return _judged(_resumed(before, time_ns), rules.evidence(scores), time_ns, rules)
    kept = math.exp(step_ns * rules.decay) if rules.smooths else 0.0
    evidence = rules.evidence(scores, 1 - kept)
    evidence += before.scores * kept
    return _judged(before, evidence, time_ns, rules)


def _judged(before: Decision, scores: "Scores", time_ns: int, rules: "Rules") -> Decision:
    """The decision on smoothed scores: hysteresis, then waiting, then telling."""
    best = int(scores.argmax())
    label, since_ns = before.label, before.since_ns
    if scores[best] >= rules.enter[best]:
        candidate = best
    elif label != UNKNOWN and scores[label] >= rules.leave[label]:
        candidate = label
    else:
        candidate = UNKNOWN
    candidate_ns = before.candidate_ns if candidate == before.candidate else time_ns
    if candidate != label and time_ns - candidate_ns >= rules.hold_ns[candidate]:
        label, since_ns = candidate, time_ns
    told = before.told
    if label != told.label and label == candidate:  # else it is about to be given up
        told = _told(told, label, time_ns, rules)
    step_ns = time_ns - before.time_ns
    return Decision(scores, label, since_ns, time_ns, candidate, candidate_ns, step_ns, told)


def _resumed(before: Decision, time_ns: int) -> Decision:
    """What is left of a state after a gap; after a step back, on a clock of its own."""
    left = before._replace(candidate=before.label, candidate_ns=time_ns)
    if time_ns >= before.time_ns:
        return left
    told = before.told._replace(until_ns=None)
    if told.time_ns is not None:
        told = told._replace(time_ns=time_ns)
    return left._replace(since_ns=time_ns, time_ns=time_ns, told=told)


def _told(told: Told, label: int, time_ns: int, rules: "Rules") -> Told:
    """What others know once they have been told of `label`, or as before while that must wait."""
    if rules.cool_down_ns is None:
        return Told(label, time_ns, None)
    until_ns = told.until_ns or (time_ns,) * len(rules.cool_down_ns)
    if time_ns < until_ns[label]:
        return told
    changed = list(until_ns)
    changed[label] = time_ns + rules.cool_down_ns[label]
    return Told(label, time_ns, tuple(changed))


def _ordered(enter: float | None, leave: float | None) -> Iterator[Problem]:
    if enter is not None and leave is not None and leave > enter:
        yield Problem("leave", f"is {leave:g}, above enter, {enter:g}: set it to enter or lower")
