"""Making rows and files agree, whatever a kill or a failed transaction has left.

- After it there is no row without its files, no file of ours without its row, no empty folder.
- What is not named as we name files is not ours and is left alone.
- A database that knows no picture at all is a new one, put in the place of one that was damaged: it
  takes up the pictures that are there. Of their label it knows what is in their names.
- One folder is read at a time: memory does not grow with the shelf.

    ledger = mend(db, folder / "pictures")
"""

import re
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from os import DirEntry, scandir
from pathlib import Path
from typing import TypeAlias

from galago.edge.snapshots.ledger import Ledger
from galago.edge.snapshots.place import CLIP_SUFFIX, STILL_SUFFIXES, name_of
from galago.edge.snapshots.place import day as day_of
from galago.edge.snapshots.writing import block_size, taken

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_ADOPT = "INSERT INTO snapshots VALUES (?, 'event', ?, ?, 0, NULL, '', ?, ?, NULL)"

Sizes: TypeAlias = dict[str, int]
"""What each file of a picture takes on the disk, by suffix."""


@dataclass(frozen=True, slots=True)
class _Row:
    bytes: int
    clip: bool


def mend(db: sqlite3.Connection, root: Path) -> Ledger:
    """Make the rows of `db` and the files below `root` agree, within a transaction of the caller's.

    Raises:
        OSError: `root` cannot be read, or what is left over cannot be removed.
        sqlite3.Error: of the database.
    """
    place = root if root.is_dir() else root.parent
    mender = _Mender(db, Ledger(root, block_size(place)))
    days = mender.days()
    for day in days:
        mender.mend(day)
    return mender.ledger


class _Mender:
    def __init__(self, db: sqlite3.Connection, ledger: Ledger) -> None:
        self._db, self.ledger = db, ledger
        self._is_new = db.execute("SELECT 1 FROM snapshots LIMIT 1").fetchone() is None

    def days(self) -> list[str]:
        """Of all folders, and of all rows."""
        rows = self._db.execute("SELECT DISTINCT substr(name, 1, 8) FROM snapshots")
        found = {f"{text[:4]}-{text[4:6]}-{text[6:]}" for (text,) in rows}
        if self.ledger.root.is_dir():
            with scandir(self.ledger.root) as entries:
                found |= {
                    entry.name
                    for entry in entries
                    if _DAY.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
                }
        return sorted(found)

    def mend(self, day: str) -> None:
        found, rows = self._found(day), self._rows(day)
        for name in found.keys() | rows.keys():
            self._agree(day, name, found.get(name, {}), rows.get(name))
        self.ledger.drop_if_empty(day)

    def _found(self, day: str) -> dict[str, Sizes]:
        found: dict[str, Sizes] = {}
        with suppress(FileNotFoundError), scandir(self.ledger.root / day) as entries:
            for entry in entries:
                self._note(entry, found)
        return found

    def _note(self, entry: DirEntry[str], found: dict[str, Sizes]) -> None:
        if named := name_of(entry.name):
            name, suffix = named
            size = taken(entry.stat(follow_symlinks=False), self.ledger.block)
            found.setdefault(name, {})[suffix] = size

    def _rows(self, day: str) -> dict[str, _Row]:
        first = day.replace("-", "")
        query = "SELECT name, bytes, clip FROM snapshots WHERE name >= ? AND name < ?"
        rows = self._db.execute(query, (f"{first}T", f"{first}U"))
        return {name: _Row(bytes_, bool(clip)) for name, bytes_, clip in rows}

    def _agree(self, day: str, name: str, sizes: Sizes, row: _Row | None) -> None:
        is_whole = sizes.keys() >= STILL_SUFFIXES
        if is_whole and row is None and self._is_new and day_of(name) == day:
            row = self._adopt(name, sizes)
        if row is None or not is_whole:
            self._remove(day, name, sizes)
            if row is not None:
                self._db.execute("DELETE FROM snapshots WHERE name = ?", (name,))
            return
        if CLIP_SUFFIX in sizes and not row.clip:  # a film comes last, and was not finished
            self._remove(day, name, {CLIP_SUFFIX: sizes.pop(CLIP_SUFFIX)})
        true = _Row(sum(sizes.values()), CLIP_SUFFIX in sizes)
        if true != row:
            change = "UPDATE snapshots SET bytes = ?, clip = ? WHERE name = ?"
            self._db.execute(change, (true.bytes, true.clip, name))
        self.ledger.came(day, true.bytes)

    def _adopt(self, name: str, sizes: Sizes) -> _Row | None:
        stamp, label = name.split("_")[:2]
        try:
            taken_at = datetime.strptime(stamp, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
        except ValueError:  # figures that are no date: not by us
            return None
        row = _Row(sum(sizes.values()), CLIP_SUFFIX in sizes)
        time_ms = round(taken_at.timestamp() * 1000)
        self._db.execute(_ADOPT, (name, time_ms, label, row.bytes, row.clip))
        return row

    def _remove(self, day: str, name: str, sizes: Sizes) -> None:
        for suffix in sizes:
            (self.ledger.root / day / f"{name}{suffix}").unlink(missing_ok=True)
