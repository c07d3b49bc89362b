"""What a person says of a picture is kept beside it, by another process than the one writer."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from galago.edge.health import Health
from galago.edge.record import Film, Picture, Record
from galago.edge.snapshots.settings import SnapshotSettings
from galago.edge.snapshots.shelf import Shelf
from galago.edge.store.database import NAME
from galago.edge.store.reader import Reader, mark
from galago.edge.store.recorder import Recorder
from galago.errors import StoreError
from tests.edge.store.helping import AT_ONCE, event, eventually, picture, record, settled

NAMES = [f"20261124T21595{number}.123Z_cat" for number in range(4)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with four pictures, the last one uncertain; the first has a film."""
    health = Health()
    shelf = Shelf(tmp_path, SnapshotSettings(keep_free_mb=0), health)
    with Recorder(tmp_path, AT_ONCE, health, shelf) as recorder:
        for number, name in enumerate(NAMES[:3]):
            recorder.put(Record(event(number, snapshot=name), picture(name)))
        last = picture(NAMES[3])
        fields = {field: getattr(last, field) for field in Picture.__slots__}
        recorder.put(Record(picture=Picture(**fields | {"kind": "uncertain"})))
        recorder.put(Record(film=Film(NAMES[0], b"webm")))
        assert settled(recorder)
        assert eventually(lambda: recorder.facts()["snapshots"] == 4)
    return tmp_path


def test_pictures_are_found_newest_first(folder: Path) -> None:
    """By kind, and page after page."""
    with Reader(folder) as reader:
        assert [shot.name for shot in reader.snapshots()] == NAMES[::-1]
        assert [shot.name for shot in reader.snapshots("uncertain")] == NAMES[3:]
        assert [shot.name for shot in reader.snapshots(limit=2)] == NAMES[:1:-1]
        assert [shot.name for shot in reader.snapshots(before_name=NAMES[2])] == NAMES[1::-1]
        first = reader.snapshot(NAMES[0])
        assert first is not None
        assert (first.clip, first.truth, first.label) == (True, None, "cat")
        assert first.bytes > 0
        assert reader.snapshot("no such") is None


def test_a_mark_is_kept_and_can_be_taken_back(folder: Path) -> None:
    """Right, wrong, and unsaid again; what is unmarked is left to be shown."""
    assert mark(folder, NAMES[0], "cat")
    assert mark(folder, NAMES[1], "")
    with Reader(folder) as reader:
        assert [shot.truth for shot in reader.snapshots(marked=True)] == ["", "cat"]
        assert [shot.name for shot in reader.snapshots(unmarked=True)] == NAMES[:1:-1]
        assert mark(folder, NAMES[1], None)
        assert [shot.name for shot in reader.snapshots(marked=True)] == NAMES[:1]


def test_a_mark_of_no_picture_says_so(folder: Path, tmp_path: Path) -> None:
    """Of a picture that is gone, or of no store."""
    assert not mark(folder, "gone", "cat")
    assert not mark(tmp_path / "nowhere", NAMES[0], "cat")


def test_a_mark_waits_for_another_writer_and_not_for_ever(folder: Path) -> None:
    """An error then, in the one kind."""
    with closing(sqlite3.connect(folder / NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=f"the mark of {NAMES[0]} cannot be written"):
            mark(folder, NAMES[0], "cat")
    assert mark(folder, NAMES[0], "cat")


def test_events_are_found_by_label_and_page(tmp_path: Path) -> None:
    """Newest first, below a number."""
    record(tmp_path, *(event(number, ("cat", "dog")[number % 2]) for number in range(10)))
    with Reader(tmp_path) as reader:
        assert [one.number for one in reader.events(limit=3)] == [10, 9, 8]
        assert [one.number for one in reader.events(before=8, limit=3)] == [7, 6, 5]
        assert [one.number for one in reader.events(before=8, label="cat", limit=2)] == [7, 5]
        assert [one.number for one in reader.events_after(7, 2)] == [8, 9]
        assert reader.last() == 10


def test_reading_keeps_nobody_from_writing(tmp_path: Path) -> None:
    """A reader that asks all the time, and a writer that is never late for it."""
    with Recorder(tmp_path, AT_ONCE, Health(), None) as recorder, Reader(tmp_path) as reader:
        deadline = time.monotonic() + 10
        for number in range(200):
            recorder.put(Record(event(number)))
            reader.events()
            reader.shares(0, 100, 1)
        while reader.last() < 200 and time.monotonic() < deadline:
            reader.events()
        assert reader.last() == 200
