"""The minute table's rows, collected sample by sample."""

from collections import defaultdict
from collections.abc import Callable
from typing import TypeAlias

from galago.edge.record import Minute
from galago.edge.vitals.sources import Sources

Label: TypeAlias = tuple[str | None, str]  # region, None for the whole picture; label

_NS = 1_000_000_000


class Minutes:
    """Collects a minute, and hands it over.

    Minutes end where the wall clock's do, 30 to 90 seconds after each other: two never have the
    same name for a process that wakes a little early once.
    """

    def __init__(self, sources: Sources, put: Callable[[Minute], None]) -> None:
        self._sources, self._put = sources, put
        self._end_ns: int | None = None
        self._seconds: defaultdict[Label, float] = defaultdict(float)
        self._changed: list[str] = []  # others append; a list may grow while it is read
        self._frames = self._dropped = 0
        sources.health.listen(lambda change: self._changed.append(change.state.name))

    def add(self, seen: dict[Label, float]) -> None:
        """What a sample has found."""
        for what, seconds in seen.items():
            self._seconds[what] += seconds

    def is_over(self, now_ns: int, utc_s: float) -> bool:
        """Whether the minute has ended; then the next begins."""
        is_over = self._end_ns is not None and now_ns >= self._end_ns
        if self._end_ns is None or is_over:
            left_s = 60 - utc_s % 60
            self._end_ns = now_ns + round((left_s if left_s >= 30 else left_s + 60) * _NS)
        return is_over

    def end(self, utc_s: float) -> None:
        """Hand over the minute that has ended about now, and begin another.

        Raises:
            Exception: as the parts that are asked.
        """
        frames, dropped = self._sources.pulse.frames, self._sources.dropped()
        pulse, machine = self._sources.pulse.last_minute(), self._sources.sensors.read()
        # Nothing fails from here on: a minute that could not be had is part of the next.
        changed, self._changed = self._changed, []
        seconds, self._seconds = self._seconds, defaultdict(float)
        minute = Minute(
            minute=round(utc_s / 60) - 1,
            frames=frames - self._frames,
            dropped=max(dropped - self._dropped, 0),
            p50_us=round(pulse.p50_ms * 1000),
            p99_us=round(pulse.p99_ms * 1000),
            celsius=machine["celsius"],
            health=tuple(sorted({*changed, *self._sources.health.states})),
            seconds={what: round(s, 3) for what, s in seconds.items()},
        )
        self._frames, self._dropped = frames, dropped
        self._put(minute)
