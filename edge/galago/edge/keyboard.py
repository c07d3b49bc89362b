"""Single keys of a terminal, at once and without Enter.

- However it is left, the terminal is as it was before; what was typed and not used is forgotten.
- Nobody waits for a key: a thread calls what belongs to it.
- Ctrl-C stays what it is elsewhere, a signal. A terminal that goes away (a lost ssh) is told.

    with Keyboard({"q": stop.set}, gone=stop.set):
        ...
"""

import os
import re
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self

from galago.errors import UsageError

_AT_ONCE = 64  # bytes; nobody types faster
# Arrows and the like come as several characters, some of them letters. Source: ECMA-48, 5.4.
_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|O.|.)?")


class Keyboard:
    """Calls `keys[character]` for each one that is pressed, `gone` when the terminal is no more.

    Both are called in a thread of its own, and must return at once.

    Raises:
        UsageError: when it begins, standard input is no terminal.
    """

    def __init__(self, keys: Mapping[str, Callable[[], None]], gone: Callable[[], None]) -> None:
        self._keys, self._gone = keys, gone
        self._thread = threading.Thread(target=self._run, name="keyboard", daemon=True)

    def __enter__(self) -> Self:
        self._terminal = sys.__stdin__.fileno() if has_terminal() and sys.__stdin__ else -1
        if self._terminal < 0:
            raise UsageError("keys need a terminal, and standard input is none")
        self._before = termios.tcgetattr(self._terminal)
        self._woken, self._wake = os.pipe()
        tty.setcbreak(self._terminal, termios.TCSANOW)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(termios.error):  # it may be gone
            # At once: waiting for its output may be for ever, if nobody reads that.
            termios.tcsetattr(self._terminal, termios.TCSANOW, self._before)
            termios.tcflush(self._terminal, termios.TCIFLUSH)
        os.close(self._wake)
        self._thread.join(timeout=2.0)
        os.close(self._woken)

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._terminal, self._woken], [], [])
            if self._woken in ready:
                return
            try:
                typed = os.read(self._terminal, _AT_ONCE).decode(errors="ignore")
            except OSError:  # EIO: the other end is closed
                typed = ""
            if not typed:
                self._gone()
                return
            self._press(typed)

    def _press(self, typed: str) -> None:
        for character in _SEQUENCE.sub("", typed).lower():
            if character in self._keys:
                self._keys[character]()


def has_terminal() -> bool:
    """Whether standard input is a terminal, and not closed, a file or a pipe."""
    try:
        return sys.__stdin__ is not None and sys.__stdin__.isatty()
    except ValueError:  # closed
        return False
