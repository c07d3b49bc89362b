"""What is in the store, for whoever reads: the page, publishers; the loop never.

- Reads only, and keeps nobody from writing; the writer may be killed and start again meanwhile.
- When the database is made anew, the next question is asked of the new one.
- Where there is no database yet, there is nothing in it.

    with Reader(folder) as reader:
        newest = reader.events(limit=10)
"""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any, Self

from galago.edge.record import Minute, PictureKind, Snapshot, StoredEvent
from galago.edge.store.database import NAME, identify
from galago.edge.store.rows import EVENT, MINUTE, SNAPSHOT, Row, to_event, to_minute, to_snapshot
from galago.errors import StoreError

_BUSY_S = 1.0  # readers wait only while a writer that was killed is made good
_MARK_BUSY_S = 2.0  # as long as the recorder writes a few pictures


class Reader:
    """A read-only connection of one thread, or of several that take turns.

    Every question raises StoreError where the disk or the file does not let it be answered.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._epoch = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Any number of times; the next question opens it again."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._connection, self._identity = None, None

    def last(self) -> int:
        """Number of the newest event, 0 where there is none."""
        (row,) = self._ask("SELECT max(number) FROM events") or [(0,)]
        return row[0] or 0

    def event(self, number: int) -> StoredEvent | None:
        """One event."""
        found = self._events("WHERE number = ?", number)
        return found[0] if found else None

    def events(
        self, before: int | None = None, limit: int = 50, label: str | None = None
    ) -> list[StoredEvent]:
        """Newest first, of numbers below `before`."""
        where, values = _all_of(("number < ?", before), ("label = ?", label))
        return self._events(f"{where} ORDER BY number DESC LIMIT ?", *values, limit)

    def events_after(self, number: int, limit: int) -> list[StoredEvent]:
        """Oldest first, of numbers above `number`."""
        return self._events("WHERE number > ? ORDER BY number LIMIT ?", number, limit)

    def minutes(self, since: int, until: int) -> list[Minute]:
        """Rows of the minute table, `since` ≤ minute < `until`, oldest first."""
        span = (since, until)
        seconds: dict[int, dict[tuple[str | None, str], float]] = {}
        shares = "SELECT minute, region, label, seconds FROM shares"
        for minute, region, label, s in self._ask(
            f"{shares} WHERE minute >= ? AND minute < ?", *span
        ):
            seconds.setdefault(minute, {})[region or None, label] = s
        statement = f"SELECT {MINUTE} FROM minutes WHERE minute >= ? AND minute < ? ORDER BY minute"  # noqa: S608 - ours
        return [to_minute(row, seconds.get(row[0], {})) for row in self._ask(statement, *span)]

    def shares(self, since: int, until: int, step: int) -> list[tuple[int, str | None, str, float]]:
        """(first minute of the bucket, region, label, seconds), for buckets of `step` minutes.

        Buckets begin at multiples of `step`; of `since` ≤ minute < `until`.
        """
        rows = self._ask(
            "SELECT minute / ? * ? AS bucket, region, label, sum(seconds) FROM shares "
            "WHERE minute >= ? AND minute < ? GROUP BY bucket, region, label",
            step,
            step,
            since,
            until,
        )
        return [(bucket, region or None, label, seconds) for bucket, region, label, seconds in rows]

    def snapshots(
        self,
        kind: PictureKind | None = None,
        *,
        unmarked: bool = False,
        marked: bool = False,
        before_name: str | None = None,
        limit: int = 50,
    ) -> list[Snapshot]:
        """Newest (greatest name) first."""
        where, values = _all_of(
            ("kind = ?", kind),
            ("name < ?", before_name),
            ("truth IS NULL AND ?", unmarked or None),
            ("truth IS NOT NULL AND ?", marked or None),
        )
        return self._snapshots(f"{where} ORDER BY name DESC LIMIT ?", *values, limit)

    def snapshot(self, name: str) -> Snapshot | None:
        """One picture."""
        found = self._snapshots("WHERE name = ?", name)
        return found[0] if found else None

    def _events(self, rest: str, *values: Any) -> list[StoredEvent]:
        rows = self._ask(f"SELECT {EVENT} FROM events {rest}", *values)  # noqa: S608 - ours
        return [to_event(row, self._epoch) for row in rows]

    def _snapshots(self, rest: str, *values: Any) -> list[Snapshot]:
        rows = self._ask(f"SELECT {SNAPSHOT} FROM snapshots {rest}", *values)  # noqa: S608 - ours
        return [to_snapshot(row) for row in rows]

    def _ask(self, statement: str, *values: Any) -> list[Row]:
        """All rows at once: a statement left open would keep the writer's log from ending."""
        try:
            try:
                return self._rows(statement, values)
            except sqlite3.Error:  # of a file that was replaced meanwhile, perhaps
                self.close()
                return self._rows(statement, values)
        except FileNotFoundError:
            self.close()
            return []
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise StoreError(f"the store cannot be read: {self._path}: {error}") from error

    def _rows(self, statement: str, values: tuple[Any, ...]) -> list[Row]:
        identity = identify(self._path)
        db = self._connection
        if db is None or identity != self._identity:
            db = self._open(identity)
        return db.execute(statement, values).fetchall()

    def _open(self, identity: tuple[int, int]) -> sqlite3.Connection:
        self.close()
        self._connection = db = _connect(self._path, "ro", _BUSY_S)
        (self._epoch,) = db.execute("SELECT epoch FROM store").fetchone()
        self._identity = identity
        return db


def mark(folder: Path, name: str, truth: str | None) -> bool:
    """Say what a picture shows ("" for "not that", None to take it back); False: no such one.

    Raises:
        StoreError: the disk does not let it, or another writer takes too long.
    """
    path = folder / NAME
    if not path.exists():
        return False
    try:
        with contextlib.closing(_connect(path, "rw", _MARK_BUSY_S)) as db:
            db.execute("PRAGMA synchronous = FULL")
            set_ = "UPDATE snapshots SET truth = ? WHERE name = ?"
            return db.execute(set_, (truth, name)).rowcount == 1
    except sqlite3.Error as error:
        raise StoreError(f"the mark of {name} cannot be written: {path}: {error}") from error


def _connect(path: Path, mode: str, busy_s: float) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(
        address, uri=True, timeout=busy_s, isolation_level=None, check_same_thread=False
    )


def _all_of(*conditions: tuple[str, Any]) -> tuple[str, list[Any]]:
    """WHERE all conditions whose value is not None, and the values."""
    wanted = [(text, value) for text, value in conditions if value is not None]
    where = " AND ".join(text for text, _ in wanted)
    return f"WHERE {where}" if where else "", [value for _, value in wanted]
