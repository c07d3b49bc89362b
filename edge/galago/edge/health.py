"""What is wrong now, and since when: one place that every part reports to.

- A state has a name ("camera.frozen"), a cause in words, and the monotonic time at which it began.
- Reporting costs next to nothing while nothing changes, and never raises because of a listener.
- Safe for several threads.

    health.report("camera.dark", "the picture is black: is the lens covered?", frame.time_ns)
    health.report("camera.dark", None, frame.time_ns)  # well again
"""

import threading
from collections.abc import Callable
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
    """All that is wrong now."""

    def __init__(self, tell: Callable[[Change], None] = lambda _change: None) -> None:
        self._tell = tell
        self._states: dict[str, State] = {}
        self._lock = threading.Lock()

    @property
    def states(self) -> dict[str, State]:
        """What is wrong now, by name; a copy."""
        with self._lock:
            return dict(self._states)

    def report(self, name: str, cause: str | None, time_ns: int) -> None:
        """Say that `name` is wrong, or with None that it is not; the first time is kept."""
        with self._lock:
            known = self._states.get(name)
            if (known is None) == (cause is None):
                return
            if cause is not None:
                change = Change(State(name, cause, time_ns))
                self._states[name] = change.state
            else:
                change = Change(self._states.pop(name), time_ns)
        self._tell(change)
