"""What waits in memory for the disk: bounded, in order, and for how long.

- Handing something over costs microseconds and never waits for the disk.
- Events wait for `commit_s` at most, and not at all if nothing was written for that long. What can
  be told again (acknowledgements, LAZY_S) or be missed (minutes, until there are MINUTES) waits
  longer, to be written along with others.
- At most ROOM records and ROOM_BYTES of pictures wait; pictures find no room first, then events,
  which are counted.
"""

import math
import threading
from collections import deque
from dataclasses import dataclass, field, replace
from time import monotonic

from galago.edge.record import Minute, Record

ROOM = 10_000  # records
ROOM_BYTES = 16_000_000  # of pictures: what a Pi with 512 MB can spare
LAZY_S = 5.0  # for acknowledgements: after a kill, what they say is told again
MINUTES = 5  # are written together: 6 MB a day where each alone makes 20
IDLE_S = 10.0  # then the recorder looks after itself
PICTURES = 8  # or films in one transaction, which is as long as their files take
_MOST_MINUTES = 1440  # a day's
_HASTE_S = 0.2  # between tries at the end


@dataclass(slots=True)
class Batch:
    """What one transaction writes. `acknowledged`: number and how many were given up, by name."""

    records: list[Record] = field(default_factory=list)
    minutes: list[Minute] = field(default_factory=list)
    acknowledged: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.records or self.minutes or self.acknowledged)


class Waiting:
    """Between any thread and the recorder's."""

    def __init__(self, commit_s: float, commit_events: int) -> None:
        self._commit_s, self._commit_events = commit_s, commit_events
        self._records: deque[Record] = deque()
        self._minutes: deque[Minute] = deque(maxlen=_MOST_MINUTES)
        self._acknowledged: dict[str, tuple[int, int]] = {}
        self._pictures = self._bytes = self._taken = 0
        self._lost = 0
        self._written_at = self._acknowledged_at = -math.inf
        self._singly = 0  # so many of the next records are written one by one
        self._soon = self._closed = False
        self._condition = threading.Condition(threading.Lock())

    @property
    def pending(self) -> int:
        """Records that are not on the disk yet."""
        return len(self._records) + self._taken

    @property
    def lost(self) -> int:
        """Events that found no room, or could not be written at all."""
        return self._lost

    @property
    def closed(self) -> bool:
        """Whether nothing more comes."""
        return self._closed

    def put(self, record: Record) -> None:
        """Add a record, without its picture or not at all if there is no room."""
        size = size_of(record)
        with self._condition:
            if self._bytes + size > ROOM_BYTES:
                record, size = bare(record), 0
            if self._closed or self.pending >= ROOM:
                self._lost += record.event is not None
            elif size or record.event is not None:
                self._records.append(record)
                self._count(size)
                if len(self._records) in (1, self._commit_events) or self._pictures == PICTURES:
                    self._condition.notify()

    def put_minute(self, minute: Minute) -> None:
        """Add a minute, in place of the oldest if there is no room."""
        with self._condition:
            self._minutes.append(minute)
            if len(self._minutes) == MINUTES:
                self._condition.notify()

    def acknowledge(self, publisher: str, number: int, dropped: int) -> None:
        """Take note of how far a publisher is."""
        with self._condition:
            if not self._acknowledged:
                self._acknowledged_at = monotonic()
                self._condition.notify()
            self._merge(publisher, number, dropped)

    def take(self) -> Batch:
        """What is to be written now; empty after IDLE_S without any such, and if `soon` was set."""
        with self._condition:
            until = monotonic() + (0.1 if self._soon else IDLE_S)
            while not self._closed and (now := monotonic()) < (due := min(self._due(), until)):
                self._condition.wait(due - now)
            self._soon = False
            if not self._closed and monotonic() < self._due():
                return Batch()
            return self._cut()

    def done(self, batch: Batch) -> None:
        """The batch is written."""
        with self._condition:
            self._taken = 0
            if batch.records:
                self._written_at = monotonic()

    def give_back(self, batch: Batch) -> None:
        """The batch could not be written; it comes first when the next one is taken."""
        with self._condition:
            self._give_back(batch)

    def set_apart(self, batch: Batch) -> None:
        """Something in the batch can never be written: find it, and give it up, a picture first."""
        with self._condition:
            if len(batch.records) > 1:
                self._singly = len(batch.records)
            elif batch.minutes:
                batch.minutes = []
            elif not batch.records:
                batch.acknowledged = {}
            elif batch.records[0].event is not None and size_of(batch.records[0]):
                batch.records = [bare(batch.records[0])]
                self._singly += 1
            else:
                self._lost += batch.records[0].event is not None
                batch.records = []
            self._give_back(batch)

    def soon(self) -> None:
        """Let the next `take` not wait long: there is work to go on with."""
        self._soon = True

    def rest(self, seconds: float) -> None:
        """Wait, for long only until the end is asked for."""
        until = monotonic() + seconds
        with self._condition:
            while not self._closed and (now := monotonic()) < until:
                self._condition.wait(until - now)
            if self._closed:
                self._condition.wait(min(seconds, _HASTE_S))

    def close(self) -> None:
        """Take nothing more; what waits is due at once."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _give_back(self, batch: Batch) -> None:
        self._taken = 0
        for record in reversed(batch.records):
            self._records.appendleft(record)
            self._count(size_of(record))
        minutes = [*batch.minutes, *self._minutes]
        self._minutes = deque(minutes, maxlen=_MOST_MINUTES)
        for publisher, (number, dropped) in batch.acknowledged.items():
            self._merge(publisher, number, dropped)

    def _due(self) -> float:
        """Monotonic time at which something has waited for long enough."""
        records, minutes = len(self._records), len(self._minutes)
        if records >= self._commit_events or self._pictures >= PICTURES or minutes >= MINUTES:
            return -math.inf
        if self._singly:
            return -math.inf
        due = math.inf
        if self._records:
            due = self._written_at + self._commit_s
        if self._acknowledged:
            due = min(due, self._acknowledged_at + LAZY_S)
        return due

    def _cut(self) -> Batch:
        """As many records as one transaction may have, and all of the rest."""
        if self._singly:
            self._singly -= 1
            return Batch(self._cut_records(1))
        records = self._cut_records(self._commit_events)
        batch = Batch(records, [*self._minutes], self._acknowledged)
        self._minutes.clear()
        self._acknowledged = {}
        return batch

    def _cut_records(self, limit: int) -> list[Record]:
        records: list[Record] = []
        pictures = 0
        while self._records and len(records) < limit and pictures < PICTURES:
            record = self._records.popleft()
            records.append(record)
            pictures += size_of(record) > 0
            self._count(-size_of(record))
        self._taken = len(records)
        return records

    def _merge(self, publisher: str, number: int, dropped: int) -> None:
        before = self._acknowledged.get(publisher, (0, 0))
        self._acknowledged[publisher] = (max(number, before[0]), dropped + before[1])

    def _count(self, size: int) -> None:
        self._bytes += size
        self._pictures += (size > 0) - (size < 0)


def size_of(record: Record) -> int:
    """Bytes of its files."""
    size = 0 if record.film is None else len(record.film.clip)
    if record.picture is not None:
        size += sum(map(len, (record.picture.full, record.picture.crop, record.picture.thumbnail)))
    return size


def bare(record: Record) -> Record:
    """The event alone, which then names no picture that does not exist."""
    event, picture = record.event, record.picture
    if event is not None and picture is not None and event.snapshot == picture.name:
        event = replace(event, snapshot=None)
    return Record(event)
