"""The pictures of a store: their files, their rows, and a ceiling that is never passed.

- Room is made before anything is written. What counts is what files and folders take on the disk,
  which is more than their length.
- A row appears when its files are on the disk to stay. What a kill leaves between the two,
  `reconcile` mends.
- Whatever the disk does, `add` only says no: nothing half-written is left, health says why.
- Which picture goes is judged elsewhere (galago.edge.snapshots.worth); a newcomer never pushes out
  what a person has marked.

    shelf = Shelf(folder, settings, health)
    shelf.reconcile(db)
    with db:
        kept = shelf.add(db, picture)
"""

import errno
import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic_ns

from galago.edge.health import Health
from galago.edge.record import Film, Picture, ShelfFacts
from galago.edge.snapshots.ledger import Ledger
from galago.edge.snapshots.mending import mend
from galago.edge.snapshots.place import PICTURES, day, files
from galago.edge.snapshots.settings import SnapshotSettings
from galago.edge.snapshots.worth import Worth
from galago.edge.snapshots.writing import round_up, write_all

_MB = 1_000_000
_AT_ONCE = 32  # pictures that go in one call where the call is not short of that room itself

_FOLDERS = (
    4  # blocks that folders may grow by: an ext4 folder that gets an index takes two or three
)

_INSERT = "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, NULL)"
_FILM = "UPDATE snapshots SET clip = 1, bytes = bytes + ? WHERE name = ?"
_ABOUT = "SELECT kind, label, bytes, truth FROM snapshots WHERE name = ?"
_DELETE = "DELETE FROM snapshots WHERE name = ?"


