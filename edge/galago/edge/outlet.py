"""From the loop to whoever is told: a bounded queue and a thread that writes.

- The loop never waits for a slow reader of a live camera; what finds no room is counted and said.
- Of a recording nothing is lost: there the loop waits.
- A reader that has left is told at once, by a call, and is an error where the outlet closes.
"""

import queue
import threading
from collections.abc import Callable
from typing import Self

ROOM = 256  # minutes of the busiest camera; an event is a few hundred bytes

_CLOSE_TIMEOUT_S = 5.0


class Outlet:
    """Writes lines in a thread of its own, in their order.

    Args:
        write: writes one line; may wait, and may raise.
        failed: called when it has raised, after which nothing is written.
        wait: whether `put` waits for room.
    """

    def __init__(
        self, write: Callable[[str], None], failed: Callable[[], None], *, wait: bool = False
    ) -> None:
        self.lost = 0
        self._write, self._failed, self._wait = write, failed, wait
        self._error: BaseException | None = None
        self._queue: queue.Queue[str | None] = queue.Queue(ROOM)
        self._thread = threading.Thread(target=self._run, name="outlet", daemon=True)

    def put(self, line: str) -> None:
        """Hand over a line."""
        try:
            self._queue.put(line, block=self._wait)
        except queue.Full:
            self.lost += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        """Write what is left, for a few seconds at most; raise what `write` raised."""
        try:
            self._queue.put(None, timeout=_CLOSE_TIMEOUT_S)
        except queue.Full:
            return
        self._thread.join(_CLOSE_TIMEOUT_S)
        if self._error is not None and error is None:
            raise self._error

    def _run(self) -> None:
        while (line := self._queue.get()) is not None:
            if self._error is not None:
                continue  # goes on to take, so that nobody waits for room
            try:
                self._write(line)
            except BaseException as error:  # noqa: BLE001 - handed to whoever closes, who raises it
                self._error = error
                self._failed()
