"""From the thread that makes things to the one that uses them.

- Either the newest alone: what is not taken in time is replaced and counted, never queued
  (docs/adr/0004-drop-oldest.md). Or nothing is lost: a few wait, and then the maker does.
- A maker that waits is woken when half of the room is free, not for each thing: waking a thread
  costs the taker as much as a tenth of a small model's time.
- One thread puts, one takes, any may finish. Two bare locks serve as signals; a Condition would
  make a new one for every wait.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Handover(Generic[T]):
    """Room for one thing, the newest; or for `room` things, none of which is lost.

    `discard` is called with what was put and will never be taken.
    """

    def __init__(self, *, room: int = 0, discard: Callable[[T], None] = lambda _: None) -> None:
        self.dropped = 0
        self.finished = False
        self._room, self._discard = room, discard
        self._things: deque[T] = deque()
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        self._may_put = threading.Lock()  # free: `put` need not wait
        self._may_take = threading.Lock()  # free: `take` need not wait
        self._may_take.acquire()

    def put(self, thing: T) -> bool:
        """Leave a thing; false when nobody will take it any more."""
        if self._room:
            self._may_put.acquire()
        with self._lock:
            refused = self._leave(thing)
        for lost in refused:
            self._discard(lost)
        return not self.finished

    def take(self, timeout_s: float) -> T | None:
        """Take the oldest thing, None when none came in time or none will come.

        Raises:
            BaseException: what `finish` was given, once the last thing is taken.
        """
        if not self._may_take.acquire(timeout=timeout_s):
            return None
        with self._lock:
            thing = self._things.popleft() if self._things else None
            if self._things or self.finished:
                _open(self._may_take)  # `finish` may have done so since we came through it
            if len(self._things) <= self._room // 2:
                _open(self._may_put)
        if thing is None and self._error is not None:
            raise self._error
        return thing

    def finish(self, error: BaseException | None = None) -> None:
        """Say that nothing more comes, or why; what is there can still be taken."""
        with self._lock:
            if not self.finished:
                self.finished, self._error = True, error
                _open(self._may_put)
                _open(self._may_take)

    def close(self) -> None:
        """Finish, and discard what is there."""
        self.finish()
        with self._lock:
            left = list(self._things)
            self._things.clear()
        for thing in left:
            self._discard(thing)

    def _leave(self, thing: T) -> tuple[T, ...]:
        """Put a thing in its place; returns what will not be taken."""
        if self.finished:
            _open(self._may_put)
            return (thing,)
        replaced = () if self._room or not self._things else (self._things.popleft(),)
        self.dropped += len(replaced)
        self._things.append(thing)
        _open(self._may_take)
        if len(self._things) < self._room:
            _open(self._may_put)
        return replaced


def _open(signal: threading.Lock) -> None:
    if signal.locked():
        signal.release()
