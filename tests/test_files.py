"""Files and folders that appear whole or not at all."""

from pathlib import Path

import pytest

from galago.errors import UsageError
from galago.files import adding, new_folder, remove_leftovers, replacing


class PulledPlugError(Exception):
    """Something goes wrong half way."""


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """The new content has the name, nothing else is left."""
    path = tmp_path / "model"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    """And no temporary one."""
    path = tmp_path / "model"
    path.write_text("old")
    with pytest.raises(PulledPlugError), replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise PulledPlugError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_can_be_read_by_others(tmp_path: Path) -> None:
    """The service runs as another user than the one who copied the model."""
    with replacing(tmp_path / "model") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "model").stat().st_mode & 0o044 == 0o044


def test_a_file_is_added_whole(tmp_path: Path) -> None:
    """As one that is replaced: nothing of it before the end, nothing beside it after."""
    path = tmp_path / "picture"
    with adding(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o044 == 0o044
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_not_added_over_another(tmp_path: Path) -> None:
    """Not even over one that came while it was written."""
    path = tmp_path / "picture"
    with pytest.raises(FileExistsError), adding(path) as temporary:
        temporary.write_text("new")
        path.write_text("of another program")
    assert path.read_text() == "of another program"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    """Also where its parents are missing, or an empty folder has its name."""
    for path in (tmp_path / "a" / "b" / "run", tmp_path / "empty"):
        if path.name == "empty":
            path.mkdir()
        with new_folder(path) as temporary:
            (temporary / "inner").mkdir()
            (temporary / "inner" / "file").write_text("x")
        assert (path / "inner" / "file").read_text() == "x"
        assert path.stat().st_mode & 0o055 == 0o055
    assert sorted(child.name for child in tmp_path.iterdir()) == ["a", "empty"]


def test_a_failure_leaves_no_folder(tmp_path: Path) -> None:
    """Neither under its name nor beside it."""
    with pytest.raises(PulledPlugError), new_folder(tmp_path / "run") as temporary:
        (temporary / "file").write_text("x")
        raise PulledPlugError
    assert list(tmp_path.iterdir()) == []


def test_a_full_folder_is_refused_unless_it_may_go(tmp_path: Path) -> None:
    """And comes through a failed replacement unharmed."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "old").touch()
    with pytest.raises(UsageError, match="already exists"), new_folder(run):
        pass
    with pytest.raises(PulledPlugError), new_folder(run, replace=True):
        raise PulledPlugError
    assert [path.name for path in run.iterdir()] == ["old"]
    with new_folder(run, replace=True) as temporary:
        (temporary / "new").touch()
    assert [path.name for path in run.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [run]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    """A file is not a folder to be replaced."""
    (tmp_path / "run").touch()
    with pytest.raises(UsageError, match="already exists"), new_folder(tmp_path / "run"):
        pass


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    """Its temporary files and folders of that name, and nothing that only looks alike."""
    (tmp_path / ".run.a1b2_3c4").mkdir()
    (tmp_path / ".run.a1b2_3c4" / "model.keras").write_bytes(b"half")
    (tmp_path / ".run.00000000").write_bytes(b"half")
    kept = [
        ".run.backup",
        ".run.old.a1b2_3c4",
        ".run.2024",
        ".other.a1b2_3c4",
        "run",
        "run.a1b2_3c4",
    ]
    for name in kept:
        (tmp_path / name).write_bytes(b"mine")
    remove_leftovers(tmp_path / "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
