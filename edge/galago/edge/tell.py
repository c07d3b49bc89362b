"""What a person is told on standard error while a camera is looked through.

- Each line begins with `galago: ` and is whole, whichever thread it comes from.
- In systemd's journal, which says itself who speaks, it begins with its urgency instead.
- A line that changes in place is for terminals only: a log gets none of it.
"""

import shutil
import sys
import threading
from typing import Self

from galago.edge.health import Change
from galago.edge.service.journal import Urgency, is_journal, marked
from galago.edge.vitals.levels import level

_CLEAR = "\r\x1b[K"  # to the line's beginning, and erase it: ECMA-48, CR and EL


def tell(line: str, urgency: Urgency = "info") -> None:
    """One line."""
    journal = is_journal(2)
    sys.stderr.write(
        marked(f"{line}\n" if journal else f"galago: {line}\n", urgency, journal=journal)
    )


def tell_change(change: Change) -> None:
    """That something is wrong, or that it is over; fit for `Health`."""
    begins: Urgency = "error" if level(change.state.name) == "error" else "warning"
    tell(worded(change), begins if change.ended_ns is None else "notice")


def worded(change: Change) -> str:
    """A change of health in one line: the cause when it begins, how long it was when it is over."""
    if change.ended_ns is None:
        return f"{change.state.name}: {change.state.cause}"
    seconds = (change.ended_ns - change.state.since_ns) / 1e9
    return f"{change.state.name}: over after {seconds:.1f} s"


class Screen:
    """Standard error with, on a terminal, a last line that changes in place.

    Safe for several threads. Leaving it takes that line away: what follows says the last word.
    """

    def __init__(self) -> None:
        self.is_terminal = sys.stderr.isatty()
        self._shown = ""
        self._lock = threading.Lock()

    def tell(self, line: str) -> None:
        """One line that stays, above the one that changes."""
        with self._lock:
            clear = _CLEAR if self._shown else ""
            sys.stderr.write(f"{clear}galago: {line}\n{self._shown}")
            sys.stderr.flush()

    def tell_change(self, change: Change) -> None:
        """As the function of that name."""
        self.tell(worded(change))

    def show(self, line: str) -> None:
        """Put `line` in place of what was shown before; nothing where there is no terminal."""
        if not self.is_terminal:
            return
        # A line that wraps could not be taken back.
        columns = shutil.get_terminal_size().columns
        with self._lock:
            self._shown = f"galago: {line}"[: max(columns - 1, 1)]
            sys.stderr.write(f"{_CLEAR}{self._shown}")
            sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._shown:
                sys.stderr.write(_CLEAR)
                sys.stderr.flush()
            self._shown = ""
