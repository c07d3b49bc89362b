"""Whether a camera sees its classes about as often as it was taught them.

- Far is what is far in time and in visits: a feeder is empty nearly all day, and every visit ends
  with an empty feeder; a model that knows nothing here any more stays with one answer.
- The distance is total variation, half the sum of the differences of the shares, 0 to 1.
- The last day counts, by hours of the monotonic clock, once there are enough of them.
- A model that does not say what it was taught is not judged.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

HOURS = 24
ENOUGH_HOURS = 12  # of both day and night
UNKNOWN = "unknown"

_HOUR_NS = 3600 * 1_000_000_000
_CLOSER = 0.9  # of the limit, where the state is over


class _Hour(NamedTuple):
    seconds: Counter[str]
    visits: Counter[str]


class Drift:
    """What was seen in the last day, by label, over all regions; for one thread."""

    def __init__(self) -> None:
        self._hours: dict[int, _Hour] = {}
        self._told = False

    def add(self, label: str, now_ns: int, seconds: float = 0.0, visits: int = 0) -> None:
        """Count that a label was seen for so long, and how often it came anew."""
        key = now_ns // _HOUR_NS
        if key not in self._hours:
            self._hours = {k: hour for k, hour in self._hours.items() if k > key - HOURS}
            self._hours[key] = _Hour(Counter(), Counter())
        self._hours[key].seconds[label] += seconds  # type: ignore[assignment]
        self._hours[key].visits[label] += visits

    def recall(
        self,
        seconds: Iterable[tuple[float, str, float]],
        visits: Iterable[tuple[float, str]],
        now_ns: int,
    ) -> None:
        """Take up what a process before this one has seen.

        `seconds`: (hours ago, label, seconds); `visits`: (hours ago, label).
        """
        for ago, label, duration in seconds:
            if 0 <= ago < HOURS:
                self.add(label, now_ns - round(ago * _HOUR_NS), seconds=duration)
        for ago, label in visits:
            if 0 <= ago < HOURS:
                self.add(label, now_ns - round(ago * _HOUR_NS), visits=1)

    def look(self, taught: Mapping[str, int], limit: float, now_ns: int) -> str | None:
        """Why it is too far from `taught`, training pictures by label; None: it is not."""
        oldest = now_ns // _HOUR_NS - HOURS
        hours = [hour for key, hour in self._hours.items() if key > oldest]
        expected = _shares(taught, taught)
        if len(hours) < ENOUGH_HOURS or not expected:
            self._told = False
            return None
        time = _shares(_sum(hour.seconds for hour in hours), (*expected, UNKNOWN))
        came = _shares(_sum(hour.visits for hour in hours), expected)
        far = min(_distance(time, expected), _distance(came, expected))
        self._told = far > limit * (_CLOSER if self._told else 1)
        return _worded(time, expected) if self._told else None


def _sum(counters: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return total


def _shares(counts: Mapping[str, float], labels: Iterable[str]) -> dict[str, float]:
    """By label, sum 1; empty where nothing was counted."""
    known = {label: counts.get(label, 0) for label in labels}
    total = sum(known.values())
    return {label: count / total for label, count in known.items()} if total else {}


def _distance(shares: Mapping[str, float], others: Mapping[str, float]) -> float:
    """Total variation; 1 where there are no shares."""
    if not shares:
        return 1.0
    labels = shares.keys() | others.keys()
    return sum(abs(shares.get(label, 0) - others.get(label, 0)) for label in labels) / 2


def _worded(time: Mapping[str, float], expected: Mapping[str, float]) -> str:
    if not time:
        return "nothing that the model was taught has been seen for a day"

    def more(label: str) -> float:
        return time[label] - expected.get(label, 0)

    def told(label: str) -> str:
        return f'"{label}" {time[label]:.0%} ({expected.get(label, 0):.0%})'

    return (
        "the classes of the last day are far from those of the training pictures (in brackets): "
        f"too much {told(max(time, key=more))}, too little {told(min(time, key=more))}"
    )
