"""What a kill or a failed transaction leaves is mended: rows and files are the same again."""

from dataclasses import replace
from pathlib import Path

import pytest

from galago.edge.record import Film
from galago.edge.snapshots.place import files
from tests.edge.snapshots.shelves import Store, picture, taken


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A shelf with three pictures of two days."""
    store = Store(tmp_path / "state")
    assert store.add(picture(1), picture(2), picture(90_000)) == [True] * 3
    return store


def test_what_agrees_is_left_alone(store: Store) -> None:
    """Not a file is touched, and what was counted is what is there."""
    before = store.files
    facts = store.shelf.facts(store.db)
    again = store.again()
    assert again.files == before
    assert again.shelf.facts(again.db) == facts


def test_files_without_a_row_go(store: Store) -> None:
    """Killed after the files were written and before the row was committed."""
    store.db.execute("BEGIN")
    assert store.shelf.add(store.db, picture(200_000))
    store.db.execute("ROLLBACK")
    assert len(store.files) == 15
    again = store.again()
    assert len(again.files) == 11
    assert again.is_sound()


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_picture_that_lacks_a_file_goes(store: Store, which: int) -> None:
    """Killed between the removal of files and the commit; whichever file it was."""
    files(store.folder, picture(1).name)[which].unlink()
    again = store.again()
    assert again.names == [picture(2).name, picture(90_000).name]
    assert again.is_sound()


def test_a_row_without_its_folder_goes(store: Store) -> None:
    """Someone has tidied up by hand."""
    for path in files(store.folder, picture(90_000).name)[:3]:
        path.unlink()
    (store.folder / "pictures" / "2026-11-25").rmdir()
    again = store.again()
    assert again.names == [picture(1).name, picture(2).name]
    assert again.is_sound()


def test_half_a_picture_goes(store: Store) -> None:
    """Killed while its files were written."""
    files(store.folder, picture(5).name).full.write_bytes(b"half")
    assert store.again().is_sound()


def test_a_film_that_was_not_finished_goes(store: Store) -> None:
    """Its picture stays."""
    store.db.execute("BEGIN")
    assert store.shelf.add_clip(store.db, Film(picture(1).name, b"film"))
    store.db.execute("ROLLBACK")
    again = store.again()
    assert len(again.names) == 3
    assert len(again.files) == 11
    assert again.is_sound()


def test_a_film_that_is_gone_is_forgotten(store: Store) -> None:
    """And no longer counts."""
    assert store.shelf.add_clip(store.db, Film(picture(1).name, b"film" * 5000))
    files(store.folder, picture(1).name).clip.unlink()
    again = store.again()
    assert again.is_sound()
    assert again.shelf.facts(again.db).bytes == taken(again.folder / "pictures")


def test_a_transaction_that_failed_is_mended_without_a_restart(store: Store) -> None:
    """What was given up for it is gone, what came with it too; counts are right."""
    store.db.execute("BEGIN")
    assert store.shelf.add(store.db, picture(3))
    store.db.execute("DELETE FROM snapshots WHERE name = ?", (picture(1).name,))
    store.db.execute("ROLLBACK")
    store.shelf.reconcile(store.db)
    assert store.is_sound()
    facts = store.shelf.facts(store.db)
    assert (facts.pictures, facts.bytes) == (3, taken(store.folder / "pictures"))


def test_what_is_not_ours_is_left_alone(store: Store) -> None:
    """A note, a folder, a picture of another program."""
    root = store.folder / "pictures"
    (root / "README.txt").write_text("mine")
    (root / "holiday").mkdir()
    (root / "holiday" / "20261124T210001.000Z_cat.jpg").write_bytes(b"mine")
    (root / "2026-11-24" / "note.txt").write_text("mine")
    again = store.again()
    assert (root / "README.txt").exists()
    assert (root / "holiday" / "20261124T210001.000Z_cat.jpg").exists()
    assert (root / "2026-11-24" / "note.txt").exists()
    assert len(again.names) == 3


def test_an_empty_folder_of_a_day_goes(store: Store) -> None:
    """Killed after the folder was made."""
    (store.folder / "pictures" / "2026-12-01").mkdir()
    assert store.again().is_sound()


def test_a_new_database_takes_up_the_pictures_that_are_there(store: Store) -> None:
    """The old one was damaged and set aside: the pictures are worth more than a database."""
    store.db.close()
    for path in store.folder.glob("galago.db*"):
        path.unlink()
    assert Store(store.folder).names == [picture(1).name, picture(2).name, picture(90_000).name]
    again = Store(store.folder)
    found = again.db.execute("SELECT kind, time_ms, label, score FROM snapshots ORDER BY name")
    assert found.fetchall() == [
        ("event", picture(second).time_ms, "cat", 0) for second in (1, 2, 90_000)
    ]
    assert again.is_sound()


def test_a_new_database_takes_up_nothing_half(store: Store) -> None:
    """Nor what only looks like a picture's name."""
    store.db.close()
    for path in store.folder.glob("galago.db*"):
        path.unlink()
    files(store.folder, picture(1).name).crop.unlink()
    odd = replace(picture(2), name="20269999T999999.999Z_cat")
    for path in files(store.folder, odd.name)[:3]:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"odd")
    again = Store(store.folder)
    assert again.names == [picture(2).name, picture(90_000).name]
    assert again.is_sound()
