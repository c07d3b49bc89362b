"""Which pictures there are, and which of them may be learnt from."""

from collections.abc import Callable
from pathlib import Path

import pytest

from galago.errors import DataError
from galago.train.dataset import SPLITS, scan
from tests.conftest import LABELS, Outcome, write_dataset


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def names(n: int, folder: str) -> list[str]:
    return [f"{folder}/{number}.jpg" for number in range(n)]


def test_class_folders_are_the_labels_in_alphabetical_order(tmp_path: Path) -> None:
    """However the file system lists them."""
    touch(tmp_path, *names(10, "owl"), *names(10, "bat"), *names(10, "cat"))
    assert scan(tmp_path).labels == ("bat", "cat", "owl")


def test_a_made_split_is_stratified_disjoint_and_whole(dataset: Path) -> None:
    """Every picture is in exactly one split, every class has the same share."""
    found = scan(dataset)
    assert found.made == SPLITS[1:]
    paths = [item.path for split in SPLITS for item in found.splits[split]]
    assert sorted(paths) == sorted(dataset.rglob("*.png"))
    assert found.count("val") == found.count("test") == dict.fromkeys(LABELS, 6)
    assert found.count("train") == dict.fromkeys(LABELS, 28)


def test_the_seed_decides_alone(dataset: Path) -> None:
    """The same seed gives the same split, another seed another."""
    assert scan(dataset, seed=3) == scan(dataset, seed=3)
    assert scan(dataset, seed=3).splits != scan(dataset, seed=4).splits


def test_a_moved_dataset_is_split_alike(tmp_path: Path) -> None:
    """Where the folder lies makes no difference, so a run can be converted on another machine."""
    relative = []
    for place in ("here", "there"):
        root = touch(tmp_path / place, *names(20, "a"), *names(20, "b"))
        relative.append([item.path.relative_to(root) for item in scan(root).splits["test"]])
    assert relative[0] == relative[1]


def test_more_pictures_hardly_move_the_others(tmp_path: Path) -> None:
    """A test picture stays a test picture while the dataset grows."""
    touch(tmp_path, *names(100, "a"), *names(100, "b"))
    before = {item.path for item in scan(tmp_path).splits["test"]}
    touch(tmp_path, "a/new1.jpg", "b/new2.jpg")
    after = {item.path for item in scan(tmp_path).splits["test"]}
    assert len(before & after) >= len(before) - 2


def test_a_given_split_is_used_as_it_is(tmp_path: Path) -> None:
    """Under any of its usual names; what is missing comes from the training pictures."""
    for folder, n in (("training", 20), ("valid", 4), ("test", 6)):
        touch(tmp_path, *names(n, f"{folder}/a"), *names(n, f"{folder}/b"))
    found = scan(tmp_path)
    assert found.made == ()
    assert {split: len(found.splits[split]) for split in SPLITS} == {
        "train": 40,
        "val": 8,
        "test": 12,
    }


def test_val_is_made_where_only_test_is_given(tmp_path: Path) -> None:
    """The given test pictures are untouched by that."""
    for folder, n in (("train", 20), ("test", 6)):
        touch(tmp_path, *names(n, f"{folder}/a"), *names(n, f"{folder}/b"))
    found = scan(tmp_path)
    assert found.made == ("val",)
    assert found.count("val") == {"a": 3, "b": 3}
    assert all("/test/" in item.path.as_posix() for item in found.splits["test"])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "has no pictures: expected"),
        (["a/notes.txt"], "has no pictures: expected"),
        (["1.jpg", "2.jpg"], "has no pictures: expected"),
        (names(10, "cat"), r"has one class only \(cat\): a classifier needs two"),
        (names(1, "a") + names(9, "b"), "too few to set some aside"),
        (["test/a/1.jpg", "test/b/1.jpg"], "has test/ but no train/"),
        (
            names(9, "train/a") + names(9, "train/b") + ["test/a/1.jpg", "test/c/1.jpg"],
            r"different classes \(b, c\)",
        ),
    ],
)
def test_what_cannot_serve_is_one_line_and_exit_2(
    tmp_path: Path, galago: Callable[..., Outcome], files: list[str], message: str
) -> None:
    """The message says what was expected, and no run is left behind."""
    data = tmp_path / "data"
    data.mkdir()
    touch(data, *files)
    with pytest.raises(DataError, match=message):
        scan(data)
    outcome = galago("train", data, "--out", tmp_path / "run")
    assert outcome.code == 2
    assert str(data) in outcome.complaint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_a_path_that_is_not_there_is_refused(
    tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """A typing error in the path is not an empty dataset."""
    outcome = galago("train", tmp_path / "imgaes", "--out", tmp_path / "run")
    assert outcome.code == 2
    assert "is not a folder" in outcome.complaint


def test_unreadable_pictures_are_named_skipped_and_counted(
    tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Few are left out with their names; the run records how many."""
    import json

    data = write_dataset(tmp_path / "data", each=24)
    broken = data / "circle" / "007.png"
    broken.write_bytes(b"half a pic")
    outcome = galago("train", data, "--out", tmp_path / "run", "--epochs", 1)
    assert outcome.code == 0
    assert f"left out, cannot be read as an image: {broken}" in outcome.err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["unreadable"] == 1


def test_too_many_unreadable_pictures_are_fatal(
    tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """More than the stated share means that something else is wrong."""
    data = write_dataset(tmp_path / "data", each=24)
    for number in range(8):
        (data / "circle" / f"{number:03}.png").write_bytes(b"")
    outcome = galago("train", data, "--out", tmp_path / "run", "--epochs", 1)
    assert outcome.code == 2
    assert "cannot be read" in outcome.complaint
    assert "--max-unreadable" in outcome.complaint
    assert not (tmp_path / "run").exists()
    allowed = ("--max-unreadable", 0.5)
    assert galago("train", data, "--out", tmp_path / "run", "--epochs", 2, *allowed).code == 0
    # What training was told holds for converting too: it exits 0, or 3 for a model that is bad.
    converted = galago("convert", tmp_path / "run", "--out", tmp_path / "x.tflite")
    assert converted.code in {0, 3}, converted.err
