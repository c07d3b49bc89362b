"""From figures to plain sentences: what to do next.

- Every rule looks at one thing and speaks only where it is worth a person's time.
- The rules stand in the order of importance; what is said first should be done first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from galago.train.assess import Assessment, never_answered

MAX = 6  # more is not read

_BURST_GAP = 0.02  # difference between naive and honest accuracy worth a warning; also 2 pictures
_OVERFITTING = 0.10
_UNDERFITTING = 0.85
_WEAK_RECALL = 0.8
_JUDGED_ON = 10  # of fewer pictures of a class the recall says little
_FEW_PICTURES = 50
_UNEVEN = 5.0
_BAD_CALIBRATION = 0.07
_LOW_COVERAGE = 0.7
_WIDE_INTERVAL = 0.10


@dataclass(frozen=True, slots=True)
class Advice:
    """`title` says what is the matter, `text` why and what to do about it."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a run.

    `kept`: the history's row of the epoch kept, `is_last`: no epoch came after it; `counts`:
    training pictures of each class; `problems`: how many of each kind `galago check` finds.
    """

    assessment: Assessment
    kept: Mapping[str, Any]
    is_last: bool
    counts: Mapping[str, int]
    problems: Mapping[str, int] = field(default_factory=dict)


def advise(case: Case) -> list[Advice]:
    """At most MAX pieces of advice, the most important first; none if nothing stands out."""
    found = [advice for rule in _RULES if (advice := rule(case)) is not None]
    return found[:MAX]


class Confused(NamedTuple):
    """Pictures of `truth` that are taken for another class, and how many."""

    truth: str
    taken_for: str
    times: int


def confused_pairs(assessment: Assessment) -> list[Confused]:
    """All kinds of mistakes, the most frequent first."""
    labels, confusion = assessment.metrics.labels, assessment.metrics.confusion
    pairs = [
        Confused(labels[row], labels[column], count)
        for row, counts in enumerate(confusion)
        for column, count in enumerate(counts)
        if row != column and count
    ]
    return sorted(pairs, key=lambda pair: -pair.times)


def _leaks(case: Case) -> Advice | None:
    n = case.problems.get("duplicate-across-splits", 0)
    if not n:
        return None
    return Advice(
        "Some pictures are learnt and tested",
        f"{n} of them show what a picture in another split shows, so the figures are a little too "
        "good. They are listed below: keep each in one split, and train again.",
    )


def _doubtful_labels(case: Case) -> Advice | None:
    n = sum(case.problems.get(kind, 0) for kind in ("duplicate-across-classes", "suspicious-label"))
    if not n:
        return None
    return Advice(
        "Some labels look wrong",
        f"{n} pictures have another label than pictures that show the same. They are listed below: "
        "look at each, mend it, and train again.",
    )


def _bursts(case: Case) -> Advice | None:
    naive = case.assessment.naive
    if naive is None or naive.accuracy - naive.honest < max(_BURST_GAP, 2 / naive.n):
        return None
    return Advice(
        f"Do not believe {_percent(naive.accuracy)}",
        f"That is what a split that ignores bursts would have claimed. Frames taken seconds apart "
        f"are nearly the same picture, and with one in training and the next in the test a network "
        f"need only remember. With bursts kept whole it is {_percent(naive.honest)}. More days and "
        "more weather will raise it, more frames of the same minute will not.",
    )


def _guessing(case: Case) -> Advice | None:
    metrics = case.assessment.metrics
    label, figures = max(metrics.per_class.items(), key=lambda item: item[1].support)
    always = figures.support / metrics.n
    if metrics.accuracy > always + 0.1 or case.assessment.accuracy_interval[0] > always:
        return None
    return Advice(
        "This is hardly better than guessing",
        f"Always answering {label} would be right in {_percent(always)} of the test pictures. "
        "Check that the labels are right, then train on more pictures, for longer or from "
        "pretrained weights.",
    )


def _overfitting(case: Case) -> Advice | None:
    train, val = case.kept["accuracy"], case.kept["val_accuracy"]
    if train - val < _OVERFITTING:
        return None
    return Advice(
        "It remembers more than it understands",
        f"{_percent(train)} of the training pictures are right, but only {_percent(val)} of the "
        "val pictures. More varied pictures help most: other days, other light, other backgrounds. "
        "A smaller network or pretrained weights help too.",
    )


def _underfitting(case: Case) -> Advice | None:
    train, val = case.kept["accuracy"], case.kept["val_accuracy"]
    if train >= _UNDERFITTING or train - val >= _OVERFITTING:
        return None
    remedy = (
        "The last epoch was the best, so it was still learning: train for more epochs."
        if case.is_last
        else "More epochs did not help: try larger input pictures or a larger network, and look at "
        "the worst mistakes for labels that are wrong."
    )
    return Advice(
        "It has not learned all there is",
        f"Even of the training pictures only {_percent(train)} are right. {remedy}",
    )


def _weak_class(case: Case) -> Advice | None:
    metrics = case.assessment.metrics
    judged = {label: m for label, m in metrics.per_class.items() if m.support >= _JUDGED_ON}
    if not judged:
        return None
    label, figures = min(judged.items(), key=lambda item: item[1].recall)
    if figures.recall >= _WEAK_RECALL or figures.recall > metrics.accuracy - 0.05:
        return None
    return Advice(
        f"{label} is often missed",
        f"Only {_percent(figures.recall)} of its {figures.support} test pictures are recognised. "
        f"It has {case.counts[label]} training pictures; collect more like those among the worst "
        "mistakes.",
    )


def _confused_pair(case: Case) -> Advice | None:
    pairs = confused_pairs(case.assessment)
    mistakes = sum(pair.times for pair in pairs)
    if not pairs or pairs[0].times < max(3, 0.3 * mistakes) or len(case.counts) == 2:
        return None
    truth, taken_for, times = pairs[0]
    return Advice(
        f"{truth} is taken for {taken_for}",
        f"{times} of the {mistakes} mistakes are of this kind. Look at the pictures: is the label "
        "right, can a person tell them apart at this size? If so, add pictures that show the "
        "difference; if not, make the two one class.",
    )


def _small_class(case: Case) -> Advice | None:
    small = sorted(
        (label for label, count in case.counts.items() if count < _FEW_PICTURES),
        key=lambda label: case.counts[label],
    )
    if not small:
        return None
    least = case.counts[small[0]]
    return Advice(
        f"Too few pictures of {_named(small)}",
        f"{_FEW_PICTURES} training pictures of a class are little, and {small[0]} has {least}. "
        "Collect more, best with the camera that will use them.",
    )


def _uneven(case: Case) -> Advice | None:
    fewest, most = (pick(case.counts, key=lambda label: case.counts[label]) for pick in (min, max))
    if case.counts[most] < _UNEVEN * max(1, case.counts[fewest]):
        return None
    return Advice(
        "The classes are uneven",
        f"{most} has {case.counts[most]} training pictures and {fewest} has {case.counts[fewest]}. "
        f"Weights make up for the number, not for the variety: collect more of {fewest}.",
    )


def _never_answered(case: Case) -> Advice | None:
    silent = never_answered(case.assessment)
    if not silent:
        return None
    wanted = _percent(case.assessment.unknown.wanted)
    return Advice(
        f"{_named(silent)} will never be answered",
        f"On val no score was high enough for {wanted} of the answers to be right, so the "
        "camera will say unknown instead. More pictures are needed, or a lower "
        "wanted precision.",
    )


def _low_coverage(case: Case) -> Advice | None:
    unknown = case.assessment.unknown
    if unknown.coverage >= _LOW_COVERAGE:
        return None
    return Advice(
        f"It would say unknown to {_percent(1 - unknown.coverage)} of the pictures",
        f"That is the price of being right in {_percent(unknown.wanted)} of the answers. A better "
        "network answers more often; asking for less precision does so at once.",
    )


def _calibration(case: Case) -> Advice | None:
    error, n = case.assessment.after.error, case.assessment.metrics.n
    # Of few pictures the error is large by chance alone.
    if error < max(_BAD_CALIBRATION, 1.5 / n**0.5):
        return None
    return Advice(
        "Do not take the scores at their word",
        f"Even corrected they are {_percent(error)} away from the share of right answers: the val "
        "pictures are too few, or unlike the test pictures. Draw both from the same days.",
    )


def _few_test_pictures(case: Case) -> Advice | None:
    low, high = case.assessment.accuracy_interval
    if high - low < _WIDE_INTERVAL:
        return None
    return Advice(
        "Test on more pictures",
        f"{case.assessment.metrics.n} test pictures say only that the accuracy lies between "
        f"{_percent(low)} and {_percent(high)}. Four times as many halve the gap.",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def _named(labels: list[str]) -> str:
    shown = ", ".join(labels[:3])
    return shown if len(labels) <= 3 else f"{shown} and {len(labels) - 3} more"


_RULES = (
    _leaks,
    _doubtful_labels,
    _bursts,
    _guessing,
    _overfitting,
    _underfitting,
    _never_answered,
    _weak_class,
    _confused_pair,
    _small_class,
    _uneven,
    _few_test_pictures,
    _low_coverage,
    _calibration,
)
