"""Whatever the disk does, nobody waits, health says why, and all is written when it is back."""

import ctypes
import os
import shutil
import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest

from galago.edge.health import Health
from galago.edge.record import Film, Picture, Record, ShelfFacts, StoredEvent
from galago.edge.snapshots.settings import SnapshotSettings
from galago.edge.snapshots.shelf import Shelf
from galago.edge.store.database import NAME
from galago.edge.store.reader import Reader
from galago.edge.store.recorder import Recorder
from galago.edge.store.waiting import ROOM, ROOM_BYTES
from tests.edge.store.helping import (
    AT_ONCE,
    event,
    eventually,
    fill,
    picture,
    record,
    recording,
    settled,
    small_disk,
    values,
)

_NOBODY = 65534


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is tried again a tenth of a second after it failed, not a second."""
    monkeypatch.setattr("galago.edge.store.recorder._FIRST_PAUSE_S", 0.1)


def remount(place: Path, how: str) -> None:
    """Let a file system be read-only (ro), or not (rw)."""
    assert os.system(f"mount -o remount,{how} {place}") == 0  # noqa: S605 - a test's own folder


def fails(health: Health, cause: str) -> bool:
    """Whether the store comes to say that it failed for this cause."""
    return eventually(
        lambda: "store.failed" in health.states and cause in health.states["store.failed"].cause
    )


def well(health: Health) -> bool:
    """Whether nothing is wrong any more within a few seconds."""
    return eventually(lambda: not health.states)


def test_a_full_disk(tmp_path: Path) -> None:
    """What waits is written when there is room; publishers are told all of it, once."""
    told: list[float] = []
    with small_disk(tmp_path / "disk") as disk, recording(disk / "state") as (recorder, health):
        recorder.subscribe(lambda events: told.extend(one.event.seconds for one in events))
        recorder.put(Record(event(0)))
        assert settled(recorder)
        filler = fill(disk)
        for number in range(1, 2000):
            recorder.put(Record(event(number)))
        assert fails(health, "the disk is full")
        assert recorder.register("mqtt") <= 2000  # reading is possible
        filler.unlink()
        assert settled(recorder)
        assert well(health)
        assert values(disk / "state") == list(range(2000))
        assert told == list(range(2000))


def test_a_disk_that_is_full_at_the_start(tmp_path: Path) -> None:
    """There is no database yet, and the daemon runs all the same."""
    with small_disk(tmp_path / "disk") as disk:
        filler = fill(disk)
        with recording(disk / "state") as (recorder, health):
            recorder.put(Record(event(1)))
            assert fails(health, "the disk is full")
            assert recorder.register("mqtt", timeout_s=0.1) == 0
            filler.unlink()
            assert settled(recorder)
            assert well(health)
        assert values(disk / "state") == [1]
        with recording(disk / "state") as (recorder, _):
            assert recorder.register("mqtt") == 0  # and so it is told the event


def test_a_read_only_disk(tmp_path: Path) -> None:
    """As after an error of the card, when the kernel lets nothing be written any more."""
    with small_disk(tmp_path / "disk") as disk:
        with recording(disk) as (recorder, _):
            recorder.put(Record(event(0)))
        remount(disk, "ro")
        with recording(disk) as (recorder, health):
            recorder.put(Record(event(1)))
            assert fails(health, "the file system is read-only")
            remount(disk, "rw")
            assert settled(recorder)
            assert well(health)
        assert values(disk) == [0, 1]


def test_a_cause_that_changes_is_told(tmp_path: Path) -> None:
    """Health never shows what was wrong before."""
    with small_disk(tmp_path / "disk") as disk:
        filler = fill(disk)
        with recording(disk / "state") as (recorder, health):
            recorder.put(Record(event(1)))
            assert fails(health, "the disk is full")
            remount(disk, "ro")
            assert fails(health, "the file system is read-only")
            remount(disk, "rw")
            filler.unlink()
            assert settled(recorder)
            assert well(health)


def test_permission_that_is_lost() -> None:
    """And that comes back. Root may do anything, so the writing thread becomes nobody first."""

    def become_nobody(_events: list[StoredEvent]) -> None:
        if os.geteuid() == 0:
            ctypes.CDLL(None).setfsuid(_NOBODY)  # of this thread alone

    with tempfile.TemporaryDirectory() as place:  # pytest's own is not for others to enter
        Path(place).chmod(0o755)
        folder = Path(place) / "state"
        with recording(folder) as (recorder, health):
            recorder.subscribe(become_nobody)
            recorder.put(Record(event(0)))
            assert settled(recorder)
            folder.chmod(0)
            recorder.put(Record(event(1)))
            assert fails(health, "no permission to write there")
            for file in folder.iterdir():
                file.chmod(0o666)
            folder.chmod(0o777)
            assert settled(recorder)
            assert well(health)
        assert values(folder) == [0, 1]


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_file_that_goes_is_made_again(tmp_path: Path, what: str) -> None:
    """Without an error from SQLite, which would write on to what has no name any more."""
    folder = tmp_path / "state"
    with recording(folder) as (recorder, health):
        recorder.put(Record(event(0)))
        assert settled(recorder)
        if what == "folder":
            shutil.rmtree(folder)
        else:
            (folder / NAME).unlink()
        recorder.put(Record(event(1)))
        assert settled(recorder)
        with Reader(folder) as reader:
            assert [(one.number, one.event.seconds) for one in reader.events()] == [(2, 1.0)]
        assert not health.states


def test_a_folder_that_is_in_the_way(tmp_path: Path) -> None:
    """A file where the folder should be: the store waits until it is gone."""
    folder = tmp_path / "state"
    folder.write_text("in the way")
    with recording(folder) as (recorder, health):
        recorder.put(Record(event(1)))
        assert fails(health, "state")
        folder.unlink()
        assert settled(recorder)
        assert well(health)
    assert values(folder) == [1]


def test_what_waits_is_bounded_and_what_found_no_room_is_counted(tmp_path: Path) -> None:
    """The first events are kept, in their order; the loop's thread is never held up."""
    folder = tmp_path / "state"
    folder.write_text("in the way")
    with recording(folder) as (recorder, health):
        assert fails(health, "state")
        for number in range(ROOM + 500):
            recorder.put(Record(event(number)))
        assert (recorder.facts()["pending"], recorder.facts()["lost"]) == (ROOM, 500)
        assert eventually(lambda: "store.full" in health.states)
        folder.unlink()
        assert settled(recorder)
        assert well(health)
        assert recorder.facts()["lost"] == 500
    assert values(folder) == list(range(ROOM))


