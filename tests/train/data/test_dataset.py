"""From files to honest splits of prepared pictures, whole."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from galago.bundle.image import read_image, write_image
from galago.bundle.preprocess import Pixels, PreprocessSpec, as_pixels, preprocess
from galago.errors import DataError
from galago.train.data.dataset import MATES, SPLITS, Dataset
from tests.conftest import LABELS, Outcome, draw, write_dataset

SPEC = PreprocessSpec(16, 16)


def paths(dataset: Dataset, split: str) -> set[str]:
    return {path.relative_to(dataset.data).as_posix() for path in dataset.splits[split].paths}


def write_bursts(root: Path, bursts: int, each: int, labels: tuple[str, ...] = ("a", "b")) -> Path:
    """Bursts of `each` frames 0.4 s apart, an hour between them."""
    for index, label in enumerate(labels):
        (root / label).mkdir(parents=True)
        for burst in range(bursts):
            for frame in range(each):
                name = (
                    f"202501{burst // 20 + 1:02}-{burst % 20 + index:02}0000-{400 * frame:03}.png"
                )
                picture = photograph(10_000 * index + 100 * burst + frame)
                write_image(root / label / name, picture)
    return root


def photograph(seed: int) -> Pixels:
    """A smooth picture with structure, (60, 80, 3) uint8 RGB."""
    coarse = np.random.default_rng(seed).integers(20, 220, (6, 8, 3)).astype(np.uint8)
    return as_pixels(cv2.resize(coarse, (80, 60), interpolation=cv2.INTER_CUBIC))


def bursts_of(names: set[str]) -> set[str]:
    return {name.rpartition("-")[0] for name in names}


def test_a_made_split_is_stratified_disjoint_and_whole(dataset: Path) -> None:
    """Every picture is in exactly one split, every class has the same share."""
    found = Dataset.open(dataset, SPEC)
    assert found.labels == LABELS
    assert found.made == SPLITS[1:]
    everything = [path for split in SPLITS for path in found.splits[split].paths]
    assert sorted(everything) == sorted(dataset.rglob("*.png"))
    assert found.count("val") == found.count("test") == dict.fromkeys(LABELS, 6)
    assert found.count("train") == dict.fromkeys(LABELS, 28)
    assert len(found.all) == len(everything)


def test_pixels_and_labels_belong_to_their_paths(dataset: Path) -> None:
    """In every split, byte for byte."""
    found = Dataset.open(dataset, SPEC)
    for images in found.splits.values():
        for row, path in enumerate(images.paths):
            assert LABELS[images.labels[row]] == path.parent.name
            assert found.listing.entries[images.rows[row]].path == path
            if row % 9 == 0:
                assert np.array_equal(images.pixels[row], preprocess(read_image(path), SPEC))


def test_the_seed_decides_alone(dataset: Path) -> None:
    """The same seed gives the same split, another seed another."""
    same, again, other = (paths(Dataset.open(dataset, SPEC, seed=n), "test") for n in (3, 3, 4))
    assert same == again != other


def test_a_moved_dataset_is_split_alike(dataset: Path, tmp_path: Path) -> None:
    """Where the folder lies makes no difference, so a run can be converted on another machine."""
    moved = shutil.copytree(dataset, tmp_path / "moved")
    one, other = Dataset.open(dataset, SPEC), Dataset.open(moved, SPEC)
    assert paths(one, "test") == paths(other, "test")
    assert one.fingerprint == other.fingerprint


def test_a_zip_is_split_as_its_folder_is(dataset: Path, tmp_path: Path) -> None:
    """Only where the files lie differs."""
    archive = Path(shutil.make_archive(str(tmp_path / "x"), "zip", dataset.parent, dataset.name))
    one, other = Dataset.open(dataset, SPEC), Dataset.open(archive, SPEC)
    assert one.fingerprint == other.fingerprint
    assert other.data == archive


def test_the_fingerprint_is_of_what_is_learnt_from(dataset: Path, tmp_path: Path) -> None:
    """Another training picture changes it, another test picture does not."""
    before = Dataset.open(dataset, SPEC)
    for split, same in (("test", True), ("train", False)):
        changed = shutil.copytree(dataset, tmp_path / split)
        victim = changed / before.splits[split].paths[0].relative_to(dataset)
        write_image(victim, draw("square", 987))
        assert (Dataset.open(changed, SPEC).fingerprint == before.fingerprint) is same


def test_given_splits_are_used_as_they_are(tmp_path: Path) -> None:
    """Nothing is made, no mates are held back; counts are those of the folders."""
    for folder, each in (("training", 20), ("valid", 4), ("test", 6)):
        write_dataset(tmp_path / folder, each=each)
    found = Dataset.open(tmp_path, SPEC)
    assert found.made == ()
    assert [found.count(split)["empty"] for split in (*SPLITS, MATES)] == [20, 4, 6, 0]
    assert all(name.startswith("valid/") for name in paths(found, "val"))


def test_val_is_made_where_only_test_is_given(tmp_path: Path) -> None:
    """The given test pictures are untouched by that."""
    for folder, each in (("train", 20), ("test", 6)):
        write_dataset(tmp_path / folder, each=each)
    found = Dataset.open(tmp_path, SPEC)
    assert found.made == ("val",)
    assert found.count("val") == dict.fromkeys(LABELS, 3)
    assert all(name.startswith("test/") for name in paths(found, "test"))
    assert len(found.splits[MATES]) == 0


def test_bursts_never_straddle_a_split(tmp_path: Path) -> None:
    """Known by the times in the names; a naive split tears most of them apart."""
    data = write_bursts(tmp_path / "data", bursts=20, each=4)
    found = Dataset.open(data, SPEC)
    homes = [bursts_of(paths(found, split)) for split in SPLITS]
    assert sum(map(len, homes)) == len(set[str]().union(*homes)) == 40
    assert found.count("test") == {"a": 12, "b": 12}
    naive = Dataset.open(data, SPEC, grouped=False)
    torn = bursts_of(paths(naive, "test")) & bursts_of(paths(naive, "train"))
    assert len(torn) > 10
    assert len(naive.splits[MATES]) == naive.sibling_share == naive.cut == 0


def test_mates_are_held_back_from_training_while_their_burst_is_not(tmp_path: Path) -> None:
    """So that they show what a naive split would have claimed."""
    data = write_bursts(tmp_path / "data", bursts=40, each=4)
    found = Dataset.open(data, SPEC)
    held, train = paths(found, MATES), paths(found, "train")
    assert len(held) >= 20
    assert held.isdisjoint(train)
    assert bursts_of(held) <= bursts_of(train)
    assert found.sibling_share == pytest.approx(1 - 0.3**3, abs=0.01)
    assert sum(len(part) for part in found.splits.values()) == 320


def test_copies_and_given_groups_never_straddle_a_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By content where nobody says so, by the manifest where somebody does."""
    data = tmp_path / "data"
    for label in ("circle", "square"):
        (data / label).mkdir(parents=True)
        for number in range(30):
            write_image(
                data / label / f"{number:03}.png", photograph(number + 1000 * ord(label[0]))
            )
    for number in range(10):
        original = data / "circle" / f"{number:03}.png"
        write_image(data / "square" / f"copy{number}.jpg", read_image(original), quality=80)
    found = Dataset.open(data, SPEC)
    home = {path.stem: split for split in SPLITS for path in found.splits[split].paths if
            path.parent.name == "circle"}  # fmt: skip
    for split in SPLITS:
        for path in found.splits[split].paths:
            if path.stem.startswith("copy"):
                assert home[f"{int(path.stem[4:]):03}"] == split
    rows = [f"{p.relative_to(data)},{p.parent.name},animal{int(p.stem[-2:]) % 10}"
            for p in sorted(data.rglob("*.png"))]  # fmt: skip
    (data / "all.csv").write_text("\n".join(["path,label,group", *rows]))
    listed = Dataset.open(data, SPEC)
    assert f"Labels come from {data / 'all.csv'}" in capsys.readouterr().err
    homes = [{path.stem[-1] for path in listed.splits[split].paths} for split in SPLITS]
    assert sum(map(len, homes)) == 10
    assert all(homes)


