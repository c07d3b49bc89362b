"""How fast the loop looks."""

import threading

import numpy as np

from galago.edge.vitals.pulse import LE_S, Pulse

NS = 1_000_000_000
MS = 1_000_000


class Clock:
    """A monotonic clock that goes on when told to."""

    def __init__(self) -> None:
        self.ns = 1_000 * NS

    def __call__(self) -> int:
        return self.ns


def look(
    pulse: Pulse, clock: Clock, rate: float, seconds: float, latency_ns: int = 20 * MS
) -> None:
    """Beat for so long, at so many pictures per second."""
    for _ in range(round(rate * seconds)):
        clock.ns += round(NS / rate)
        pulse.beat(clock.ns - latency_ns)


def test_the_histogram_counts_as_prometheus_does() -> None:
    """A bucket holds all that took at most so long; what took longer is in the count alone."""
    clock = Clock()
    pulse = Pulse(clock)
    for ms in (0.2, 0.5, 0.6, 5, 24, 9_999, 10_000, 10_001, 60_000):
        pulse.beat(clock.ns - round(ms * MS))
    latency = pulse.latency()
    at_most = dict(zip(latency["le_s"], latency["counts"], strict=True))
    assert tuple(at_most) == LE_S
    assert (at_most[0.0005], at_most[0.001], at_most[0.0025]) == (2, 3, 3)
    assert (at_most[0.005], at_most[0.01], at_most[0.025]) == (4, 4, 5)
    assert (at_most[5.0], at_most[10.0], latency["count"]) == (5, 7, 9)
    assert latency["sum_s"] == sum((0.2, 0.5, 0.6, 5, 24, 9_999, 10_000, 10_001, 60_000)) / 1000
    assert pulse.frames == 9


def test_the_last_minute_forgets_what_was_before() -> None:
    """Rate and quantiles are of now, the histogram of all the time."""
    clock = Clock()
    pulse = Pulse(clock)
    look(pulse, clock, rate=2, seconds=100, latency_ns=400 * MS)
    look(pulse, clock, rate=10, seconds=65, latency_ns=20 * MS)
    minute = pulse.last_minute()
    assert abs(minute.rate - 10) < 0.2
    assert abs(minute.p99_ms - 20) < 1.2
    assert pulse.latency()["count"] == 850


def test_a_camera_that_stops_is_seen_in_the_rate() -> None:
    """Half a minute without pictures halves it; after a minute there is none."""
    clock = Clock()
    pulse = Pulse(clock)
    look(pulse, clock, rate=10, seconds=65)
    clock.ns += 30 * NS
    assert abs(pulse.last_minute().rate - 5) < 0.6
    clock.ns += 31 * NS
    assert pulse.last_minute() == (0, 0, 0)


def test_the_first_seconds_are_told_of_as_they_are() -> None:
    """The rate is over the time since the start, and never over less than a second."""
    clock = Clock()
    pulse = Pulse(clock)
    assert pulse.last_minute() == (0, 0, 0)
    look(pulse, clock, rate=10, seconds=0.1)
    assert pulse.last_minute().rate == 1
    look(pulse, clock, rate=10, seconds=5)
    assert abs(pulse.last_minute().rate - 10) < 0.01


def test_quantiles_are_near_the_true_ones() -> None:
    """Within six per cent, whatever the latencies: so fine are the buckets."""
    random = np.random.default_rng(7)
    for median_ms in (1, 8, 30, 200):
        clock = Clock()
        pulse = Pulse(clock)
        latencies = random.lognormal(np.log(median_ms), 0.4, 5000)
        for ms in latencies:
            pulse.beat(clock.ns - round(ms * MS))
        minute = pulse.last_minute()
        for told, share in ((minute.p50_ms, 0.5), (minute.p99_ms, 0.99)):
            true = float(np.quantile(latencies, share))
            assert abs(told / true - 1) < 0.06, (median_ms, share)


def test_a_recording_from_the_future_takes_no_time() -> None:
    """Read faster than it was made, its pictures are younger than now."""
    clock = Clock()
    pulse = Pulse(clock)
    pulse.beat(clock.ns + 5 * NS)
    assert (pulse.latency()["sum_s"], pulse.latency()["counts"][0]) == (0, 1)


def test_others_may_read_while_the_loop_beats() -> None:
    """Counts only grow, and each histogram fits itself."""
    pulse = Pulse()
    done = threading.Event()

    def beat() -> None:
        for number in range(60_000):
            pulse.beat(number)
        done.set()

    thread = threading.Thread(target=beat)
    thread.start()
    before = 0
    while not done.is_set():
        latency = pulse.latency()
        assert sorted(latency["counts"]) == latency["counts"]
        assert before <= latency["count"] >= latency["counts"][-1]
        before = latency["count"]
        pulse.last_minute()
    thread.join(5)
    assert pulse.latency()["count"] == pulse.frames == 60_000
