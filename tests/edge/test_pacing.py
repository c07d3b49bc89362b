"""How fast the loop may go."""

import threading
import time

import pytest

from galago.edge.pacing import Pacer, Pacing


def burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_free_is_free() -> None:
    """Nothing is waited for."""
    assert Pacing().is_free
    assert not Pacing(rate=1).is_free
    assert not Pacing(max_cpu=1).is_free


def test_lost_time_is_not_made_up_for() -> None:
    """After a long look the next ones come at their distance, not in a burst."""
    pacer, stop = Pacer(Pacing(rate=20)), threading.Event()
    pacer.wait(stop)
    time.sleep(0.3)
    start = time.monotonic()
    for _ in range(4):
        pacer.wait(stop)
    assert time.monotonic() - start >= 0.14


def test_a_share_of_a_core_is_kept() -> None:
    """Over some rounds the process works for that share of the time at most."""
    pacer, stop = Pacer(Pacing(max_cpu=0.25)), threading.Event()
    wall, cpu = time.monotonic(), time.process_time()
    for _ in range(5):
        burn(0.03)
        pacer.wait(stop)
    share = (time.process_time() - cpu) / (time.monotonic() - wall)
    assert share <= 0.3


@pytest.mark.parametrize("pacing", [Pacing(rate=0.01), Pacing(max_cpu=0.01)])
def test_a_stop_ends_a_pause(pacing: Pacing) -> None:
    """At once."""
    pacer, stop = Pacer(pacing), threading.Event()
    pacer.wait(stop)
    burn(0.05)
    stop.set()
    start = time.monotonic()
    pacer.wait(stop)
    assert time.monotonic() - start < 2