def test_an_endless_burst_is_cut_and_said_to_be(tmp_path: Path) -> None:
    """A camera that sends a frame every half second all day would fit no split."""
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for second in range(100):
            name = f"20250101-12{second // 60:02}{second % 60:02}.png"
            write_image(tmp_path / label / name, photograph(second + 1000 * ord(label)))
    found = Dataset.open(tmp_path, SPEC)
    assert found.cut == 2
    for split in SPLITS:
        assert set(found.count(split)) == {"a", "b"}
        order = sorted(path.stem for path in found.splits[split].paths if path.parent.name == "a")
        steps = np.diff([float(stem[9:13]) * 60 + float(stem[13:]) for stem in order])
        assert np.count_nonzero(steps != 1) <= 6  # frames follow one another but at few borders


def test_unreadable_pictures_are_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before splitting, so that the shares are those of what can be read."""
    data = write_dataset(tmp_path / "data", each=40)
    broken = data / "circle" / "007.png"
    broken.write_bytes(b"half a pic")
    (data / "circle" / "008.heic").touch()
    found = Dataset.open(data, SPEC)
    said = capsys.readouterr().err
    assert f"left out, cannot be read as an image: {broken}" in said
    assert f"ignored, not JPEG, PNG, BMP or WebP: 1 file(s), the first {data}" in said
    assert found.unreadable == (broken,)
    assert broken not in found.all.paths
    assert len(found.all) == 119
    assert (found.groups == -1).sum() == 1


def test_too_many_unreadable_pictures_are_fatal(tmp_path: Path) -> None:
    """More than the stated share means that something else is wrong; so does a whole class."""
    data = write_dataset(tmp_path / "data", each=24)
    for number in range(8):
        (data / "circle" / f"{number:03}.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"8 of 72 photos cannot be read .* raise --max-unreadable"):
        Dataset.open(data, SPEC, what="photos")
    assert len(Dataset.open(data, SPEC, max_unreadable=0.5).unreadable) == 8
    for path in (data / "circle").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="no picture of circle in train can be read"):
        Dataset.open(data, SPEC, max_unreadable=0.5)
    for path in data.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="72 of 72 pictures cannot be read"):
        Dataset.open(data, SPEC, max_unreadable=1)


def test_too_few_pictures_are_told_with_the_data_s_name(tmp_path: Path) -> None:
    """A class of one cannot be in three splits."""
    data = write_dataset(tmp_path / "data", ("a", "b"), each=9)
    for number in range(1, 9):
        (data / "a" / f"{number:03}.png").unlink()
    with pytest.raises(DataError, match=rf"{data}: 1 picture\(s\) of a are too few to set some"):
        Dataset.open(data, SPEC)


# The command


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "has no pictures: expected"),
        (["cat/1.jpg", "cat/2.jpg"], "has one class only (cat)"),
        (["test/a/1.jpg", "test/b/1.jpg"], "has test/ but no train/"),
    ],
)
def test_what_cannot_serve_is_one_line_and_exit_2(
    tmp_path: Path, galago: Callable[..., Outcome], files: list[str], message: str
) -> None:
    """And no run is left behind."""
    data = tmp_path / "data"
    data.mkdir()
    for name in files:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).touch()
    outcome = galago("train", data, "--out", tmp_path / "run")
    assert outcome.code == 2
    assert message in outcome.complaint
    assert str(data) in outcome.complaint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_a_path_that_is_not_there_is_exit_2(tmp_path: Path, galago: Callable[..., Outcome]) -> None:
    """A typing error in the path is not an empty dataset."""
    outcome = galago("train", tmp_path / "imgaes", "--out", tmp_path / "run")
    assert outcome.code == 2
    assert "is not a folder" in outcome.complaint


def test_the_limit_for_unreadable_pictures_holds_for_training_and_converting(
    tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Many are refused unless allowed; then they are counted, and converting allows them too."""
    data = write_dataset(tmp_path / "data", each=24)
    for number in range(8):
        (data / "circle" / f"{number:03}.png").write_bytes(b"")
    small = ("--model", "cnn", "--epochs", 2)
    outcome = galago("train", data, "--out", tmp_path / "run", *small)
    assert outcome.code == 2
    assert "--max-unreadable" in outcome.complaint
    assert not (tmp_path / "run").exists()
    allowed = ("--max-unreadable", 0.5)
    assert galago("train", data, "--out", tmp_path / "run", *small, *allowed).code == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["unreadable"] == 8
    # It exits 0, or 3 for a model that is bad.
    converted = galago("convert", tmp_path / "run", "--out", tmp_path / "x.tflite")
    assert converted.code in {0, 3}, converted.err
