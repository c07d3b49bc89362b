"""Whether a camera sees its classes about as often as it was taught them."""

import pytest

from galago.edge.vitals.drift import ENOUGH_HOURS, Drift

NS = 1_000_000_000
HOUR_NS = 3600 * NS
FEEDER = {"bird": 390, "empty": 410, "squirrel": 370}
START_NS = 10_000 * HOUR_NS


def day(drift: Drift, hour: dict[str, tuple[float, int]], hours: int, first: int = 0) -> int:
    """So many hours alike: seconds and visits by label; returns when they are over."""
    for number in range(first, first + hours):
        for label, (seconds, visits) in hour.items():
            drift.add(label, START_NS + number * HOUR_NS, seconds, visits)
    return START_NS + (first + hours) * HOUR_NS - 1


def test_a_feeder_that_is_empty_most_of_the_day_is_as_taught() -> None:
    """Far in time, near in visits: each visit ends with an empty feeder."""
    drift = Drift()
    now = day(drift, {"empty": (3500, 10), "bird": (70, 6), "squirrel": (30, 4)}, 24)
    assert drift.look(FEEDER, 0.5, now) is None


def test_a_model_that_has_one_answer_is_told_with_what_is_too_much() -> None:
    """And what is missing, by how much."""
    drift = Drift()
    drift.add("squirrel", START_NS, visits=1)
    now = day(drift, {"squirrel": (3600, 0)}, 24)
    cause = drift.look(FEEDER, 0.5, now) or ""
    assert 'too much "squirrel" 100% (32%)' in cause
    assert 'too little "empty" 0% (35%)' in cause


def test_a_model_that_is_sure_of_nothing_has_drifted() -> None:
    """Unknown was in no training picture."""
    drift = Drift()
    now = day(drift, {"unknown": (3600, 0)}, 24)
    assert 'too much "unknown" 100% (0%)' in (drift.look(FEEDER, 0.5, now) or "")


def test_unknown_between_two_labels_is_no_visit_of_its_own() -> None:
    """It comes with every change, and is short."""
    drift = Drift()
    hour = {
        "empty": (3000.0, 10),
        "bird": (300.0, 6),
        "squirrel": (200.0, 4),
        "unknown": (100.0, 0),
    }
    assert drift.look(FEEDER, 0.5, day(drift, hour, 24)) is None


def test_half_a_day_is_needed() -> None:
    """A night alone says nothing."""
    drift = Drift()
    now = day(drift, {"squirrel": (3600, 1)}, ENOUGH_HOURS - 1)
    assert drift.look(FEEDER, 0.5, now) is None
    now = day(drift, {"squirrel": (3600, 1)}, 1, first=ENOUGH_HOURS - 1)
    assert drift.look(FEEDER, 0.5, now) is not None


def test_a_day_later_it_is_forgotten() -> None:
    """The last day counts, and no more is kept."""
    drift = Drift()
    day(drift, {"squirrel": (3600, 1)}, 24)
    hour = {"empty": (1200.0, 2), "bird": (1200.0, 1), "squirrel": (1200.0, 1)}
    now = day(drift, hour, 24, first=24)
    assert drift.look(FEEDER, 0.2, now) is None
    assert len(drift._hours) == 24


def test_a_camera_that_has_seen_nothing_for_a_day_is_not_judged() -> None:
    """What it saw before that is no news."""
    drift = Drift()
    now = day(drift, {"squirrel": (3600, 1)}, 24)
    assert drift.look(FEEDER, 0.5, now) is not None
    assert drift.look(FEEDER, 0.5, now + 12 * HOUR_NS) is not None
    assert drift.look(FEEDER, 0.5, now + 24 * HOUR_NS) is None


def test_it_is_over_when_it_is_clearly_nearer() -> None:
    """Shares that swing about the limit are one state."""
    two = {"cat": 1, "dog": 1}
    drift = Drift()
    now = day(drift, {"cat": (900, 9), "dog": (100, 1)}, 24)  # 0.4 away
    assert drift.look(two, 0.41, now) is None
    assert drift.look(two, 0.39, now) is not None
    assert drift.look(two, 0.41, now) is not None
    assert drift.look(two, 0.45, now) is None


@pytest.mark.parametrize("taught", [{}, {"bird": 0, "empty": 0}])
def test_a_model_that_does_not_say_what_it_was_taught_is_not_judged(taught: dict[str, int]) -> None:
    """One from elsewhere, taken over by galago adopt."""
    drift = Drift()
    assert drift.look(taught, 0.0, day(drift, {"bird": (3600, 1)}, 24)) is None


def test_labels_of_a_model_before_do_not_count() -> None:
    """They were other questions."""
    drift = Drift()
    hour = {"fox": (3000.0, 9), "bird": (200.0, 2), "empty": (200.0, 2), "squirrel": (200.0, 2)}
    assert drift.look(FEEDER, 0.1, day(drift, hour, 24)) is None


def test_a_limit_of_one_is_never_passed() -> None:
    """The way to switch it off."""
    drift = Drift()
    assert drift.look({"bird": 1, "empty": 1}, 1, day(drift, {"unknown": (3600, 0)}, 24)) is None


def test_what_a_process_before_has_seen_is_taken_up() -> None:
    """What is older than a day, or from a clock that was ahead, is not."""
    drift = Drift()
    seconds = [(hour + 0.5, "squirrel", 3600.0) for hour in range(-3, 40)]
    drift.recall(seconds, [(2.0, "squirrel"), (30.0, "bird"), (-1.0, "bird")], START_NS)
    assert 23 <= len(drift._hours) <= 24
    assert "squirrel" in (drift.look(FEEDER, 0.5, START_NS) or "")
