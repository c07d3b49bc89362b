"""systemd's watchdog: fed by progress alone."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from galago.edge.service import watchdog as module
from galago.edge.service.notify import Notifier
from galago.edge.service.watchdog import Watchdog
from tests.service.test_notify import Listener

ALLOWED_S = 0.2  # what systemd would allow; a sign is due in a quarter of it


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """systemd, which wants a sign of life in ALLOWED_S."""
    listener = Listener(str(tmp_path / "notify"))
    listener.environment["WATCHDOG_USEC"] = str(round(ALLOWED_S * 1e6))
    yield listener
    listener.close()


def of(listener: Listener, **settings: float) -> Watchdog:
    return Watchdog(Notifier(listener.environment), environment=listener.environment, **settings)


def test_frames_are_told_four_times_in_the_time_allowed(listener: Listener) -> None:
    """Many frames, few messages: the rest costs a look at the clock."""
    watchdog = of(listener)
    began = time.monotonic()
    for _ in range(100):
        watchdog.beat()
        time.sleep(0.004)
    took = time.monotonic() - began
    assert 4 <= len(listener.heard()) <= 1 + took / (ALLOWED_S / 4)


def test_a_loop_that_hangs_is_silent(listener: Listener) -> None:
    """Nothing but frames feeds it: no thread, no timer."""
    watchdog = of(listener)
    watchdog.beat()
    time.sleep(2 * ALLOWED_S)
    assert len(listener.heard()) == 1


def test_waiting_is_excused_for_a_bounded_time(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The camera's patience, twice, and what opening takes; after that not even calls help."""
    monkeypatch.setattr(module, "OPENING_S", 0.2)
    watchdog = of(listener, patience_s=0.1, pause_s=0.1)
    began = time.monotonic()
    heard = []
    while time.monotonic() - began < 1.2:
        watchdog.waiting()
        time.sleep(0.005)
        heard += [time.monotonic() - began for _ in listener.heard()]
    assert len(heard) >= 4
    assert heard[-1] < 0.6
    watchdog.beat()
    time.sleep(ALLOWED_S / 4)
    watchdog.waiting()
    assert len(listener.heard()) == 2  # a frame came: the next wait has its own time


def test_a_sign_that_found_no_room_is_told_with_the_next_frame(listener: Listener) -> None:
    """Not a quarter of the time later."""
    notifier = Notifier(listener.environment)
    watchdog = Watchdog(notifier, environment=listener.environment)
    while notifier.alive():
        pass
    watchdog.beat()
    assert "WATCHDOG=1\n" in listener.heard()
    watchdog.beat()
    assert len(listener.heard()) == 1


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": ""},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "-1"},
        {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},
    ],
)
def test_who_is_not_watched_says_nothing(tmp_path: Path, environment: dict[str, str]) -> None:
    """No interval, a wrong one, or another process's."""
    listener = Listener(str(tmp_path / "notify"))
    watchdog = Watchdog(Notifier(listener.environment), environment=environment)
    assert not watchdog.is_on
    watchdog.beat()
    watchdog.waiting()
    assert listener.heard() == []
    listener.close()


def test_the_process_meant_is_this_one(listener: Listener) -> None:
    """Systemd names it."""
    listener.environment["WATCHDOG_PID"] = str(os.getpid())
    assert of(listener).is_on
