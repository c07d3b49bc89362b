"""How fast the loop looks: pictures counted, and the time from capture to decision.

- A beat costs the loop less than a microsecond and allocates nothing (bench/vitals.py).
- Intervals are monotonic: a clock that jumps changes no figure.
- One thread beats, any may read.

    pulse.beat(frame.time_ns)      # the loop, once a picture, when it has decided
    pulse.last_minute().p99_ms
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from itertools import accumulate, pairwise
from time import monotonic_ns
from typing import NamedTuple

from galago.edge.vitals.document import Latency

# Prometheus' own default buckets (client_golang, DefBuckets), and three below: small models on a
# Pi 5 are done within five milliseconds.
LE_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_NS = 1_000_000_000
_FINER = 16  # to a bucket of Prometheus': a quantile is then within three per cent
_SLOT_NS = 5 * _NS
_SLOTS = 12  # a minute


def _bounds_ns() -> list[int]:
    steps = [
        round(_NS * low * (high / low) ** (step / _FINER))
        for low, high in pairwise(LE_S)
        for step in range(_FINER)
    ]
    return [*steps, round(_NS * LE_S[-1])]


_BOUNDS_NS = _bounds_ns()  # every sixteenth is one of LE_S


class LastMinute(NamedTuple):
    """`rate`: pictures per second; the quantiles 0 where there was no picture."""

    rate: float
    p50_ms: float
    p99_ms: float


class Pulse:
    """Counts since it was made, and over the last minute; `clock`: monotonic nanoseconds."""

    def __init__(self, clock: Callable[[], int] = monotonic_ns) -> None:
        self.frames = 0
        self.started_ns = clock()
        self._clock = clock
        self._counts = [0] * (len(_BOUNDS_NS) + 1)  # the last: longer than ten seconds
        self._sum_ns = 0
        self._slot, self._slot_until_ns = [*self._counts], 0
        self._slots: deque[tuple[int, list[int]]] = deque(maxlen=_SLOTS)

    def beat(self, frame_time_ns: int) -> None:
        """Count a picture that has just been decided on; when it was taken, monotonic.

        A recording that is read faster than it was made has its pictures in the future: no time.
        """
        now_ns = self._clock()
        if now_ns >= self._slot_until_ns:
            self._turn(now_ns)
        latency_ns = now_ns - frame_time_ns
        if latency_ns < 0:  # noqa: PLR1730 - `max` takes a quarter longer over all of it
            latency_ns = 0
        index = bisect_left(_BOUNDS_NS, latency_ns)
        self._counts[index] += 1
        self._slot[index] += 1
        self._sum_ns += latency_ns
        self.frames += 1

    def latency(self) -> Latency:
        """Since the start, for Prometheus."""
        counts = list(self._counts)
        at_most = list(accumulate(counts))
        return Latency(
            le_s=list(LE_S), counts=at_most[::_FINER], sum_s=self._sum_ns / _NS, count=at_most[-1]
        )

    def last_minute(self) -> LastMinute:
        """The last 55 to 60 seconds, or as long as there was."""
        now_ns = self._clock()
        begin_ns = max((now_ns // _SLOT_NS - _SLOTS + 1) * _SLOT_NS, self.started_ns)
        slots = [counts for start_ns, counts in list(self._slots) if start_ns + _SLOT_NS > begin_ns]
        counts = [sum(column) for column in zip(*slots, strict=True)]
        seconds = max((now_ns - begin_ns) / _NS, 1.0)
        return LastMinute(
            sum(counts) / seconds, _quantile_ms(counts, 0.5), _quantile_ms(counts, 0.99)
        )

    def _turn(self, now_ns: int) -> None:
        """Begin another slot of five seconds."""
        start_ns = now_ns // _SLOT_NS * _SLOT_NS
        self._slot, self._slot_until_ns = [0] * len(self._counts), start_ns + _SLOT_NS
        self._slots.append((start_ns, self._slot))


def _quantile_ms(counts: list[int], share: float) -> float:
    """From counts by bucket, (buckets,), to milliseconds; ten seconds stand for all beyond."""
    total = sum(counts)
    if not total:
        return 0.0
    rank = share * total
    at_most = list(accumulate(counts))
    index = bisect_left(at_most, rank)
    if index == len(_BOUNDS_NS):
        return LE_S[-1] * 1000
    low, high = (_BOUNDS_NS[index - 1] if index else 0), _BOUNDS_NS[index]
    inside = (rank - (at_most[index] - counts[index])) / counts[index]
    return round((low + (high - low) * inside) / 1e6, 3)
