"""From scores to a label that does not flicker."""

import numpy as np
import pytest

from galago.bundle.classifier import Scores
from galago.edge.decision import UNKNOWN, Decision, DecisionSettings, decide
from galago.edge.rules import Rules

SETTINGS = Rules.resolve(
    DecisionSettings(smooth_s=0.4, hold_s=0, enter=0.6, leave=0.35), ("cat", "dog")
)
THREE = Rules.resolve(
    DecisionSettings(smooth_s=0.4, hold_s=0, enter=0.6, leave=0.35), ("cat", "dog", "fox")
)
CAT, DOG = np.array([0.95, 0.05], np.float32), np.array([0.05, 0.95], np.float32)


def watch(rows: list[Scores], fps: float, start: Decision | None = None) -> list[Decision]:
    """Decisions over `rows` of scores that come `fps` times a second."""
    decisions: list[Decision] = []
    state = start
    start_ns = 0 if start is None else start.time_ns + round(1e9 / fps)
    for number, scores in enumerate(rows):
        state = decide(state, scores, start_ns + round(number * 1e9 / fps), SETTINGS)
        decisions.append(state)
    return decisions


def test_a_clear_first_frame_is_believed() -> None:
    """There is nothing to smooth it with."""
    assert decide(None, CAT, 0, SETTINGS).label == 0


def test_an_unclear_first_frame_is_unknown() -> None:
    """Half and half is no answer."""
    assert decide(None, np.array([0.5, 0.5], np.float32), 0, SETTINGS).label == UNKNOWN


def test_one_wrong_frame_changes_nothing() -> None:
    """A single outlier at fifteen frames a second is smoothed away."""
    decisions = watch([CAT] * 10 + [DOG] + [CAT] * 10, fps=15)
    assert {decision.label for decision in decisions} == {0}


@pytest.mark.parametrize("fps", [5, 15, 60, 240])
def test_a_change_takes_the_same_time_at_every_frame_rate(fps: int) -> None:
    """Smoothing is over time: about a smoothing time after the change the new label is there."""
    before = watch([CAT] * fps, fps)[-1]
    after = watch([DOG] * (2 * fps), fps, before)
    changed = next(decision for decision in after if decision.label == 1)
    assert (changed.since_ns - before.time_ns) / 1e9 == pytest.approx(0.4, abs=0.1 + 1 / fps)


def test_a_label_is_kept_between_leaving_and_entering() -> None:
    """Scores that waver in the middle neither take up nor give up a label."""
    wavering = [
        np.array([0.45 + 0.1 * (n % 2), 0.55 - 0.1 * (n % 2)], np.float32) for n in range(99)
    ]
    cat, dog = watch([CAT], 15)[-1], watch([DOG], 15)[-1]
    assert {decision.label for decision in watch(wavering, 15, cat)} == {0}
    assert {decision.label for decision in watch(wavering, 15, dog)} == {1}


def test_a_label_without_support_becomes_unknown() -> None:
    """With three classes none may be likely."""
    first = decide(None, np.array([0.9, 0.05, 0.05], np.float32), 0, THREE)
    even = np.array([0.34, 0.33, 0.33], np.float32)
    later = decide(first, even, 5_000_000_000, THREE)
    assert later.label == UNKNOWN
    assert later.score == pytest.approx(0.34, abs=0.01)


def test_since_is_the_time_of_the_change() -> None:
    """It stays while the label stays."""
    decisions = watch([CAT] * 5, fps=10)
    assert [decision.since_ns for decision in decisions] == [0] * 5


def test_the_state_before_is_not_touched() -> None:
    """A pure function: the former decision's scores are as they were."""
    first = decide(None, CAT, 0, SETTINGS)
    decide(first, DOG, 10**9, SETTINGS)
    assert np.array_equal(first.scores, CAT)


def test_no_smoothing_follows_every_frame() -> None:
    """A smoothing time of zero is allowed and means none."""
    settings = Rules.resolve(DecisionSettings(smooth_s=0, hold_s=0), ("cat", "dog"))
    first = decide(None, CAT, 0, settings)
    assert decide(first, DOG, 1, settings).label == 1
