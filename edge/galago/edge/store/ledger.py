"""What one transaction writes, and which rows go to make room.

- All of a batch is written, or nothing.
- Numbers of events go up by one and are never used again, also in the database that follows one
  that had to be set aside: a publisher's place stays true.
- At most `keep_events` events and as many minutes as `keep_days` have stay. The oldest go first,
  few at a time; an event that a registered publisher has yet to get stays.
- The wall clock decides nothing: of minutes, those farthest from the one just written go first.
"""

import contextlib
import sqlite3

from galago.edge.record import Keeper, Minute, Record, ShelfFacts, StoredEvent
from galago.edge.store.database import Database
from galago.edge.store.rows import EVENT, MINUTE, of_event, of_minute, stored
from galago.edge.store.settings import StoreSettings
from galago.edge.store.waiting import Batch, bare

STEP = 500  # rows that go in one transaction
_A_DAY = 1440  # minutes
_AT_ONCE = 256  # events that go together, so that their pages are written once

_ADD_EVENT = f"INSERT INTO events ({EVENT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 (column names)

# A minute that comes twice (the daemon was started again within it) is the sum of both.
_ADD_MINUTE = f"""
INSERT INTO minutes ({MINUTE})
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (minute) DO UPDATE SET
    frames = frames + excluded.frames, dropped = dropped + excluded.dropped,
    p50_us = max(p50_us, excluded.p50_us), p99_us = max(p99_us, excluded.p99_us),
    celsius = excluded.celsius, health = excluded.health
"""  # noqa: S608
_ADD_SHARE = """
INSERT INTO shares (minute, region, label, seconds) VALUES (?, ?, ?, ?)
ON CONFLICT (minute, region, label) DO UPDATE SET seconds = seconds + excluded.seconds
"""
_ACKNOWLEDGE = """
INSERT INTO publishers (name, acknowledged, dropped) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET
    acknowledged = max(acknowledged, excluded.acknowledged), dropped = dropped + excluded.dropped
"""
_DROP_MINUTES = "DELETE FROM minutes WHERE minute BETWEEN ? AND ?"
_DROP_SHARES = "DELETE FROM shares WHERE minute BETWEEN ? AND ?"
_FARTHEST = {
    False: "SELECT min(minute), max(minute) FROM (SELECT minute FROM minutes ORDER BY 1 LIMIT ?)",
    True: (
        "SELECT min(minute), max(minute) FROM (SELECT minute FROM minutes ORDER BY 1 DESC LIMIT ?)"
    ),
}


