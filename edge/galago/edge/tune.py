"""Settings of the decision tried on a recorded clip, to propose those that suit it.

- The model looks once; every trial is the daemon's own `decide` over the same scores.
- What is proposed lies amid settings that do about as well, not at the edge of them.
- It was tuned on this very clip: how good it is elsewhere, only another clip can tell.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from galago.bundle.classifier import Classifier
from galago.edge.decision import DecisionSettings
from galago.edge.replay import Interval, Record, Score, announce, score
from galago.edge.replay import as_text as score_as_text
from galago.edge.rules import LEAVE_SHARE, Rules
from galago.progress import track

WARNING = (
    "tuned on this very clip, which makes it look better than it is: replay another clip with "
    "these lines before you trust them"
)

_SMOOTH_S = (0.0, 0.2, 0.4, 0.8, 1.6)
_HOLD_S = (0.0, 0.2, 0.4, 0.8, 1.6, 3.2)
_ENTER = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_LEAVE_SHARES = (0.4, LEAVE_SHARE, 0.9)
# F1 of settings that count as equally good: half an event more or less of fifty.
_AS_GOOD = 0.01
_ROWS = 12  # of the curve, on a terminal

_Place = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Trial:
    """Settings, and how they did."""

    settings: DecisionSettings
    score: Score

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0–1."""
        total = self.score.precision + self.score.recall
        return 2 * self.score.precision * self.score.recall / total if total else 0.0

    @property
    def delay_s(self) -> float:
        """Median delay; infinite where nothing was found."""
        delay_s = self.score.median_delay_s
        return float("inf") if delay_s is None else delay_s

    def to_dict(self) -> dict[str, Any]:
        """A point of the curve in JSON; `enter` and `leave` None: as the model file has them."""
        chosen, found = self.settings, self.score
        return {
            "smooth_s": chosen.smooth_s,
            "hold_s": chosen.hold_s,
            "enter": chosen.enter,
            "leave": chosen.leave,
            "precision": found.precision,
            "recall": found.recall,
            "false_per_hour": found.false_per_hour,
            "median_delay_s": found.median_delay_s,
        }


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was proposed, and the curve it was chosen from.

    `curve`: trials of which none is better in false alarms, recall and delay at once; by delay.
    """

    proposed: Trial
    curve: tuple[Trial, ...]

    def to_dict(self) -> dict[str, Any]:
        """What `galago replay --tune --json` adds to the score."""
        return {
            "proposed": self.proposed.to_dict(),
            "curve": [trial.to_dict() for trial in self.curve],
        }


def tune(
    record: Record, truth: list[Interval], classifier: Classifier, settings: DecisionSettings
) -> Tuning:
    """Try settings around `settings`, whose cool-down and tables of single labels stay."""
    axes = _axes(settings, classifier)
    trials: dict[_Place, Trial] = {}
    smooth, hold, enter, share = (range(len(axis)) for axis in axes)
    places = list(itertools.product(smooth, hold, enter, share))
    for place in track(places, "Trying settings"):
        chosen = _settings(settings, axes, place)
        told = announce(record.looks, Rules.of(chosen, classifier), classifier.labels)
        trials[place] = Trial(chosen, score(told, truth))
    return Tuning(trials[_choose(trials, _nearest_place(axes, settings))], _curve(trials))


def as_text(tuning: Tuning) -> str:
    """The curve as a table, and the lines to paste into the configuration."""
    rows = "\n".join(_row(trial) for trial in _some(tuning.curve))
    return (
        f"\n{'false/h':>9}{'recall':>9}{'precision':>11}{'delay':>9}   settings\n{rows}\n\n"
        f"proposed: {score_as_text(tuning.proposed.score)}\n\n"
        f"{as_toml(tuning.proposed.settings)}\n\n{WARNING}"
    )


def as_toml(settings: DecisionSettings) -> str:
    """Section `[decision]` of the configuration; what the model file knows is left out."""
    keys = {key: getattr(settings, key) for key in ("smooth_s", "hold_s", "enter", "leave")}
    lines = [f"{key} = {value!r}" for key, value in keys.items() if value is not None]
    return "\n".join(["[decision]", *lines])


def _axes(settings: DecisionSettings, classifier: Classifier) -> tuple[tuple[Any, ...], ...]:
    """What is tried: the usual steps and what is set now, in order; None is the model file's."""
    own = Rules.of(replace(settings, enter=None, leave=None, label={}), classifier).enter
    believable = [limit for limit in own if limit <= 1] or [1.0]
    middle = sum(believable) / len(believable)
    enters = {None, settings.enter, *_ENTER}
    return (
        tuple(sorted({settings.smooth_s, *_SMOOTH_S})),
        tuple(sorted({settings.hold_s, *_HOLD_S})),
        tuple(sorted(enters, key=lambda enter: middle if enter is None else enter)),
        _LEAVE_SHARES,
    )


