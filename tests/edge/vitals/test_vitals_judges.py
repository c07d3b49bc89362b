"""When a figure is worth a complaint."""

import os
from pathlib import Path

import pytest

from galago.edge.vitals.document import StoreFacts
from galago.edge.vitals.judges import (
    THROTTLED_HOLD_S,
    UNDERVOLTAGE_HOLD_S,
    UNSYNCHRONISED_AFTER_S,
    Clock,
    Disk,
    Hot,
    Throttled,
    Undervoltage,
    quiet,
    slow,
    stuck,
)

NS = 1_000_000_000
HOUR_NS = 3600 * NS


def test_a_machine_that_swings_about_the_limit_is_hot_once() -> None:
    """It is over when it is clearly cooler."""
    hot = Hot()
    told = [hot.look(celsius, 80) is not None for celsius in (79, 80, 79, 81, 76, 75, 74.9, 79)]
    assert told == [False, True, True, True, True, True, False, False]
    assert hot.look(83.4, 80) == "83 °C, the limit is 80 °C"


def test_a_machine_without_a_thermometer_is_not_hot() -> None:
    """Nor one whose thermometer has gone."""
    hot = Hot()
    hot.look(90, 80)
    assert hot.look(None, 80) is None


def test_a_dip_of_the_voltage_between_two_looks_is_told() -> None:
    """It is seen by what the firmware remembers; an hour later it is over."""
    judge = Undervoltage()
    assert judge.look((), 0) is None
    assert judge.look(("undervoltage since boot",), 5 * NS) is not None
    assert judge.look(("undervoltage since boot",), 10 * NS) is not None
    over = round((5 + UNDERVOLTAGE_HOLD_S) * NS)
    assert judge.look(("undervoltage since boot",), over - 1) is not None
    assert judge.look(("undervoltage since boot",), over) is None


def test_a_dip_before_the_start_is_no_state() -> None:
    """It would last until the next boot; the document has it."""
    judge = Undervoltage()
    assert judge.look(("undervoltage since boot",), 0) is None
    assert judge.look(("undervoltage now", "undervoltage since boot"), NS) is not None


def test_a_supply_that_is_always_weak_is_one_state() -> None:
    """Dips that come and go are one, until an hour without."""
    judge = Undervoltage()
    assert all(
        judge.look(("undervoltage now",) if minute % 30 == 0 else (), minute * 60 * NS)
        for minute in range(300)
    )


def test_a_processor_that_is_held_back_is_told_with_why() -> None:
    """Also for some minutes after; what was since boot does not count, nor the voltage itself."""
    judge = Throttled()
    assert judge.look(("throttled since boot", "undervoltage now"), 0) is None
    cause = judge.look(("frequency capped now", "throttled now", "throttled since boot"), NS)
    assert cause == "the processor is held back: frequency capped now, throttled now"
    assert judge.look((), 2 * NS) == cause
    assert judge.look((), NS + round(THROTTLED_HOLD_S * NS)) is None
    assert judge.look(None, 0) is None


def test_a_clock_may_be_late_for_some_minutes() -> None:
    """A Pi starts without the time; one that never has it is told of, once it has lasted."""
    clock = Clock()
    late_ns = round(UNSYNCHRONISED_AFTER_S * NS)
    assert clock.look(synchronised=False, now_ns=0) is None
    assert clock.look(synchronised=False, now_ns=late_ns - 1) is None
    assert clock.look(synchronised=False, now_ns=late_ns) is not None
    assert clock.look(synchronised=True, now_ns=late_ns + 1) is None
    assert clock.look(synchronised=False, now_ns=2 * late_ns) is None
    assert clock.look(synchronised=None, now_ns=9 * late_ns) is None


def test_a_disk_that_does_not_answer_is_told() -> None:
    """It neither writes nor fails, and nobody else would notice."""
    facts = StoreFacts(
        events=70,
        pending=12,
        lost=0,
        snapshots=0,
        snapshots_mb=0.0,
        keep_mb=1,
        disk_free_mb=1.0,
        busy_s=9.0,
    )
    assert stuck(None) is None
    assert stuck(facts) is None
    facts["busy_s"] = 31.4
    assert stuck(facts) == "the disk has not answered for 31 s, 12 events wait"


def test_a_disk_is_full_below_what_others_are_left(tmp_path: Path) -> None:
    """Over again only when all of it is free; a folder that is not there yet is on its disk."""
    disk = os.statvfs(tmp_path)
    free_mb = disk.f_bavail * disk.f_frsize / 1e6
    judge = Disk(tmp_path / "not" / "yet", keep_free_mb=free_mb / 2)
    assert judge.look() is None
    judge.keep_free_mb = 1.1 * free_mb  # pictures go only when new ones come
    assert judge.look() is None
    judge.keep_free_mb = 2 * free_mb
    assert "MB of the disk are free" in (judge.look() or "")
    judge.keep_free_mb = 1.1 * free_mb
    assert judge.look() is not None
    judge.keep_free_mb = free_mb / 2
    assert judge.look() is None


@pytest.mark.parametrize(
    ("rate", "least", "told"),
    [(5.0, None, False), (5.0, 5.0, False), (4.99, 5.0, True), (0.0, 0.001, True)],
)
def test_a_rate_is_slow_below_what_is_wanted(rate: float, least: float | None, told: bool) -> None:
    """If anything is wanted."""
    assert (slow(rate, least) is not None) == told


def test_silence_is_told_from_the_hour_on_that_was_set() -> None:
    """And how long it lasts."""
    assert quiet(0, 900 * HOUR_NS, None) is None
    assert quiet(0, 24 * HOUR_NS - 1, 24) is None
    assert quiet(0, 24 * HOUR_NS, 24) == "no event for 24 hours"
    assert quiet(0, 2 * HOUR_NS, 1.5) == "no event for 2.0 hours"
