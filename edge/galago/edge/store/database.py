"""`galago.db`: opened, made, or set aside and made anew.

- Opening succeeds whatever state the file is in: one that is damaged, cut short, empty, of a newer
  version or of somebody else is renamed to `galago.db.broken-TIME`, and a fresh one is made.
- Few of those are kept, so that a disk that damages files does not fill with them.
- The file appears whole, under its name, in one step: an empty one was never ours.
- Only the disk can keep it from opening; that is for the caller to retry.

    database = Database.open(folder)
    database.connection.execute(…)
"""

import contextlib
import dataclasses
import secrets
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from galago.edge.store.cause import BrokenError, is_broken
from galago.edge.store.schema import MIGRATIONS, PRAGMAS, SCHEMA_VERSION, TABLES
from galago.files import fsync

NAME = "galago.db"
KEPT_ASIDE = 2  # broken files; each may be as big as the store
BUSY_S = 5.0  # a mark of the page, or a check by hand, is over in less
CHECK_S = 5.0  # as long as a start may wait for the check of the file
_BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Database:
    """The one connection that writes; of the thread that opened it.

    `epoch`: of this database and no other. `set_aside`: where the former file is, if it had to go
    at this opening, and `cause` why.
    """

    path: Path
    connection: sqlite3.Connection
    epoch: str
    identity: tuple[int, int]
    set_aside: Path | None = None
    cause: str | None = None

    @classmethod
    def open(cls, folder: Path, known: tuple[int, int] | None = None) -> "Database":
        """Open the database of `folder`, making what is missing.

        All of the file is looked through, for CHECK_S at most, unless its identity is `known`:
        what was open before was checked then, and damage is found when it is met.

        Raises:
            OSError, sqlite3.OperationalError: the disk does not let it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / NAME
        try:
            check = identify(path) != known
        except FileNotFoundError:
            _put_in_place(_made(path), path)
            return cls._opened(path, check=False)
        try:
            return cls._opened(path, check=check)
        except BrokenError as error:
            return cls.replace(folder, str(error))

    @classmethod
    def replace(cls, folder: Path, cause: str) -> "Database":
        """Set the file aside, whatever is in it, and open a fresh one; raises as `open` does."""
        path = folder / NAME
        new = _made(path)  # first: what needs room on the disk fails before anything is moved
        aside = _set_aside(path)
        _put_in_place(new, path)
        return dataclasses.replace(cls._opened(path, check=False), set_aside=aside, cause=cause)

    @classmethod
    def _opened(cls, path: Path, *, check: bool) -> "Database":
        identity = identify(path)
        if not path.is_file() or path.stat().st_size == 0:
            raise BrokenError(
                "it is empty"
            )  # never ours: what we make has its name when it is whole
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            epoch = _made_fit(connection, check=check)
        except sqlite3.DatabaseError as error:
            connection.close()
            if is_broken(error):
                raise BrokenError(str(error)) from error
            raise
        except BaseException:
            connection.close()
            raise
        return cls(path, connection, epoch, identity)

    def in_place(self) -> bool:
        """Whether the file under the name is still the one that is open."""
        try:
            return identify(self.path) == self.identity
        except OSError:
            return False

    def close(self) -> None:
        """Any number of times; a disk that fails now is no news."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.close()


def identify(path: Path) -> tuple[int, int]:
    """Device and inode, which another file of the same name does not share."""
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def _made_fit(db: sqlite3.Connection, *, check: bool) -> str:
    """Judge the file, bring it to this version, and return its epoch."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise BrokenError(f"it is of version {version}, this galago reads up to {SCHEMA_VERSION}")
    if version != SCHEMA_VERSION and version not in MIGRATIONS:
        raise BrokenError("it is no store of events")
    db.executescript(PRAGMAS)  # from here on the file is written to, so it had better be ours
    if check:
        _check(db)
    for step in range(version, SCHEMA_VERSION):
        _migrate(db, step)
    if not _schema(db) >= _wanted_schema():
        raise BrokenError("its tables are not those of a store of events")
    row = db.execute("SELECT epoch FROM store").fetchone()
    if row is None:
        raise BrokenError("it has no epoch")
    return str(row[0])


def _check(db: sqlite3.Connection) -> None:
    deadline = time.monotonic() + CHECK_S
    db.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return  # what the time did not suffice for is found when it is met
    finally:
        db.set_progress_handler(None, 0)
    if found != "ok":
        raise BrokenError(" ".join(str(found).split()))


def _migrate(db: sqlite3.Connection, version: int) -> None:
    db.executescript(
        f"BEGIN IMMEDIATE; {MIGRATIONS[version]}; PRAGMA user_version = {version + 1}; COMMIT;"
    )


def _schema(db: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """Table, column and its type, of all."""
    return set(
        db.execute(
            "SELECT t.name, c.name, c.type FROM sqlite_schema t JOIN pragma_table_info(t.name) c "
            "WHERE t.type = 'table'"
        )
    )


def _wanted_schema() -> set[tuple[str, str, str]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.executescript(TABLES)
        return _schema(db)


def _made(path: Path) -> Path:
    """An empty store beside its name, whole and safe, and with a log already.

    To become so under its own name, it would need a journal for a moment, and a reader that finds
    that after a kill could not read.
    """
    new = path.with_name(f"{NAME}.new")
    new.unlink(missing_ok=True)
    _drop_beside(new)
    with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as db:
        db.executescript(f"PRAGMA journal_mode = WAL; BEGIN; {TABLES}; COMMIT;")
        db.execute("INSERT INTO store VALUES (?)", (secrets.token_hex(6),))
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    fsync(new)
    return new


def _put_in_place(new: Path, path: Path) -> None:
    _drop_beside(path)  # of a file that is gone: SQLite would take them for the new one's
    new.replace(path)
    fsync(path.parent)


def _drop_beside(path: Path) -> None:
    for name in _BESIDE:
        Path(f"{path}{name}").unlink(missing_ok=True)


def _set_aside(path: Path) -> Path | None:
    """Rename the file, and then what is beside it, which without it goes at the next start."""
    if not path.exists():
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = path.with_name(f"{NAME}.broken-{stamp}")
    while aside.exists():
        aside = aside.with_name(f"{aside.name}x")
    path.replace(aside)
    for name in _BESIDE:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{name}").replace(f"{aside}{name}")
    _drop_older(aside)
    return aside


def _drop_older(aside: Path) -> None:
    """Keep this one and few of the others: whatever the clock says, this one is the newest."""
    others = [
        file
        for file in aside.parent.glob(f"{NAME}.broken-*")
        if file != aside and not file.name.endswith(_BESIDE)
    ]
    for file in sorted(others)[: max(len(others) + 1 - KEPT_ASIDE, 0)]:
        for name in ("", *_BESIDE):
            with contextlib.suppress(OSError):
                Path(f"{file}{name}").unlink(missing_ok=True)