def _settings(
    settings: DecisionSettings, axes: tuple[tuple[Any, ...], ...], place: _Place
) -> DecisionSettings:
    smooth_s, hold_s, enter, share = (axis[i] for axis, i in zip(axes, place, strict=True))
    # Of thresholds that differ from class to class, only the usual share can be taken.
    leave = None if enter is None or share == LEAVE_SHARE else round(enter * share, 3)
    return replace(settings, smooth_s=smooth_s, hold_s=hold_s, enter=enter, leave=leave)


def _nearest_place(axes: tuple[tuple[Any, ...], ...], settings: DecisionSettings) -> _Place:
    smooth, hold, enter, share = axes
    return (
        smooth.index(settings.smooth_s),
        hold.index(settings.hold_s),
        enter.index(settings.enter),
        share.index(LEAVE_SHARE),
    )


def _choose(trials: dict[_Place, Trial], now: _Place) -> _Place:
    """Of the best: whose worst neighbour is best, then the quickest, then the nearest to `now`."""
    best = max(trial.f1 for trial in trials.values())

    def merit(place: _Place) -> tuple[float, float, int]:
        worst = min(trials[near].f1 for near in _around(place) if near in trials)
        steps = sum(abs(a - b) for a, b in zip(place, now, strict=True))
        return round(worst, 2), -round(trials[place].delay_s, 1), -steps

    return max((at for at, trial in trials.items() if trial.f1 >= best - _AS_GOOD), key=merit)


def _around(place: _Place) -> Iterator[_Place]:
    """The place and those one step from it."""
    yield place
    for axis, step in itertools.product(range(len(place)), (-1, 1)):
        a, b, c, d = (at + step * (i == axis) for i, at in enumerate(place))
        yield a, b, c, d


def _curve(trials: dict[_Place, Trial]) -> tuple[Trial, ...]:
    """The trials that no other beats, one for each trade-off."""
    found: dict[tuple[float, float, float], Trial] = {}
    for trial in trials.values():
        if trial.score.n_found:
            found.setdefault(_costs(trial), trial)
    best = [
        costs
        for costs in found
        if not any(
            other != costs and all(a <= b for a, b in zip(other, costs, strict=True))
            for other in found
        )
    ]
    return tuple(found[costs] for costs in sorted(best, key=lambda costs: costs[2]))


def _costs(trial: Trial) -> tuple[float, float, float]:
    return trial.score.false_per_hour, -trial.score.recall, trial.delay_s


def _some(curve: tuple[Trial, ...]) -> list[Trial]:
    """At most as many as can be looked at, the ends among them."""
    if len(curve) <= _ROWS:
        return list(curve)
    return [curve[round(i * (len(curve) - 1) / (_ROWS - 1))] for i in range(_ROWS)]


def _row(trial: Trial) -> str:
    found, chosen = trial.score, trial.settings
    text = (
        f"{found.false_per_hour:9.1f}{found.recall:9.1%}{found.precision:11.1%}"
        f"{trial.delay_s:8.2f}s   smooth {chosen.smooth_s:g} s, hold {chosen.hold_s:g} s"
    )
    if chosen.enter is None:
        return f"{text}, the model's thresholds"
    leave = "" if chosen.leave is None else f", leave {chosen.leave:g}"
    return f"{text}, enter {chosen.enter:g}{leave}"