class Ledger:
    """The tables of an open database.

    `after`: numbers up to this one are used up, whatever the file says. `cursors`: of all
    publishers, as they were when it was opened. `behind`: more has to go than one transaction lets.
    `agrees`: the pictures' files and rows do; not so after a transaction that failed.
    """

    def __init__(
        self, database: Database, settings: StoreSettings, shelf: Keeper | None, after: int = 0
    ) -> None:
        self.database, self._settings, self._shelf = database, settings, shelf
        db = database.connection
        self.cursors: dict[str, int] = dict(db.execute("SELECT name, acknowledged FROM publishers"))
        first, last = db.execute("SELECT min(number), max(number) FROM events").fetchone()
        self.last = max(last or 0, after, *self.cursors.values())
        self._first = first or self.last + 1
        (self._minutes,) = db.execute("SELECT count(*) FROM minutes").fetchone()
        self.behind = True  # who knows what the settings were before
        self.agrees = True

    @property
    def events(self) -> int:
        """How many there are."""
        return self.last - self._first + 1

    def reconcile(self) -> None:
        """Let the pictures' files and rows agree again."""
        if self._shelf is not None:
            self._shelf.reconcile(self.database.connection)

    def shelf_facts(self) -> ShelfFacts:
        """Of the pictures."""
        if self._shelf is None:
            return ShelfFacts(0, 0, 0)
        return self._shelf.facts(self.database.connection)

    def write(self, batch: Batch, arrived: float) -> list[StoredEvent]:
        """Write all of the batch and return its events; those above number `arrived` must not go.

        Raises:
            OSError, sqlite3.Error: nothing of it is written; files of pictures may be left over.
            ValueError, TypeError: something in it can never be written.
        """
        db = self.database.connection
        before = (self.last, self._first, self._minutes)
        db.execute("BEGIN IMMEDIATE")
        try:
            events = self._add_records(batch.records)
            self._add_minutes(batch.minutes)
            self._acknowledge(batch.acknowledged)
            self._make_room(arrived, batch)
            db.execute("COMMIT")
        except BaseException:
            self.last, self._first, self._minutes = before
            with contextlib.suppress(sqlite3.Error):  # a disk that fails has ended it already
                db.execute("ROLLBACK")
            raise
        self.agrees = True
        return events

    def _add_records(self, records: list[Record]) -> list[StoredEvent]:
        db, epoch = self.database.connection, self.database.epoch
        kept = [self._with_picture(record) for record in records]
        numbered = enumerate((r.event for r in kept if r.event is not None), self.last + 1)
        events = [stored(number, event, epoch) for number, event in numbered]
        db.executemany(_ADD_EVENT, [of_event(event.number, event.event) for event in events])
        self.last += len(events)
        return events

    def _with_picture(self, record: Record) -> Record:
        """The record as it is if its picture is kept, else less that; a film is kept or not."""
        if self._shelf is None or (record.picture is None and record.film is None):
            return bare(record)
        self.agrees = False
        if record.film is not None:
            self._shelf.add_clip(self.database.connection, record.film)
        if record.picture is None:
            return record
        kept = self._shelf.add(self.database.connection, record.picture)
        return record if kept else bare(record)

    def _add_minutes(self, minutes: list[Minute]) -> None:
        db = self.database.connection
        for m in minutes:
            db.execute(_ADD_MINUTE, of_minute(m))
            shares = [
                (m.minute, region or "", label, s) for (region, label), s in m.seconds.items()
            ]
            db.executemany(_ADD_SHARE, shares)
        if minutes:
            self._minutes += len(minutes)  # at most: one that came twice counts twice until a start

    def _acknowledge(self, acknowledged: dict[str, tuple[int, int]]) -> None:
        rows = [(name, *how_far) for name, how_far in acknowledged.items()]
        self.database.connection.executemany(_ACKNOWLEDGE, rows)

    def _make_room(self, arrived: float, batch: Batch) -> None:
        self.behind = self._drop_events(arrived)
        if batch.minutes:
            self._drop_minutes(batch.minutes[-1].minute)
        if self._shelf is not None and not batch.records:  # nobody waits
            self.agrees = False
            self.behind |= self._shelf.tidy(self.database.connection)

    def _drop_events(self, arrived: float) -> bool:
        """Drop what is too many, and somewhat more; whether a limit of one transaction cut it."""
        keep = self._settings.keep_events
        over = self.events - keep
        if over <= 0:
            return False
        wanted = min(self._first + over - 1 + min(_AT_ONCE, keep // 10), self.last, arrived)
        until = min(wanted, self._first + STEP - 1)
        if until >= self._first:
            self.database.connection.execute("DELETE FROM events WHERE number <= ?", (until,))
            self._first = until + 1
        return until < wanted

    def _drop_minutes(self, newest: int) -> None:
        keep = self._settings.keep_days * _A_DAY
        over = self._minutes - keep
        if over <= 0:
            return
        db = self.database.connection
        oldest, last = db.execute("SELECT min(minute), max(minute) FROM minutes").fetchone()
        from_above = last - newest > newest - oldest
        some = min(over + 60, STEP)  # an hour's at once, so that their pages are written once
        low, high = db.execute(_FARTHEST[from_above], (some,)).fetchone()
        self._minutes -= db.execute(_DROP_MINUTES, (low, high)).rowcount
        db.execute(_DROP_SHARES, (low, high))
