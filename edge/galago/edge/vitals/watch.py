"""A thread that judges the daemon and its machine, and writes down each minute.

- The loop is not touched: what is seen is sampled once a second from what it last decided, so
  the seconds of a label are right to about a second a visit.
- Every interval is monotonic; the wall clock only names the minutes. After a jump of it they are
  named anew, and one that comes twice replaces the first (galago.edge.store).
- A part that cannot be asked is told of as "vitals.failed"; the others are judged.

    with Watch(sources, config.health, Disk(folder, keep_free_mb), recorder.put_minute):
        ...
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Self

from galago.edge.record import Minute
from galago.edge.vitals.asking import Asking
from galago.edge.vitals.judges import (
    SLOW_AFTER_S,
    Clock,
    Disk,
    Held,
    Hot,
    Throttled,
    Undervoltage,
    quiet,
    slow,
    stuck,
)
from galago.edge.vitals.minutes import Label, Minutes
from galago.edge.vitals.recall import Seconds, Visits, recalled
from galago.edge.vitals.sampler import BLIND, Sampler
from galago.edge.vitals.settings import HealthSettings
from galago.edge.vitals.sources import Sources

FAILED = "vitals.failed"

_NS = 1_000_000_000
_SAMPLE_S = 1.0
_JUDGE_NS = 5 * _NS


class Watch:
    """Watches from `__enter__` to `__exit__`. `settings` may be replaced meanwhile.

    `put_minute` is called once a minute and must not wait.
    """

    def __init__(
        self,
        sources: Sources,
        settings: HealthSettings,
        disk: Disk | None = None,
        put_minute: Callable[[Minute], None] = lambda _minute: None,
    ) -> None:
        self.settings = settings
        self._sources, self._disk = sources, disk
        self._judges = _Judges(sources, disk)
        self._sampler = Sampler(sources)
        self._minutes = Minutes(sources, put_minute)
        self._asking, self._judge_due_ns = Asking(), 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vitals", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=2.0)

    def look(self, now_ns: int, utc_s: float) -> None:
        """One look, at monotonic `now_ns`, when the wall clock shows `utc_s`."""
        ask = self._asking.of
        self._minutes.add(
            ask("what is seen", partial(self._sampler.sample, now_ns), dict[Label, float]())
        )
        if self._minutes.is_over(now_ns, utc_s):
            ask("the minute", partial(self._minutes.end, utc_s), None)
        if now_ns >= self._judge_due_ns:
            self._judge_due_ns = now_ns + _JUDGE_NS
            self._judges.look(self.settings, self._sampler, self._asking, now_ns)
            self._sources.health.report(FAILED, self._asking.cause, now_ns)
            self._asking = Asking()

    def recall(self, now_ns: int, utc_s: float) -> None:
        """Take up what was seen before this process; a store that cannot be read has nothing."""
        if self._disk is not None:
            folder = self._disk.folder
            nothing: tuple[Seconds, Visits] = ([], [])
            found = self._asking.of("the last day", lambda: recalled(folder, utc_s), nothing)
            self._sampler.drift.recall(*found, now_ns)

    def _run(self) -> None:
        self.recall(time.monotonic_ns(), time.time())
        while not self._stop.wait(_SAMPLE_S):
            self.look(time.monotonic_ns(), time.time())


class _Judges:
    """All judges, and what each is shown."""

    def __init__(self, sources: Sources, disk: Disk | None) -> None:
        self._sources, self._disk = sources, disk
        self._hot, self._undervoltage, self._throttled = Hot(), Undervoltage(), Throttled()
        self._clock, self._blind = Clock(), Held(SLOW_AFTER_S)

    def look(self, settings: HealthSettings, sampler: Sampler, asking: Asking, now_ns: int) -> None:
        """Report all that can be judged; what cannot stays as it was."""
        machine, serving = self._sources.sensors.read, self._sources.serving
        judges: dict[str, Callable[[], str | None]] = {
            "machine.hot": lambda: self._hot.look(machine()["celsius"], settings.hot_celsius),
            "machine.undervoltage": lambda: self._undervoltage.look(machine()["throttled"], now_ns),
            "machine.throttled": lambda: self._throttled.look(machine()["throttled"], now_ns),
            "clock.unsynchronised": lambda: self._clock.look(
                machine()["clock_synchronised"], now_ns
            ),
            "disk.full": self._full,
            "store.stuck": lambda: stuck(self._sources.store() if self._sources.store else None),
            "loop.slow": lambda: self._slow(settings.min_rate, now_ns),
            "events.quiet": lambda: quiet(sampler.told_ns, now_ns, settings.quiet_hours),
            "classes.drift": lambda: sampler.drift.look(
                serving().facts.counts, settings.drift, now_ns
            ),
        }
        for state, judge in judges.items():
            self._judge(state, judge, asking, now_ns)

    def _judge(
        self, state: str, judge: Callable[[], str | None], asking: Asking, now_ns: int
    ) -> None:
        report = self._sources.health.report
        asking.of(f"what {state} is judged by", lambda: report(state, judge(), now_ns), None)

    def _slow(self, min_rate: float | None, now_ns: int) -> str | None:
        """A camera that gives nothing is another state; what came of it stays in the rate."""
        blind = "x" if BLIND & self._sources.health.states.keys() else None
        is_young = now_ns - self._sources.pulse.started_ns < SLOW_AFTER_S * _NS
        if self._blind.look(blind, now_ns) or is_young:
            return None
        return slow(self._sources.pulse.last_minute().rate, min_rate)

    def _full(self) -> str | None:
        return None if self._disk is None else self._disk.look()
