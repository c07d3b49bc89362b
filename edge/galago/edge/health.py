"""What is wrong now, and since when: one place that every part reports to.

- A state has a name ("camera.frozen"), a cause in words, and the monotonic time at which it began.
- The newest cause is the one to read; listeners hear of a state when it begins and when it is
  over, not of every figure in between.
- Reporting costs next to nothing while nothing changes, and never raises because of a listener.
- Safe for several threads.

    health.report("camera.dark", "the picture is black: is the lens covered?", frame.time_ns)
    health.report("camera.dark", None, frame.time_ns)  # well again
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """Something that is wrong: `cause` for people, `since_ns` monotonic."""

    name: str
    cause: str
    since_ns: int


@dataclass(frozen=True, slots=True)
class Change:
    """A state that began (`ended_ns` None) or is over."""

    state: State
    ended_ns: int | None = None


class Health:
    """All that is wrong now; `tell` is the first listener."""

    def __init__(self, tell: Callable[[Change], None] = lambda _change: None) -> None:
        self._listeners = [tell]
        self._states: dict[str, State] = {}
        self._lock = threading.Lock()

    @property
    def states(self) -> dict[str, State]:
        """What is wrong now, by name; a copy."""
        with self._lock:
            return dict(self._states)

    def listen(self, tell: Callable[[Change], None]) -> None:
        """Have one more listener told; it is called by whoever reports, and must not wait."""
        self._listeners = [*self._listeners, tell]

    def report(self, name: str, cause: str | None, time_ns: int) -> None:
        """Say that `name` is wrong and why, or with None that it is not.

        The first time is kept while it lasts, and the last cause.
        """
        with self._lock:
            known = self._states.get(name)
            change = _change(known, name, cause, time_ns)
            if change is None:
                return
            if change.ended_ns is None:
                self._states[name] = change.state
            else:
                del self._states[name]
        if known is None or change.ended_ns is not None:
            self._tell(change)

    def report_anew(self, name: str, cause: str | None, time_ns: int) -> None:
        """As `report`, for causes that come seldom and mean different things.

        Another cause ends the state and begins it anew: listeners hear of each.
        """
        known = self.states.get(name)
        if known is not None and cause is not None and known.cause != cause:
            self.report(name, None, time_ns)
        self.report(name, cause, time_ns)

    def _tell(self, change: Change) -> None:
        for tell in self._listeners:
            # A log that cannot be written is no reason to stop looking.
            with suppress(Exception):
                tell(change)


def _change(known: State | None, name: str, cause: str | None, time_ns: int) -> Change | None:
    if known is None:
        return None if cause is None else Change(State(name, cause, time_ns))
    if cause is None:
        return Change(known, time_ns)
    return None if cause == known.cause else Change(State(name, cause, known.since_ns))
