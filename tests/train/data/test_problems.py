"""What `galago check` finds: each planted problem by its own name, and nothing on clean data."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from galago.bundle.image import read_image, write_image
from galago.bundle.preprocess import Pixels, as_pixels
from galago.train.check import check
from galago.train.data.problems import KINDS, Problem
from galago.train.data.suspicious import contradicted

CLEAN = {"train": 24, "val": 12, "test": 12}


def scene(seed: int) -> Pixels:
    """Coloured clouds unlike those of any other seed, (120, 160, 3) uint8 RGB."""
    clouds = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return as_pixels(cv2.resize(clouds, (160, 120), interpolation=cv2.INTER_CUBIC))


def windy(picture: Pixels, seed: int) -> Pixels:
    """The same view a moment later: a little noise everywhere."""
    noise = np.random.default_rng(seed).normal(0, 12, (30, 40, 3)).astype(np.float32)
    large = cv2.resize(noise, (160, 120), interpolation=cv2.INTER_LINEAR)
    return as_pixels(np.clip(picture + large, 0, 255).astype(np.uint8))


def with_bird(picture: Pixels) -> Pixels:
    """The same view with something small in it."""
    return as_pixels(cv2.circle(picture.copy(), (80, 60), 10, (250, 20, 20), cv2.FILLED))


def encoded(picture: Pixels, suffix: str) -> bytes:
    return cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset without any problem: two classes, three splits, no two pictures alike."""
    root = tmp_path_factory.mktemp("clean")
    seed = 0
    for split, each in CLEAN.items():
        for label in ("cat", "dog"):
            (root / split / label).mkdir(parents=True)
            for number in range(each):
                write_image(root / split / label / f"{number}.jpg", scene(seed))
                seed += 1
    return root