def test_pictures_find_no_room_before_events_do(tmp_path: Path) -> None:
    """An event whose picture found none says so, and is stored."""
    folder = tmp_path / "state"
    folder.write_text("in the way")
    health = Health()
    shelf = Shelf(folder, SnapshotSettings(keep_free_mb=0), health)
    size = ROOM_BYTES // 4
    names = [f"20261124T215955.{number:03}Z_cat" for number in range(6)]
    with Recorder(folder, AT_ONCE, health, shelf) as recorder:
        assert fails(health, "state")
        for number, name in enumerate(names):
            recorder.put(Record(event(number, snapshot=name), picture(name, size)))
        folder.unlink()
        assert settled(recorder)
    with Reader(folder) as reader:
        kept = [one.event.snapshot for one in reader.events_after(0, 99)]
        assert kept == [*names[:4], None, None]
        assert [shot.name for shot in reader.snapshots()] == names[3::-1]


def test_the_end_comes_in_time_though_the_disk_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing gives up after its time; nothing hangs."""
    monkeypatch.setattr("galago.edge.store.recorder.CLOSE_S", 1.0)
    (tmp_path / "state").write_text("in the way")
    with recording(tmp_path / "state") as (recorder, _):
        recorder.put(Record(event(1)))
    assert recorder.facts()["pending"] == 1
    assert not recorder._thread.is_alive()


def test_a_transaction_that_fails_leaves_no_file_of_a_picture(tmp_path: Path) -> None:
    """The pictures' disk has room, the database's has none: all or nothing, and in the end all."""
    with (
        small_disk(tmp_path / "disk", "3m") as disk,
        small_disk(tmp_path / "pictures", "2m") as two,
    ):
        (disk / "pictures").symlink_to(two)
        health = Health()
        shelf = Shelf(disk, SnapshotSettings(keep_free_mb=0), health)
        names = [f"20261124T215955.{number:03}Z_cat" for number in range(4)]
        with Recorder(disk, AT_ONCE, health, shelf) as recorder:
            recorder.put(Record(event(0, snapshot=names[0]), picture(names[0])))
            assert settled(recorder)
            filler = fill(disk)
            for number in range(1, 200):
                recorder.put(Record(event(number)))
            recorder.put(Record(event(200, snapshot=names[1]), picture(names[1])))
            assert fails(health, "the disk is full")
            filler.unlink()
            assert settled(recorder)
            assert well(health)
        with Reader(disk) as reader:
            rows = {shot.name for shot in reader.snapshots()}
        assert rows == {path.name[:-4] for path in two.rglob("*Z_cat.jpg")} == set(names[:2])


class Slow:
    """A keeper of no pictures, whose start takes its time, or fails."""

    def __init__(self) -> None:
        self.went_on = threading.Event()
        self.error: Exception | None = None

    def add(self, _db: sqlite3.Connection, _picture: Picture) -> bool:
        raise KeyError("a fault of ours")

    def add_clip(self, _db: sqlite3.Connection, _film: Film) -> bool:
        return False

    def tidy(self, _db: sqlite3.Connection) -> bool:
        return False

    def reconcile(self, _db: sqlite3.Connection) -> None:
        self.went_on.wait(10)
        if self.error is not None:
            raise self.error

    def facts(self, _db: sqlite3.Connection) -> ShelfFacts:
        return ShelfFacts(0, 0, 0)


def test_a_publisher_is_told_its_place_while_pictures_are_put_in_order(tmp_path: Path) -> None:
    """That may take long; a place of 0 would have all events told again."""
    shelf = Slow()
    record(tmp_path, event(0), event(1))
    with recording(tmp_path, shelf=shelf) as (recorder, _):
        assert recorder.register("mqtt") == 2
        assert not shelf.went_on.is_set()
        shelf.went_on.set()


def test_a_shelf_that_fails_at_the_start_costs_no_event(tmp_path: Path) -> None:
    """They wait, whatever is wrong with it."""
    shelf = Slow()
    shelf.error = KeyError("a fault of ours")
    shelf.went_on.set()
    with recording(tmp_path, shelf=shelf) as (recorder, health):
        recorder.put(Record(event(0)))
        assert fails(health, "a fault of ours")
        shelf.error = None
        assert settled(recorder)
        assert well(health)
        assert recorder.facts()["lost"] == 0
    assert values(tmp_path) == [0]


def test_a_picture_that_cannot_be_kept_costs_no_event(tmp_path: Path) -> None:
    """Not even by a fault in our own code."""
    shelf = Slow()
    shelf.went_on.set()
    name = "20261124T215955.123Z_cat"
    with recording(tmp_path, shelf=shelf) as (recorder, _):
        recorder.put(Record(event(0, snapshot=name), picture(name)))
        recorder.put(Record(event(1)))
        assert settled(recorder)
        assert recorder.facts()["lost"] == 0
    with Reader(tmp_path) as reader:
        assert [one.event.snapshot for one in reader.events_after(0, 9)] == [None, None]
    assert values(tmp_path) == [0, 1]
