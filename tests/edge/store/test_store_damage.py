"""A file that is no good is set aside, and the daemon goes on with a fresh one."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from galago.edge.record import Record
from galago.edge.store.database import KEPT_ASIDE, NAME, Database, _made
from galago.edge.store.reader import Reader
from galago.edge.store.schema import MIGRATIONS, SCHEMA_VERSION
from galago.edge.store.settings import StoreSettings
from galago.errors import StoreError
from tests.edge.store.helping import event, eventually, record, recording, settled, stored, values


def overwrite(path: Path, begin: int, end: int | None = None) -> None:
    """Put noise in the place of some of a file's bytes."""
    with path.open("r+b") as file:
        size = (end or path.stat().st_size) - begin
        file.seek(begin)
        file.write(os.urandom(size))


def cut(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def statement(sql: str) -> Callable[[Path], None]:
    def run(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.executescript(sql)

    return run


def become_anothers(path: Path) -> None:
    path.unlink()
    statement("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('plum cake')")(path)


DAMAGE = {
    "noise at its beginning": lambda path: overwrite(path, 0, 200),
    "noise in its middle": lambda path: overwrite(path, 8192),
    "cut short": lambda path: cut(path, 0.6),
    "cut within a page": lambda path: cut(path, 0.61),
    "empty": lambda path: cut(path, 0),
    "a text": lambda path: path.write_text("what was here before?\n" * 500),
    "of a newer version": statement(f"PRAGMA user_version = {SCHEMA_VERSION + 1}"),
    "somebody else's": become_anothers,
    "without a table": statement("DROP TABLE events"),
    "without a column": statement("ALTER TABLE events DROP COLUMN region"),
    "without an epoch": statement("DELETE FROM store"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_file_that_cannot_serve_is_set_aside(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """It is kept as it was; health tells; a fresh one takes events, and stays at the next start."""
    record(tmp_path, *map(event, range(500)))
    damage(tmp_path / NAME)
    damaged = (tmp_path / NAME).read_bytes()
    with recording(tmp_path) as (recorder, health):
        recorder.put(Record(event(1)))
        assert settled(recorder)
        cause = health.states["store.replaced"].cause
    (aside,) = tmp_path.glob(f"{NAME}.broken-*")
    assert aside.name in cause
    assert "\n" not in cause
    assert aside.read_bytes() == damaged
    assert values(tmp_path) == [1]
    with recording(tmp_path) as (recorder, health):
        recorder.register("mqtt")
        assert not health.states
    assert values(tmp_path) == [1]


def test_a_file_that_is_whole_stays(tmp_path: Path) -> None:
    """The counterpart of the above, with a log that nobody has folded in yet."""
    with recording(tmp_path) as (recorder, _):
        recorder.put(Record(event(1)))
        assert settled(recorder)
        for name in (NAME, f"{NAME}-wal"):
            (tmp_path / "copy").mkdir(exist_ok=True)
            (tmp_path / "copy" / name).write_bytes((tmp_path / name).read_bytes())
    with recording(tmp_path / "copy") as (recorder, health):
        recorder.register("mqtt")
        assert not health.states
    assert values(tmp_path / "copy") == [1]


def test_damage_that_is_met_later_is_survived_without_a_restart(tmp_path: Path) -> None:
    """Numbers go on, so that publishers' places stay true; what is new reaches them."""
    count = 30_000  # more than SQLite holds in memory
    record(tmp_path)
    many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT ?) "
    with closing(sqlite3.connect(tmp_path / NAME)) as db:
        columns = "x, x, 'cat', 0.9, 'dog', 3.5, NULL, hex(zeroblob(32)), 'pi', NULL"
        db.execute(f"{many} INSERT INTO events SELECT {columns} FROM n", (count,))  # noqa: S608
        db.commit()
    told: list[int] = []
    with recording(tmp_path, StoreSettings(commit_s=0, keep_events=count)) as (recorder, health):
        recorder.subscribe(lambda events: told.extend(one.number for one in events))
        assert recorder.register("mqtt") == count
        recorder.acknowledge("mqtt", count)
        epoch = stored(tmp_path)[0].id.rpartition("-")[0]
        overwrite(tmp_path / NAME, 10 * 4096, (tmp_path / NAME).stat().st_size - 100 * 4096)
        for number in range(10):  # the oldest go, and there it is met
            recorder.put(Record(event(number)))
            assert settled(recorder)
        assert told == list(range(count + 1, count + 11))
        assert health.states.keys() == {"store.replaced"}
    found = stored(tmp_path)
    assert (found[-1].number, found[-1].event.seconds) == (count + 10, 9)
    assert not found[-1].id.startswith(epoch)
    with recording(tmp_path) as (recorder, health):
        assert recorder.register("mqtt") == count
        recorder.put(Record(event(10)))
        assert eventually(lambda: stored(tmp_path)[-1].number == count + 11)
        assert not health.states


def test_damage_that_nobody_meets_is_found_within_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a day that is half a second here; the alarm lasts as long, and then it is over."""
    monkeypatch.setattr("galago.edge.store.recorder._DAY_S", 0.5)
    record(tmp_path, *map(event, range(500)))
    with recording(tmp_path) as (recorder, health):

        def comes(wrong: bool) -> bool:
            recorder.put(Record(event(0)))
            return ("store.replaced" in health.states) is wrong

        assert settled(recorder)
        overwrite(tmp_path / NAME, 8192)
        assert eventually(lambda: comes(wrong=True))
        assert eventually(lambda: comes(wrong=False))
    assert len(list(tmp_path.glob(f"{NAME}.broken-*"))) == 1


def test_a_folder_of_the_files_name_is_set_aside(tmp_path: Path) -> None:
    """It cannot be opened, and waiting would not help."""
    (tmp_path / NAME).mkdir()
    with recording(tmp_path) as (recorder, health):
        recorder.put(Record(event(1)))
        assert settled(recorder)
        assert "store.replaced" in health.states


def test_a_log_of_a_file_that_is_gone_is_not_taken_for_the_new_ones(tmp_path: Path) -> None:
    """As after `rm galago.db` alone."""
    with recording(tmp_path) as (recorder, _):
        recorder.put(Record(event(1)))
        assert settled(recorder)
        log = (tmp_path / f"{NAME}-wal").read_bytes()
    (tmp_path / NAME).unlink()
    (tmp_path / f"{NAME}-wal").write_bytes(log)
    record(tmp_path, event(2))
    assert values(tmp_path) == [2]
    assert not list(tmp_path.glob("*broken*"))


def test_few_broken_files_are_kept(tmp_path: Path) -> None:
    """The newest of them, whatever they take."""
    for number in range(5):
        record(tmp_path, event(number))
        (tmp_path / NAME).write_text(f"noise {number}")
    record(tmp_path, event(9))
    kept = [path.read_text() for path in tmp_path.glob(f"{NAME}.broken-*")]
    assert len(kept) == KEPT_ASIDE
    assert "noise 4" in kept


def test_a_file_of_an_older_version_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step by step, its events stay."""
    record(tmp_path, event(1))
    statement("ALTER TABLE minutes DROP COLUMN health; PRAGMA user_version = 0")(tmp_path / NAME)
    step = "ALTER TABLE minutes ADD COLUMN health TEXT NOT NULL DEFAULT ''"
    monkeypatch.setitem(MIGRATIONS, 0, step)
    with recording(tmp_path) as (recorder, health):
        recorder.put(Record(event(2)))
        assert settled(recorder)
        assert not health.states
    assert values(tmp_path) == [1, 2]


def test_a_start_that_was_cut_off_while_the_file_was_made_is_no_damage(tmp_path: Path) -> None:
    """What is half made has another name."""
    for name in ("", "-wal", "-shm", "-journal"):
        (tmp_path / f"{NAME}.new{name}").write_bytes(b"half")
    with recording(tmp_path) as (recorder, health):
        recorder.put(Record(event(1)))
        assert settled(recorder)
        assert not health.states
    assert {path.name for path in tmp_path.iterdir()} == {NAME}


def test_a_file_has_its_log_before_it_has_its_name(tmp_path: Path) -> None:
    """To change to one later, SQLite makes a journal, which after a kill keeps readers out."""
    new = _made(tmp_path / NAME)
    assert new.read_bytes()[18:20] == b"\2\2"  # sqlite.org/fileformat2.html, 1.3.3
    assert [path.name for path in tmp_path.iterdir()] == [new.name]


def test_a_reader_goes_over_to_the_new_file(tmp_path: Path) -> None:
    """And where there is none yet, nothing is found."""
    with Reader(tmp_path) as reader:
        assert (reader.last(), reader.events(), reader.event(1)) == (0, [], None)
        assert (reader.snapshots(), reader.minutes(0, 9), reader.shares(0, 9, 1)) == ([], [], [])
        record(tmp_path, event(1), event(2))
        first = reader.events()
        Database.replace(tmp_path, "a test").close()
        assert reader.events() == []
        record(tmp_path, event(3))
        (second,) = reader.events()
        assert second.id.rpartition("-")[0] != first[0].id.rpartition("-")[0]


def test_a_reader_says_that_a_file_cannot_be_read(tmp_path: Path) -> None:
    """In one kind of error, and reads again when there is something to read."""
    (tmp_path / NAME).write_text("noise " * 1000)
    with Reader(tmp_path) as reader:
        with pytest.raises(StoreError, match=r"cannot be read: .*galago\.db"):
            reader.last()
        record(tmp_path, event(1))
        assert reader.last() == 1
