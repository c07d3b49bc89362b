"""The events that one publisher still has to tell: the store's table, and a cursor in it.

- An event leaves only when it has arrived, or is given up; that is counted. A power cut, a kill or
  a lost connection at any moment means at most that some arrive twice.
- The cursor moves over events that have arrived without a gap, however their answers come.
- No more than a set number wait: the oldest are given up. Nothing is held in memory but one page.
- Used by the publisher's own thread; the figures may be read by any.

    outbox.look()
    while event := outbox.next():
        tell(event)
        outbox.arrived(event.number)
"""

from collections import deque
from collections.abc import Iterable
from pathlib import Path

from galago.edge.record import StoredEvent
from galago.edge.store.reader import Reader
from galago.edge.store.recorder import Recorder

_PAGE = 200  # events that are read at a time, some 100 kB
_REGISTER_S = 3.0  # a disk that hangs must not hold the daemon's start for long


class Outbox:
    """What waits for one publisher.

    `labels`: only events with these; empty: all. `limit`: events that wait at most.

    `acknowledged`: the number up to which nothing waits. `backlog`: events that wait.
    `dropped`: events that were given up, since the start.
    """

    def __init__(
        self, name: str, recorder: Recorder, folder: Path, labels: tuple[str, ...], limit: int
    ) -> None:
        self.acknowledged = self.backlog = self.dropped = 0
        self._name, self._recorder, self._folder = name, recorder, folder
        self._labels, self._limit = frozenset(labels), limit
        self._reader: Reader | None = None
        self._counted = self._read_to = 0
        self._page: deque[StoredEvent] = deque()
        self._out: dict[int, bool] = {}  # taken and not settled, oldest first; whether it arrived
        self._untold = 0  # of what was dropped, to the store
        self._registered = False

    def register(self) -> None:
        """Find the cursor; what is stored from now on is this publisher's, too."""
        number = self._recorder.register(self._name, _REGISTER_S)
        self._registered = number > 0  # 0 is also what a store says that cannot be opened yet
        self._start(number)

    def close(self) -> None:
        """Let go of the database."""
        if self._reader is not None:
            self._reader.close()

    def look(self) -> None:
        """Take note of events that are new, and give up the oldest where too many wait."""
        if not self._registered and self._db.last():
            self.register()
            self._registered = True
        while events := self._db.events_after(self._counted, _PAGE):
            self._counted = events[-1].number
            self.backlog += len(self._mine(events))
        if self.backlog > self._limit:
            self._drop(self.backlog - self._limit)

    def next(self) -> StoredEvent | None:
        """The oldest event that was not taken yet; None: there is none."""
        while not self._page:
            if not self._read():
                self._pass_over()
                return None
        event = self._page.popleft()
        self._out[event.number] = False
        return event

    def arrived(self, number: int) -> None:
        """An event that was taken has reached whom it was for."""
        if number not in self._out:
            return  # given up while it was under way
        self._out[number] = True
        for oldest, has_arrived in [*self._out.items()]:
            if not has_arrived:
                break
            del self._out[oldest]
            self._acknowledge(oldest, settled=1)

    def give_up(self, number: int) -> None:
        """An event that was taken is lost."""
        if number in self._out:
            self._count_lost(1)
            self.arrived(number)

    def rewind(self) -> None:
        """Take again, from the oldest, what was taken and has not arrived."""
        self._out.clear()
        self._page.clear()
        self._read_to = self.acknowledged

    @property
    def _db(self) -> Reader:
        """A connection of the thread that asks first, and so of the only one that asks."""
        if self._reader is None:
            self._reader = Reader(self._folder)
        return self._reader

    def _start(self, number: int) -> None:
        self.acknowledged = self._counted = number
        self.backlog = 0
        self.rewind()

    def _read(self) -> bool:
        events = self._db.events_after(self._read_to, _PAGE)
        if not events:
            return False
        # Numbers go up by one, also in the store that follows one that was damaged.
        if gone := events[0].number - self._read_to - 1:
            self._count_lost(gone)
            self.backlog = max(self.backlog - gone, 0)
        self._read_to = events[-1].number
        self._page.extend(self._mine(events))
        return True

    def _pass_over(self) -> None:
        """Nothing waits: what lies behind the last event of mine is of no interest."""
        if self._out:
            return
        if self._counted == self._read_to:
            self.backlog = 0  # exact again, also where the store has lost what had been counted
        if self._read_to > self.acknowledged:
            self._acknowledge(self._read_to)

    def _drop(self, count: int) -> None:
        """Give up the oldest that wait, those under way included."""
        number = self.acknowledged
        left = count
        while left and (events := self._db.events_after(number, _PAGE)):
            mine = self._mine(events)[:left]
            left -= len(mine)
            number = mine[-1].number if mine else events[-1].number
        self._count_lost(count - left)
        self._acknowledge(number, settled=count - left)
        self._out = {taken: done for taken, done in self._out.items() if taken > number}
        while self._page and self._page[0].number <= number:
            self._page.popleft()
        self._read_to = max(self._read_to, number)

    def _mine(self, events: Iterable[StoredEvent]) -> list[StoredEvent]:
        return [it for it in events if not self._labels or it.event.label in self._labels]

    def _count_lost(self, count: int) -> None:
        self.dropped += count
        self._untold += count

    def _acknowledge(self, number: int, settled: int = 0) -> None:
        self.acknowledged = number
        self.backlog = max(self.backlog - settled, 0)
        self._recorder.acknowledge(self._name, number, self._untold)
        self._untold = 0
