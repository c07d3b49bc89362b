"""The embedded sample: drawn, seeded, complete, and honest about what it shows."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from galago.bundle.image import read_image
from galago.bundle.preprocess import Pixels
from galago.errors import UsageError
from galago.train.sample import Sample, write_sample
from galago.train.sample.bursts import Burst, plan_bursts, shoot
from galago.train.sample.clip import FPS, STEP_S, set_film, write_story
from galago.train.sample.stage import World, build_world

SPLITS = ("train", "val", "test")
LABELS = ("bird", "empty", "squirrel")
FRAME = (240, 320, 3)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return write_sample(tmp_path_factory.mktemp("home") / "feeder", seed=3)


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(np.random.default_rng((3, 0)))


def test_the_folders_hold_what_is_returned(sample: Sample) -> None:
    """Every split has every label, with as many JPEG files as the counts say."""
    found = {
        split: {label: len([*images(sample, split, label)]) for label in LABELS} for split in SPLITS
    }
    assert found == sample.counts


def test_nothing_else_is_written(sample: Sample) -> None:
    """The folder holds images, clip and truth; beside it nothing is left over."""
    folder = sample.images.parent
    assert sorted(path.name for path in folder.iterdir()) == ["clip.json", "clip.mp4", "images"]
    assert [path.name for path in folder.parent.iterdir()] == ["feeder"]


def test_the_sample_is_large_and_nearly_balanced(sample: Sample) -> None:
    """Each class can be learned and measured: enough images, a little imbalance."""
    assert min(sample.counts["test"].values()) >= 80
    assert min(sample.counts["train"].values()) >= 300
    for counts in sample.counts.values():
        assert 1.0 < max(counts.values()) / min(counts.values()) < 1.5


def test_images_are_320_by_240(sample: Sample) -> None:
    """Every image has the camera's size."""
    paths = [path for split in SPLITS for label in LABELS for path in images(sample, split, label)]
    assert {read_image(path).shape for path in paths[::25]} == {FRAME}


def test_no_burst_straddles_splits_or_labels(sample: Sample) -> None:
    """Pictures of one day, and so of one animal and one weather, share their folder."""
    folders: dict[str, set[Path]] = {}
    for split in SPLITS:
        for label in LABELS:
            for path in images(sample, split, label):
                folders.setdefault(path.name[:8], set()).add(path.parent)
    assert all(len(parents) == 1 for parents in folders.values())


def test_a_burst_is_three_to_six_pictures_400_ms_apart(sample: Sample) -> None:
    """File names carry the time to the millisecond and sort by it."""
    times = sorted(taken(path) for path in images(sample, "val", "bird"))
    bursts = [[times[0]]]
    for before, after in pairwise(times):
        if after - before > timedelta(seconds=1):
            bursts.append([])
        bursts[-1].append(after)
    assert {len(burst) for burst in bursts} <= {3, 4, 5, 6}
    gaps = {after - before for burst in bursts for before, after in pairwise(burst)}
    assert gaps == {timedelta(milliseconds=400)}


@pytest.mark.parametrize("label", LABELS)
def test_every_class_has_variety(sample: Sample, label: str) -> None:
    """Brightness, colour and sharpness differ widely, as they do over a year."""
    pictures = np.stack([read_image(path) for path in images(sample, "train", label)][::4])
    means = pictures.reshape(len(pictures), -1, 3).mean(1)
    warmth = means[:, 0] / means[:, 2]
    sharpness = [cv2.Laplacian(picture, cv2.CV_32F).std() for picture in pictures]
    assert np.ptp(means.mean(1)) > 40
    assert warmth.max() / warmth.min() > 1.5
    assert max(sharpness) / min(sharpness) > 1.5


def test_classes_share_brightness(sample: Sample) -> None:
    """No class can be told by how bright its pictures are."""
    brightness = [
        np.mean([read_image(path).mean() for path in [*images(sample, "train", label)][::4]])
        for label in LABELS
    ]
    assert max(brightness) - min(brightness) < 12


