"""The shelf: what it keeps, what goes first, and what it does about a disk that fails."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from galago.edge.record import Film
from galago.edge.snapshots.place import files
from galago.edge.snapshots.settings import SnapshotSettings
from tests.edge.snapshots.shelves import EVERYTHING, Store, picture, taken

MOUNT, UMOUNT = shutil.which("mount") or "mount", shutil.which("umount") or "umount"
ONE_MB = SnapshotSettings(keep_mb=1, keep_free_mb=0, keep_each=2)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A shelf with room for everything."""
    return Store(tmp_path / "state")


@pytest.fixture
def full(tmp_path: Path) -> Store:
    """A shelf of one MB that keeps two of each class and has room for seven pictures of 130 kB."""
    return Store(tmp_path / "state", ONE_MB)


def fill(store: Store, count: int, first: int = 0, label: str = "cat", score: float = 0.9) -> None:
    for second in range(first, first + count):
        assert store.add(picture(second, label, score, size=122_000)) == [True]


def seconds(store: Store) -> list[int]:
    """Of the pictures that are kept, after the start."""
    return [60 * int(name[11:13]) + int(name[13:15]) for name in store.names]


def test_a_picture_is_three_files_and_a_row(store: Store) -> None:
    """The files hold what was given; the row says what they take on the disk."""
    given = picture(score=0.75, region="door")
    assert store.add(given) == [True]
    paths = files(store.folder, given.name)
    assert [path.read_bytes() for path in paths[:3]] == [given.full, given.crop, given.thumbnail]
    rows = store.db.execute("SELECT * FROM snapshots").fetchall()
    size = sum(path.stat().st_blocks * 512 for path in paths[:3])
    expected = (given.name, "event", given.time_ms, "cat", 0.75, "door", "0" * 64, size, 0, None)
    assert rows == [expected]
    facts = store.shelf.facts(store.db)
    assert (facts.pictures, facts.bytes) == (1, taken(store.folder / "pictures"))


def test_the_ceiling_is_not_passed_by_a_byte(full: Store) -> None:
    """Folders count, and so does what a file takes beyond its length."""
    for second in range(40):
        assert full.add(picture(second, size=100_001)) == [True]
        assert taken(full.folder / "pictures") <= 1_000_000
    assert full.is_sound()
    assert len(full.names) == 8


def test_the_common_class_goes_before_the_rare_one(full: Store) -> None:
    """A fox that came once is there after a hundred cats."""
    assert full.add(picture(0, "fox", 0.99, size=122_000)) == [True]
    fill(full, 30, first=1)
    assert seconds(full)[0] == 0
    assert len(full.names) == 7


def test_the_certain_go_first_and_of_these_the_oldest(full: Store) -> None:
    """Beyond the newest of the class, which stay."""
    for second, score in enumerate([0.62, 0.93, 0.91, 0.7, 0.99, 0.99, 0.97]):
        assert full.add(picture(second, "cat", score, size=122_000)) == [True]
    order: list[int] = []
    for second in range(7, 12):
        before = set(seconds(full))
        assert full.add(picture(second, "cat", 0.3, size=122_000)) == [True]
        order += before - set(seconds(full))
    assert order == [4, 5, 6, 1, 2]


def test_the_most_common_class_gives_first(full: Store) -> None:
    """Others keep more than they need as long as one has more of it."""
    fill(full, 3, label="fox", score=1.0)
    fill(full, 30, first=10, score=0.2)
    assert seconds(full)[:3] == [0, 1, 2]


def test_the_newest_of_a_class_stay_however_certain(full: Store) -> None:
    """What was seen last can always be looked at; the older and less certain gives way to it."""
    fill(full, 7, score=0.3)
    for second in range(10, 20):
        fill(full, 1, first=second, score=0.99)
        assert {second - 1, second} & set(range(10, 20)) <= set(seconds(full))


def test_events_give_before_what_is_kept_for_labelling(tmp_path: Path) -> None:
    """Even if that is the most common class by itself."""
    store = Store(tmp_path / "state", replace(ONE_MB, keep_each=1))
    for second in range(3):
        assert store.add(picture(second, kind="uncertain", score=0.6, size=122_000)) == [True]
    fill(store, 2, first=3, label="dog")
    fill(store, 3, first=5, label="fox")
    assert seconds(store)[:3] == [0, 1, 2]
    assert len(store.names) == 7


def test_what_is_kept_for_labelling_stays_longer_than_events(full: Store) -> None:
    """As long as it is not more than half of all."""
    for second in range(3):
        assert full.add(picture(second, kind="uncertain", score=0.6, size=122_000)) == [True]
    fill(full, 20, first=3, score=0.2)
    assert seconds(full)[:3] == [0, 1, 2]


def test_what_is_kept_for_labelling_does_not_take_all(full: Store) -> None:
    """A camera in doubt for months still shows its events."""
    fill(full, 7)
    for second in range(10, 40):
        assert full.add(picture(second, kind="uncertain", score=0.5, size=122_000)) == [True]
    kinds = [kind for (kind,) in full.db.execute("SELECT kind FROM snapshots")]
    assert kinds.count("event") >= 3


