"""Write the sample to disk: images, clip and truth, all of them or nothing.

- The same seed gives the same pictures, whatever the number of cores.
- Frames are drawn on all cores; OpenCV and NumPy let go of Python's lock while they work.
"""

import json
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from galago.bundle.preprocess import Pixels
from galago.files import new_folder
from galago.progress import track
from galago.train.sample.bursts import LABELS, WANTED, Burst, plan_bursts, shoot
from galago.train.sample.clip import FPS, Film, Story, set_film, write_story
from galago.train.sample.paint import HEIGHT, WIDTH
from galago.train.sample.stage import World, build_world

_T = TypeVar("_T")
_R = TypeVar("_R")

_WORLD = 0  # stream of random numbers
_JPEG_QUALITY = 88
_AHEAD = 48  # results drawn before the one that is being written


@dataclass(frozen=True, slots=True)
class Sample:
    """What was written.

    `counts` is images by split and label; `n_events` counts the intervals of the clip's truth,
    those labelled "empty" included.
    """

    images: Path
    clip: Path
    truth: Path
    counts: dict[str, dict[str, int]]
    clip_seconds: float
    n_events: int


def write_sample(directory: Path, *, seed: int = 0) -> Sample:
    """Draw a labelled dataset and a clip of a bird feeder and write them to a new folder.

    Convention: images/{train,val,test}/{bird,empty,squirrel}/*.jpg, 320 x 240; clip.mp4, 320 x 240
    at 15 frames a second; clip.json says what is at the feeder when.

    Raises:
        UsageError: `directory` exists and is not empty; it is left as it is.
        OSError: it cannot be written, the disk is full, or OpenCV cannot write MP4.
    """
    with new_folder(directory) as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        world = build_world(np.random.default_rng((seed, _WORLD)))
        counts = _write_images(folder / "images", world, seed, pool)
        story = write_story(seed)
        _write_clip(folder / "clip.mp4", set_film(story, world, seed), pool)
        _write_truth(folder / "clip.json", story)
    return Sample(
        images=directory / "images",
        clip=directory / "clip.mp4",
        truth=directory / "clip.json",
        counts=counts,
        clip_seconds=story.duration_s,
        n_events=len(story.events()),
    )


def _write_images(
    folder: Path, world: World, seed: int, pool: ThreadPoolExecutor
) -> dict[str, dict[str, int]]:
    for split in WANTED:
        for label in LABELS:
            (folder / split / label).mkdir(parents=True)

    def write(burst: Burst) -> Burst:
        for name, picture in zip(burst.names(), shoot(burst, world, seed), strict=True):
            _write_jpeg(folder / burst.split / burst.label / name, picture)
        return burst

    bursts = plan_bursts(seed)
    written: Counter[tuple[str, str]] = Counter()
    for burst in track(_ahead(pool, write, bursts), "Drawing images", total=len(bursts)):
        written[burst.split, burst.label] += burst.count
    return {split: {label: written[split, label] for label in LABELS} for split in WANTED}


def _write_jpeg(path: Path, picture: Pixels) -> None:
    # Not galago.bundle.image.write_image, which makes each file durable by itself: here the whole
    # folder becomes durable, once, before it takes its name.
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    path.write_bytes(encoded.tobytes())


def _write_clip(path: Path, film: Film, pool: ThreadPoolExecutor) -> None:
    codec = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), codec, FPS, (WIDTH, HEIGHT))
    if not writer.isOpened():
        raise OSError(f"OpenCV cannot write {path}: this build of it has no MPEG-4 encoder")
    try:
        n = film.story.n_frames
        for frame in track(_ahead(pool, film.frame, range(n)), "Filming the clip", total=n):
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    finally:
        writer.release()


def _write_truth(path: Path, story: Story) -> None:
    events = [asdict(event) for event in story.events()]
    truth = {"fps": FPS, "duration_s": story.duration_s, "events": events}
    path.write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


def _ahead(pool: ThreadPoolExecutor, work: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """Results in the order of `items`; unlike `pool.map`, only a few wait in memory."""
    waiting: deque[Future[_R]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
