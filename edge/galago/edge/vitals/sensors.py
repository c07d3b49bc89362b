"""The machine, looked at again every other second at most, whoever asks how often."""

import threading
from pathlib import Path
from time import monotonic

from galago.edge.machine import (
    available_mb,
    clock_synchronised,
    model,
    resident_mb,
    temperature_c,
    throttling,
)
from galago.edge.vitals.document import MachineFacts

FRESH_S = 2.0  # reading what a Pi's firmware knows takes a millisecond


class Sensors:
    """Safe for several threads. `sys`, `proc`, `run`: where the system tells of itself."""

    def __init__(
        self,
        sys: Path = Path("/sys"),
        proc: Path = Path("/proc"),
        run: Path = Path("/run"),
        fresh_s: float = FRESH_S,
    ) -> None:
        self._sys, self._proc, self._run = sys, proc, run
        self._model = model(proc)
        self._lock = threading.Lock()
        self._fresh_s, self._read_at = fresh_s, 0.0
        self._facts: MachineFacts | None = None

    def read(self) -> MachineFacts:
        """The machine now, or `fresh_s` ago."""
        with self._lock:
            now = monotonic()
            if self._facts is None or now - self._read_at >= self._fresh_s:
                self._facts, self._read_at = self._look(), now
            return self._facts

    def _look(self) -> MachineFacts:
        slow = throttling(self._sys)
        return MachineFacts(
            model=self._model,
            celsius=temperature_c(self._sys),
            throttled=None if slow is None else list(slow),
            memory_mb=resident_mb(self._proc) or 0.0,
            available_mb=available_mb(self._proc),
            clock_synchronised=clock_synchronised(self._run),
        )