class Shelf:
    """The pictures below `folder`/pictures; for one thread.

    `settings.keep_mb` is the ceiling; `settings.keep_free_mb` stays free on the disk, as far as
    giving up what may be spared is enough for that.
    """

    def __init__(self, folder: Path, settings: SnapshotSettings, health: Health) -> None:
        self._folder, self._settings, self._health = folder, settings, health
        self._state: _State | None = None

    def add(self, db: sqlite3.Connection, picture: Picture) -> bool:
        """Keep a picture, within a transaction; False: not kept, and health says why.

        Raises:
            sqlite3.Error: of the database; nothing of the picture is left.
        """
        paths = files(self._folder, picture.name)
        contents = (picture.full, picture.crop, picture.thumbnail)
        try:
            size = self._write(db, dict(zip(paths[:3], contents, strict=True)))
        except OSError as error:
            return self._refuse(error)
        try:
            db.execute(_INSERT, (*_values(picture), size))
        except sqlite3.Error:
            _remove(paths)
            raise
        state = self._known(db)
        state.ledger.came(day(picture.name), size)
        state.ledger.measure(day(picture.name))
        state.worth.came(picture.kind, picture.label)
        return self._is_well()

    def add_clip(self, db: sqlite3.Connection, film: Film) -> bool:
        """Keep a film of a picture, within a transaction; False: that is gone, or as `add`.

        Raises:
            sqlite3.Error: of the database; nothing of the film is left.
        """
        path = files(self._folder, film.name).clip
        if not _is_kept(db, film.name):
            return False
        try:
            size = self._write(db, {path: film.clip})
        except OSError as error:
            return self._refuse(error)
        if not _is_kept(db, film.name):  # it was the one to go for its own film
            _remove((path,))
            return False
        try:
            db.execute(_FILM, (size, film.name))
        except sqlite3.Error:
            _remove((path,))
            raise
        self._known(db).ledger.grew(day(film.name), size)
        return self._is_well()

    def reconcile(self, db: sqlite3.Connection) -> None:
        """Make rows and files agree: at start, and after a transaction that failed.

        Whether or not it can, the shelf may be used; until it could, `add` says no.

        Raises:
            sqlite3.Error: of the database.
        """
        self._state = None
        try:
            with _transaction(db):
                self._known(db)
        except OSError as error:
            self._refuse(error)

    def tidy(self, db: sqlite3.Connection) -> bool:
        """Give up some pictures, within a transaction, where they or the disk are too many.

        For a moment of leisure, after a ceiling was lowered: some milliseconds a call. True: there
        is more to do.
        """
        try:
            state = self._known(db)
            state.worth.refresh()
            return self._shrink(state) or self._clear_disk(state)
        except OSError as error:
            return self._refuse(error)

    def facts(self, _db: sqlite3.Connection) -> ShelfFacts:
        """How much is kept."""
        state = self._state
        if state is None:
            return ShelfFacts(0, 0, self._settings.keep_mb)
        return ShelfFacts(state.worth.pictures, state.ledger.bytes, self._settings.keep_mb)

    @property
    def _ceiling(self) -> int:
        return self._settings.keep_mb * _MB

    def _known(self, db: sqlite3.Connection) -> "_State":
        """What is on the shelf: as it was counted, or found out now."""
        if self._state is None or self._state.db is not db:
            ledger = mend(db, self._folder / PICTURES)
            self._state = _State(db, ledger, Worth(db, self._settings.keep_each))
        return self._state

    def _write(self, db: sqlite3.Connection, contents: dict[Path, bytes]) -> int:
        """Write new files of one picture, once there is room; bytes that they take."""
        state = self._known(db)
        ledger, block = state.ledger, state.ledger.block
        need = sum(round_up(len(content), block) + block for content in contents.values())
        self._make_room(state, need + _FOLDERS * block)
        folder = next(iter(contents)).parent
        ledger.open(folder.name)
        try:
            return write_all(contents, block)
        except OSError:
            ledger.drop_if_empty(folder.name)
            raise

    def _make_room(self, state: "_State", need: int) -> None:
        """Give up pictures until `need` bytes fit below the ceiling and into the disk.

        Raises:
            OSError: they do not; what may not be given up for it has stayed.
        """
        state.worth.refresh()
        if self._shrink(state):
            raise _full(f"pictures are being given up until they take {self._settings.keep_mb} MB")
        self._check_ceiling(state, need)
        while state.ledger.bytes + need > self._ceiling:
            name = state.worth.spare() or state.worth.dear()
            if name is None:
                raise _full(f"folders take all of keep_mb, {self._settings.keep_mb}: raise it")
            self._give_up(state, name)
        self._clear_disk(state, need)
        self._check_disk(state, need)

    def _shrink(self, state: "_State") -> bool:
        """Give up a few, if the ceiling was lowered; whether it is still passed."""
        return self._while(lambda: state.ledger.bytes > self._ceiling, state, state.worth.any)

    def _clear_disk(self, state: "_State", need: int = 0) -> bool:
        """Give up a few of what may be spared, if the disk is too full; whether it still is."""
        floor = self._settings.keep_free_mb * _MB
        return self._while(lambda: state.ledger.free() - need < floor, state, state.worth.spare)

    def _while(
        self, wanted: Callable[[], bool], state: "_State", choose: Callable[[], str | None]
    ) -> bool:
        """Give up pictures as long as that is wanted; whether there are more to give up."""
        for _ in range(_AT_ONCE):
            if not wanted():
                return False
            name = choose()
            if name is None:
                return False
            self._give_up(state, name)
        return wanted()

    def _check_ceiling(self, state: "_State", need: int) -> None:
        """See that a picture has its place before others go for it."""
        marked, limit = state.worth.marked_bytes, self._settings.keep_mb
        if need > self._ceiling:
            raise _full(f"one needs {need / _MB:.1f} MB, keep_mb is {limit}: raise it")
        if marked + state.ledger.folders + need > self._ceiling:
            raise _full(
                f"those that were marked take {marked / _MB:.1f} MB of the {limit} of keep_mb: "
                "export them and remove their marks, or raise it"
            )

    def _check_disk(self, state: "_State", need: int) -> None:
        free, floor = state.ledger.free(), self._settings.keep_free_mb
        if free - need < floor * _MB:
            raise _full(
                f"only {free / _MB:.0f} MB of the disk are free, and keep_free_mb is {floor}: "
                "make room"
            )

    def _give_up(self, state: "_State", name: str) -> None:
        """Remove one: its files first, since a file without a row would not be counted."""
        _remove(files(self._folder, name))
        kind, label, size, truth = state.db.execute(_ABOUT, (name,)).fetchone()
        state.db.execute(_DELETE, (name,))
        state.ledger.went(day(name), size)
        state.worth.went(kind, label, size, marked=truth is not None)

    def _refuse(self, error: OSError) -> bool:
        where = f"{self._folder / PICTURES}: no picture is kept, events are"
        cause = f"{where}: {error.strerror or error}"
        self._health.report("snapshots.failed", cause, monotonic_ns())
        return False

    def _is_well(self) -> bool:
        self._health.report("snapshots.failed", None, monotonic_ns())
        return True


@dataclass(frozen=True, slots=True)
class _State:
    """What was counted, by way of one connection."""

    db: sqlite3.Connection
    ledger: Ledger
    worth: Worth


def _values(picture: Picture) -> tuple[object, ...]:
    score = min(max(picture.score, 0.0), 1.0) if math.isfinite(picture.score) else 0.0
    about = (picture.name, picture.kind, picture.time_ms, picture.label, score)
    return (*about, picture.region, picture.model)


def _is_kept(db: sqlite3.Connection, name: str) -> bool:
    return db.execute("SELECT 1 FROM snapshots WHERE name = ?", (name,)).fetchone() is not None


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _full(cause: str) -> OSError:
    return OSError(errno.ENOSPC, cause)


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    """One of our own, unless the caller has begun one."""
    if db.in_transaction:
        yield
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.commit()