@pytest.fixture
def data(clean: Path, tmp_path: Path) -> Path:
    """A copy of the clean dataset, to be spoilt."""
    return Path(shutil.copytree(clean, tmp_path / "data"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALAGO_CACHE", str(tmp_path / "cache"))


def found(data: Path) -> list[tuple[str, str]]:
    """Kind and path of every problem."""
    return [(p.kind, Path(p.path).relative_to(data).as_posix()) for p in check(data).problems]


def write(data: Path, name: str, content: bytes) -> None:
    (data / name).parent.mkdir(parents=True, exist_ok=True)
    (data / name).write_bytes(content)


def burst(data: Path, place: str, frames: dict[int, Pixels]) -> None:
    """Frames by the second in which they are taken."""
    for second, picture in frames.items():
        write_image(data / place / f"20260503-0714{second:02}.jpg", picture)


def test_clean_data_has_no_problem(data: Path) -> None:
    """Nothing is invented."""
    assert found(data) == []


FILES = {
    "train/cat/empty.jpg": ("unreadable", b""),
    "train/cat/text.png": ("unreadable", b"no picture"),
    "train/cat/broken.jpg": ("unreadable", encoded(scene(900), ".jpg")[:300]),
    "train/cat/photo.jpg": ("wrong-extension", encoded(scene(901), ".png")),
    "val/dog/photo.png": ("wrong-extension", encoded(scene(902), ".webp")),
    "train/dog/photo.tiff": ("unsupported", encoded(scene(903), ".tiff")),
    "train/dog/photo.heic": ("unsupported", b"\0\0\0\x18ftypheic"),
    "train/dog/photo": ("unsupported", encoded(scene(904), ".jpg")),
    "train/photo.jpg": ("unlabelled", encoded(scene(905), ".jpg")),
    "photo.jpg": ("unlabelled", encoded(scene(906), ".jpg")),
    "test/cat/pixel.png": ("tiny", encoded(scene(907)[:1, :1], ".png")),
    "test/cat/line.png": ("tiny", encoded(scene(908)[:, :15], ".png")),
    "test/dog/black.jpg": ("flat", encoded(scene(0) * np.uint8(0), ".jpg")),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_what_it_should_be(data: Path, name: str) -> None:
    """Each is told once, under its own name, and of nobody else."""
    kind, content = FILES[name]
    write(data, name, content)
    assert found(data) == [(kind, name)]


def test_a_note_among_the_pictures_is_no_problem(data: Path) -> None:
    """Only pictures are missed when they are left out."""
    write(data, "train/cat/notes.txt", b"taken in May")
    assert found(data) == []
    assert check(data).ignored == 1


def test_a_picture_that_lacks_its_end(data: Path) -> None:
    """A JPEG without its last bytes is told, whether the decoder takes it or not."""
    content = encoded(scene(910), ".jpg")
    write(data, "train/cat/whole.jpg", content + b"what a phone adds")
    write(data, "train/cat/cut.jpg", content[:-2])
    (problem,) = check(data).problems
    assert problem.kind in {"truncated", "unreadable"}
    assert problem.path == str(data / "train/cat/cut.jpg")
    assert "cut off" in problem.text


COPIES = {
    "train/cat/again.jpg": "duplicate",
    "val/cat/again.jpg": "duplicate-across-splits",
    "train/dog/again.jpg": "duplicate-across-classes",
    "test/dog/again.jpg": "duplicate-across-classes",
}


@pytest.mark.parametrize("name", COPIES)
def test_an_exact_copy(data: Path, name: str) -> None:
    """It is told of one of the two, with the other beside it."""
    shutil.copy(data / "train/cat/3.jpg", data / name)
    (problem,) = check(data).problems
    assert problem.kind == COPIES[name]
    assert {problem.path, *problem.others} == {
        str(data / name),
        str(data / "train/cat/3.jpg"),
    }


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_of_half_the_size(data: Path, name: str) -> None:
    """Compressed and scaled it is still a copy, told of the later one."""
    picture = read_image(data / "train/cat/3.jpg")
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    write_image(data / name, as_pixels(half), quality=50)
    kind = (
        COPIES[name].replace("duplicate", "near-duplicate") if "across" not in COPIES[name] else ""
    )
    assert [k for k, _ in found(data)] == [kind or COPIES[name]]


def test_one_problem_for_each_copy_too_many(data: Path) -> None:
    """Four times the same picture are three problems, not six."""
    for number in range(3):
        shutil.copy(data / "train/cat/3.jpg", data / f"train/cat/again{number}.jpg")
    assert [kind for kind, _ in found(data)] == ["duplicate"] * 3


def test_of_three_copies_the_odd_label_is_named(data: Path) -> None:
    """Two say dog and one says cat: it is the cat that is doubted."""
    for name in ("train/dog/1a.jpg", "train/dog/1b.jpg"):
        shutil.copy(data / "train/cat/3.jpg", data / name)
    assert found(data) == [
        ("duplicate-across-classes", "train/cat/3.jpg"),
        ("duplicate", "train/dog/1b.jpg"),
    ]


def test_a_burst_is_no_problem(data: Path) -> None:
    """Frames seconds apart look alike, as they should, and are counted as one moment."""
    burst(data, "train/cat", {second: windy(scene(920), second) for second in range(4)})
    assert found(data) == []
    assert check(data).bursts == (4,)


def test_a_burst_that_straddles_splits_is_a_leak(data: Path) -> None:
    """The frame that went to test was learnt, in all but name."""
    burst(data, "train/cat", {second: windy(scene(920), second) for second in (0, 1, 3)})
    burst(data, "test/cat", {2: windy(scene(920), 2)})
    assert found(data) == [("duplicate-across-splits", "test/cat/20260503-071402.jpg")]


def test_an_animal_that_comes_is_no_false_label(data: Path) -> None:
    """Two labels within one burst are right when something has changed in the view."""
    view = scene(930)
    frames = {s: as_pixels(cv2.convertScaleAbs(view, beta=s)) for s in range(8)}
    burst(data, "train/cat", {second: with_bird(frames.pop(second)) for second in (3, 4)})
    burst(data, "train/dog", frames)
    assert found(data) == []


def test_a_frame_that_its_burst_outvotes(data: Path) -> None:
    """Between frames of dog that differ as much from one another, cat stands alone."""
    frames = {second: windy(scene(940), second) for second in range(5)}
    burst(data, "train/cat", {2: frames.pop(2)})
    burst(data, "train/dog", frames)
    assert found(data) == [("suspicious-label", "train/cat/20260503-071402.jpg")]


def test_the_edge_of_a_burst_is_not_outvoted(data: Path) -> None:
    """Whoever came first may have left before the others were taken."""
    frames = {second: windy(scene(940), second) for second in range(5)}
    burst(data, "train/cat", {0: frames.pop(0)})
    burst(data, "train/dog", frames)
    assert found(data) == []


def test_few_and_far_fewer(tmp_path: Path) -> None:
    """A class of 3 beside one of 40 is told for both reasons; 20 beside 40 for none."""
    for label, each in (("cat", 40), ("dog", 20), ("fox", 3)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(each):
            seed = 1000 * len(label) + 100 * ord(label[0]) + number
            write_image(tmp_path / "data" / label / f"{number}.jpg", scene(seed))
    assert found(tmp_path / "data") == [("few-pictures", "fox"), ("imbalance", "fox")]


def test_the_worst_comes_first_and_says_what_to_do(data: Path) -> None:
    """In the order of the guide, each with a sentence."""
    for name in ("train/cat/photo.jpg", "train/cat/empty.jpg", "test/cat/pixel.png"):
        write(data, name, FILES[name][1])
    shutil.copy(data / "train/dog/5.jpg", data / "val/dog/again.jpg")
    problems: tuple[Problem, ...] = check(data).problems
    kinds = [problem.kind for problem in problems]
    assert kinds == sorted(kinds, key=KINDS.index)
    assert [problem.serious for problem in problems] == [True, True, False, False]
    assert "train/dog/5.jpg, which is in train: keep both in one split" in problems[0].text


def coloured(labels: Callable[[int], int], n: int = 300) -> tuple[Pixels, np.ndarray]:
    """Scenes that lean to red or to blue by `labels`, 64 × 64."""
    tints = np.array([[150, 0, -150], [-150, 0, 150]])
    pictures = [
        np.clip(cv2.resize(scene(row), (64, 64)) + tints[labels(row)], 0, 255) for row in range(n)
    ]
    return as_pixels(np.stack(pictures).astype(np.uint8)), np.array([row % 2 for row in range(n)])


def test_labels_that_all_others_contradict() -> None:
    """Of red and blue scenes, those that say the other are found, and only they."""
    swapped = {7, 40, 111}
    pixels, labels = coloured(lambda row: (row % 2) ^ (row in swapped))
    told = contradicted(pixels, labels, np.arange(300))
    assert {row for row, _ in told} == swapped
    assert all(label == 1 - labels[row] for row, label in told)


def test_a_burst_cannot_vouch_for_itself() -> None:
    """Six frames with the same false label are judged by the other pictures."""
    pixels, labels = coloured(lambda row: row % 2)
    pixels[:6], labels[:6] = pixels[1], 0
    groups = np.maximum(np.arange(300), 5)
    assert {row for row, _ in contradicted(pixels, labels, groups)} == set(range(6))
    assert not contradicted(pixels, labels, np.arange(300))


def test_silence_where_the_pictures_do_not_tell() -> None:
    """Labels that have nothing to do with the pictures are not doubted."""
    pixels, labels = coloured(lambda _: 0)
    assert contradicted(pixels, labels, np.arange(300)) == []