def test_what_a_person_has_marked_stays(full: Store) -> None:
    """However common and certain it is; the mark comes from another process."""
    fill(full, 3, score=1.0)
    for name, truth in zip(full.names, ("cat", "", "dog"), strict=True):
        full.mark(name, truth)
    fill(full, 30, first=10, score=0.5)
    assert seconds(full)[:3] == [0, 1, 2]


def test_a_mark_that_is_taken_back_counts_no_more(full: Store) -> None:
    """Then the picture goes as any other."""
    fill(full, 1, score=1.0)
    full.mark(full.names[0], "cat")
    fill(full, 10, first=10, score=0.5)
    assert seconds(full)[0] == 0
    full.mark(full.names[0], None)
    fill(full, 1, first=30, score=0.5)
    assert seconds(full)[0] != 0


def test_marked_pictures_are_not_pushed_out_by_new_ones(full: Store) -> None:
    """If they take all the room, nothing new is kept, and health says what to do."""
    fill(full, 7)
    for name in full.names:
        full.mark(name, "dog")
    before = full.files
    assert full.add(picture(100, size=122_000)) == [False]
    assert full.files == before
    assert "those that were marked take" in full.cause
    full.mark(full.names[0], None)
    assert full.add(picture(101, size=122_000)) == [True]
    assert full.cause == ""


def test_the_ceiling_goes_before_what_is_to_stay(full: Store) -> None:
    """More classes than fit: of the most common the oldest goes, the newcomer stays."""
    for second, label in enumerate("abcdefg"):
        fill(full, 1, first=second, label=label)
    fill(full, 1, first=8, label="a")
    fill(full, 1, first=9, label="h")
    labels = [label for (label,) in full.db.execute("SELECT label FROM snapshots")]
    assert max(labels) == "h"
    assert len(labels) == 7
    assert full.cause == ""


def test_a_picture_above_the_ceiling_is_refused(full: Store) -> None:
    """Nothing is given up for what cannot be kept."""
    fill(full, 3)
    assert full.add(picture(10, size=1_000_000)) == [False]
    assert len(full.names) == 3
    assert "keep_mb is 1: raise it" in full.cause


def test_one_large_picture_pushes_out_several(full: Store) -> None:
    """As many as it needs room for, and no more."""
    fill(full, 7)
    assert full.add(picture(10, "dog", size=500_000)) == [True]
    assert len(full.names) == 4
    assert taken(full.folder / "pictures") <= 1_000_000


def test_a_lowered_ceiling_is_reached_step_by_step(tmp_path: Path) -> None:
    """At the next start; until then nothing new is kept. Marked pictures go last."""
    store = Store(tmp_path / "state", replace(EVERYTHING, keep_each=0))
    store.add(*(picture(second, size=12_000) for second in range(150)))
    for name in store.names[:2]:
        store.mark(name, "cat")
    lowered = store.again(replace(ONE_MB, keep_each=50))
    assert lowered.add(picture(1000)) == [False]
    assert "being given up" in lowered.cause
    steps = 0
    while lowered.shelf.tidy(lowered.db):
        steps += 1
    assert steps >= 2
    assert taken(lowered.folder / "pictures") <= 1_000_000
    assert lowered.add(picture(1001)) == [True]
    assert set(seconds(lowered)) >= {0, 1}
    assert lowered.is_sound()


def test_an_empty_folder_goes_with_its_last_picture(tmp_path: Path) -> None:
    """Days without pictures leave nothing behind."""
    store = Store(tmp_path / "state", replace(ONE_MB, keep_each=0))
    for day in range(30):
        assert store.add(picture(day * 86_400, size=300_000)) == [True]
    assert store.is_sound()
    assert len(store.names) == 3


def test_a_film_comes_later_and_goes_with_its_picture(full: Store) -> None:
    """It counts below the ceiling, and the row says that it is there."""
    fill(full, 2)
    name = full.names[0]
    assert full.shelf.add_clip(full.db, Film(name, b"film" * 5000))
    assert files(full.folder, name).clip.read_bytes() == b"film" * 5000
    assert full.is_sound()
    assert full.shelf.facts(full.db).bytes == taken(full.folder / "pictures")
    fill(full, 20, first=10)
    assert name not in full.names
    assert full.is_sound()


def test_a_film_without_its_picture_is_not_kept(full: Store) -> None:
    """Nor does a film push out the picture that it is of."""
    fill(full, 7)
    assert not full.shelf.add_clip(full.db, Film(picture(50).name, b"film"))
    assert not full.shelf.add_clip(full.db, Film(full.names[0], b"f" * 700_000))
    assert full.is_sound()
    assert taken(full.folder / "pictures") <= 1_000_000


def test_a_name_that_is_taken_is_refused(store: Store) -> None:
    """After the clock went back; the picture that has it stays as it is."""
    assert store.add(picture(1)) == [True]
    again = replace(picture(1), full=b"another")
    assert store.add(again) == [False]
    assert files(store.folder, again.name).full.read_bytes() == picture(1).full
    assert store.is_sound()