def test_the_truth_covers_the_clip_and_alternates(sample: Sample) -> None:
    """Intervals start at 0, follow one another without a gap, and change the label each time."""
    truth = json.loads(sample.truth.read_text())
    events = truth["events"]
    assert events[0]["start_s"] == 0
    assert events[-1]["end_s"] == truth["duration_s"] == sample.clip_seconds
    for before, after in pairwise(events):
        assert before["end_s"] == after["start_s"]
        assert before["label"] != after["label"]
    assert {event["label"] for event in events} == set(LABELS)
    assert len(events) == sample.n_events


def test_visits_last_seconds_and_some_take_over(sample: Sample) -> None:
    """Visits are 2 to 6 s long and start on a frame; some follow another without a pause."""
    events = json.loads(sample.truth.read_text())["events"]
    visits = [event for event in events if event["label"] != "empty"]
    assert 14 <= len(visits) <= 18
    for visit in visits:
        assert 2 <= round(visit["end_s"] - visit["start_s"], 6) <= 6
        assert (visit["start_s"] / STEP_S) == pytest.approx(round(visit["start_s"] / STEP_S))
    assert any("empty" not in (a["label"], b["label"]) for a, b in pairwise(events))


def test_the_clip_has_a_frame_for_every_fifteenth_of_a_second(sample: Sample) -> None:
    """Frame count, rate and size of the file agree with the truth."""
    clip = cv2.VideoCapture(str(sample.clip))
    frames = 0
    while clip.grab():
        frames += 1
    rate, size = clip.get(cv2.CAP_PROP_FPS), clip.get(cv2.CAP_PROP_FRAME_WIDTH)
    clip.release()
    assert (rate, size) == (FPS, 320)
    assert frames == round(sample.clip_seconds * FPS)
    assert 75 <= sample.clip_seconds <= 90


def test_the_same_seed_gives_the_same_images(sample: Sample, world: World) -> None:
    """Drawn again, alone and in another order, pictures are what was written, byte for byte."""
    for burst in [burst for burst in plan_bursts(3) if burst.index % 97 == 0][::-1]:
        folder = sample.images / burst.split / burst.label
        for name, picture in zip(burst.names(), drawn(burst, world, 3), strict=True):
            assert (folder / name).read_bytes() == jpeg(picture)


def test_the_same_seed_gives_the_same_clip(world: World) -> None:
    """Any frame of the clip can be drawn alone, and is the same each time."""
    first, second = (set_film(write_story(3), world, 3) for _ in range(2))
    for index in (0, 400, first.story.n_frames - 1):
        assert np.array_equal(first.frame(index), second.frame(index))


def test_another_seed_gives_another_sample(world: World) -> None:
    """Neither plan, nor story, nor pictures repeat."""
    assert plan_bursts(3) != plan_bursts(4)
    assert write_story(3) != write_story(4)
    burst = plan_bursts(3)[0]
    assert not np.array_equal(drawn(burst, world, 3)[0], drawn(burst, world, 4)[0])


def test_an_occupied_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A folder with anything in it is not touched."""
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="already exists"):
        write_sample(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert (tmp_path / "mine.txt").read_text() == "keep"


def test_drawing_needs_no_tensorflow() -> None:
    """The module is imported, and the plan made, without TensorFlow or Keras."""
    program = (
        "import sys, galago.train.sample;"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def images(sample: Sample, split: str, label: str) -> Iterator[Path]:
    return iter(sorted((sample.images / split / label).glob("*.jpg")))


def taken(path: Path) -> datetime:
    return datetime.strptime(path.stem + "000", "%Y%m%d-%H%M%S-%f")  # noqa: DTZ007 - camera time


def drawn(burst: Burst, world: World, seed: int) -> list[Pixels]:
    return [*shoot(burst, world, seed)]


def jpeg(picture: Pixels) -> bytes:
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