def test_a_score_that_is_no_number_counts_as_doubt(store: Store) -> None:
    """It goes late rather than not at all."""
    assert store.add(picture(1, score=float("nan")), picture(2, score=float("inf"))) == [True] * 2
    assert [score for (score,) in store.db.execute("SELECT score FROM snapshots")] == [0, 0]


def test_someone_who_reads_a_picture_may_finish(full: Store) -> None:
    """A file that goes while it is read is read to its end."""
    fill(full, 1)
    with files(full.folder, full.names[0]).full.open("rb") as reader:
        fill(full, 20, first=10)
        assert seconds(full)[0] != 0
        assert len(reader.read()) == 122_000


def test_a_row_that_cannot_be_written_leaves_no_file(store: Store) -> None:
    """The database's own failure is the recorder's to judge."""
    store.db.execute("DROP INDEX snapshots_by_age")
    store.db.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON snapshots BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with pytest.raises(sqlite3.Error):
        store.shelf.add(store.db, picture(1))
    store.shelf.reconcile(store.db)
    assert store.files == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with 1 MB, and room for 20 files."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    options = "size=1m,nr_inodes=20"
    subprocess.run([MOUNT, "-t", "tmpfs", "-o", options, "small", str(place)], check=True)
    yield place
    subprocess.run([UMOUNT, "-l", str(place)], check=True)


def test_a_full_disk_costs_pictures_and_nothing_else(small_disk: Path, tmp_path: Path) -> None:
    """Nothing half-written is left; when there is room again, pictures are kept again."""
    store = Store(tmp_path / "state")
    (store.folder / "pictures").symlink_to(small_disk)
    hog = small_disk / "hog"
    hog.write_bytes(b"h" * 900_000)
    assert store.add(picture(1, size=50_000)) == [True]
    assert store.add(picture(2, size=200_000)) == [False]
    assert "only 0 MB of the disk are free" in store.cause
    hog.unlink()
    assert store.add(picture(3, size=200_000)) == [True]
    assert store.cause == ""
    assert store.is_sound()


def test_a_picture_is_written_whole_or_not_at_all(small_disk: Path, tmp_path: Path) -> None:
    """Where its second file finds no place, the first goes, and the folder made for it."""
    store = Store(tmp_path / "state")
    (store.folder / "pictures").symlink_to(small_disk)
    for number in range(17):
        (small_disk / f"hog{number}").touch()
    assert store.add(picture(1)) == [False]
    assert "No space left" in store.cause
    assert {name for name in store.files if "hog" not in name} == set()
    assert store.names == []
    for hog in small_disk.glob("hog*"):
        hog.unlink()
    assert store.add(picture(2)) == [True]
    assert store.cause == ""
    assert store.is_sound()


def test_a_disk_that_others_fill_gets_its_free_space_back(small_disk: Path, tmp_path: Path) -> None:
    """As far as pictures may be spared; then nothing new is kept."""
    store = Store(tmp_path / "state")
    (store.folder / "pictures").symlink_to(small_disk)
    store.shelf = type(store.shelf)(
        store.folder, SnapshotSettings(keep_mb=10, keep_free_mb=0, keep_each=3), store.health
    )
    store.shelf.reconcile(store.db)
    store.add(*(picture(second, size=20_000) for second in range(5)))
    strict = SnapshotSettings(keep_mb=10, keep_free_mb=1, keep_each=3)
    store.shelf = type(store.shelf)(store.folder, strict, store.health)
    store.shelf.reconcile(store.db)
    assert store.add(picture(100)) == [False]
    assert seconds(store) == [2, 3, 4]
    assert "keep_free_mb is 1: make room" in store.cause


def test_a_read_only_disk_is_told_and_got_over(small_disk: Path, tmp_path: Path) -> None:
    """Even at the start; when it may be written again, pictures are kept and all is mended."""
    store = Store(tmp_path / "state")
    (store.folder / "pictures").symlink_to(small_disk)
    assert store.add(picture(1), picture(2)) == [True, True]
    files(store.folder, picture(1).name).crop.unlink()
    subprocess.run([MOUNT, "-o", "remount,ro", str(small_disk)], check=True)
    store = store.again()
    assert store.add(picture(3)) == [False]
    assert "Read-only file system" in store.cause
    subprocess.run([MOUNT, "-o", "remount,rw", str(small_disk)], check=True)
    assert store.add(picture(4)) == [True]
    assert store.cause == ""
    assert seconds(store) == [2, 4]
    assert store.is_sound()


def test_something_in_the_place_of_the_folder_is_told(store: Store) -> None:
    """A file named pictures is nobody's plan; it is not removed."""
    (store.folder / "pictures").write_bytes(b"mine")
    assert store.add(picture(1)) == [False]
    assert store.cause
    assert (store.folder / "pictures").read_bytes() == b"mine"
