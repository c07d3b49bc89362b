"""Plant 32 problems in the drawn sample and see which `galago check` finds, and what it invents.

    python bench/planted.py [--first 3] [--seeds 3] [DATA…]

Each DATA is another dataset that is only looked at: what is found there is for a person to judge.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from galago.bundle.image import read_image, write_image
from galago.bundle.preprocess import Pixels, as_pixels
from machine import describe

GALAGO = [sys.executable, "-P", "-m", "galago.cli"]
MINUTE = len("20250103-1155")  # of a name: bursts last two seconds

# What a problem may be called: a copy of a burst's frame under another label is outvoted, or one of
# two; both are true.
# Whether a decoder refuses half a picture or fills it with grey is a matter of its version.
EITHER_LABEL = ("duplicate-across-classes", "suspicious-label")
DAMAGED = ("unreadable", "truncated")


@dataclass(frozen=True)
class Planted:
    """Something wrong: any of `kinds`, told of any of `paths`."""

    kinds: tuple[str, ...]
    paths: tuple[Path, ...]


@dataclass
class Garden:
    """A dataset that grows problems; a burst is used for one of them only."""

    root: Path
    chance: random.Random
    planted: list[Planted] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def pick(self, place: str, frames: int = 1) -> list[Path]:
        """An unused burst of at least so many frames."""
        bursts: dict[str, list[Path]] = {}
        for path in sorted((self.root / place).glob("2*.jpg")):
            bursts.setdefault(path.name[:MINUTE], []).append(path)
        free = [k for k, paths in bursts.items() if k not in self.used and len(paths) >= frames]
        key = self.chance.choice(free)
        self.used.add(key)
        return bursts[key]

    def new(self, place: str, suffix: str) -> Path:
        """A name that no burst would have."""
        return self.root / place / f"IMG_{len(self.planted):04}{suffix}"

    def plant(self, kinds: str | tuple[str, ...], *paths: Path) -> None:
        """Write down what was done."""
        self.planted.append(Planted((kinds,) if isinstance(kinds, str) else kinds, paths))

    def write(self, kind: str | tuple[str, ...], place: str, suffix: str, content: bytes) -> None:
        """A file with this content."""
        path = self.new(place, suffix)
        path.write_bytes(content)
        self.plant(kind, path)

    def copy(
        self,
        kinds: str | tuple[str, ...],
        source: str,
        place: str,
        change: Callable[[Pixels], Pixels] | None = None,
    ) -> None:
        """A copy of a picture, byte for byte or changed."""
        original, path = self.pick(source)[0], self.new(place, ".jpg")
        if change:
            write_image(path, change(read_image(original)), quality=50)
        else:
            shutil.copy(original, path)
        self.plant(kinds, path, original)

    def move(self, kinds: str | tuple[str, ...], source: str, place: str) -> None:
        """A frame from the middle of a burst goes elsewhere, under its own name."""
        frames = self.pick(source, frames=5)
        path = self.root / place / frames[2].name
        frames[2].rename(path)
        self.plant(kinds, path, *frames)


def encoded(picture: Pixels, suffix: str) -> bytes:
    """The content of an image file."""
    return cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()


def half(picture: Pixels) -> Pixels:
    """At half the size."""
    return as_pixels(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def brighter(picture: Pixels) -> Pixels:
    """15 % brighter."""
    return as_pixels(cv2.convertScaleAbs(picture, alpha=1.15))


def one_colour(grey: int) -> Pixels:
    """Nothing but this grey."""
    return np.full((240, 320, 3), grey, np.uint8)


def plant_files(garden: Garden) -> None:
    """Files that are not what they should be."""
    picture = read_image(garden.pick("train/bird")[0])
    jpeg, png = encoded(picture, ".jpg"), encoded(picture, ".png")
    garden.write("unreadable", "train/bird", ".jpg", b"")
    garden.write("unreadable", "train/empty", ".jpg", b"this is a text")
    garden.write("unreadable", "val/bird", ".png", b"<!doctype html><title>404</title>")
    garden.write("unreadable", "test/squirrel", ".jpg", jpeg[:300])
    garden.write(DAMAGED, "train/squirrel", ".jpg", cut(garden, "train/squirrel", ".jpg"))
    garden.write(DAMAGED, "train/empty", ".png", cut(garden, "train/empty", ".png"))
    for is_suffix, suffix in ((".png", ".jpg"), (".jpg", ".png"), (".bmp", ".jpeg")):
        other = cv2.flip(read_image(garden.pick("train/squirrel")[0]), 0)
        garden.write(
            "wrong-extension", "train/squirrel", suffix, encoded(as_pixels(other), is_suffix)
        )
    garden.write("unsupported", "train/bird", ".tiff", encoded(picture, ".tiff"))
    garden.write("unsupported", "train/bird", ".heic", b"\0\0\0\x18ftypheic" + png)
    garden.write("unlabelled", "train", ".jpg", jpeg)
    garden.write("tiny", "train/bird", ".png", encoded(picture[:1, :1], ".png"))
    garden.write("tiny", "val/empty", ".png", encoded(picture[:200, :1], ".png"))
    garden.write("tiny", "test/empty", ".jpg", encoded(half(half(picture))[20:28, 30:38], ".jpg"))
    garden.write("flat", "train/empty", ".jpg", encoded(one_colour(0), ".jpg"))
    garden.write("flat", "test/bird", ".png", encoded(one_colour(128), ".png"))


def cut(garden: Garden, place: str, suffix: str) -> bytes:
    """The first two thirds of a picture that is nowhere else."""
    content = encoded(as_pixels(cv2.flip(read_image(garden.pick(place)[0]), 0)), suffix)
    return content[: 2 * len(content) // 3]


def plant_copies(garden: Garden) -> None:
    """Pictures that are there twice, and labels that cannot be."""
    garden.copy("duplicate", "train/bird", "train/bird")
    garden.copy("duplicate", "test/empty", "test/empty")
    garden.copy("near-duplicate", "train/squirrel", "train/squirrel", half)
    garden.copy("near-duplicate", "val/bird", "val/bird", brighter)
    garden.copy("duplicate-across-splits", "train/bird", "test/bird")
    garden.copy("duplicate-across-splits", "val/empty", "test/empty")
    garden.copy("duplicate-across-splits", "train/squirrel", "val/squirrel", half)
    garden.move("duplicate-across-splits", "train/bird", "test/bird")
    garden.copy("duplicate-across-classes", "train/bird", "train/squirrel")
    garden.copy("duplicate-across-classes", "test/squirrel", "train/empty")
    garden.copy(EITHER_LABEL, "train/empty", "train/bird", half)
    garden.move(EITHER_LABEL, "train/empty", "train/squirrel")
    garden.move(EITHER_LABEL, "train/empty", "train/bird")


def plant_class(garden: Garden) -> None:
    """A class with too few pictures to be learnt."""
    for split in ("train", "val", "test"):
        folder = garden.root / split / "fox"
        folder.mkdir()
        for number in range(12):
            source = garden.pick(f"{split}/{'squirrel' if number % 2 else 'bird'}")[0]
            upside_down = as_pixels(cv2.flip(read_image(source), 0))
            write_image(folder / f"fox{number}.jpg", as_pixels(upside_down[:, ::-1, ::-1].copy()))
    garden.plant("few-pictures", garden.root / "train" / "fox")
    garden.plant("imbalance", garden.root / "train" / "fox")


def check(data: Path) -> Any:
    """What the command says, as a process of its own."""
    command = [*GALAGO, "check", str(data), "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def compare(planted: list[Planted], told: list[Any]) -> tuple[list[Planted], list[Any]]:
    """What was missed, and what was invented."""
    left, missed = list(told), []
    for plant in planted:
        paths = {str(path) for path in plant.paths}
        match = [t for t in left if t["kind"] in plant.kinds and t["path"] in paths]
        if match:
            left.remove(match[0])
        else:
            missed.append(plant)
    return missed, left


def one_seed(folder: Path, seed: int) -> Iterator[str]:
    """Rows of the table for the clean sample and the planted one."""
    sample = folder / f"sample{seed}"
    subprocess.run(
        [*GALAGO, "sample", str(sample), "--seed", str(seed)], check=True, stdout=sys.stderr
    )
    data = sample / "images"
    for name, plantings in (
        ("clean", ()),
        ("planted", (plant_files, plant_copies, plant_class)),
    ):
        garden = Garden(data, random.Random(seed))  # noqa: S311 - nothing secret
        for planting in plantings:
            planting(garden)
        start = time.perf_counter()
        document = check(data)
        seconds = time.perf_counter() - start
        missed, invented = compare(garden.planted, document["problems"])
        found = len(garden.planted) - len(missed)
        yield (
            f"| {name}, seed {seed} | {document['n']} | {len(garden.planted)} | {found} "
            f"| {len(invented)} | {seconds:.1f} |"
        )
        for plant in missed:
            print("missed:", *plant.kinds, *plant.paths, file=sys.stderr)
        for problem in invented:
            print("invented:", problem["kind"], problem["path"], problem["text"], file=sys.stderr)


def main() -> None:
    """Print a row per dataset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", type=Path)
    parser.add_argument("--first", type=int, default=3, help="0 to 2 had a part in the rules.")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print(describe())
    print("| pictures | n | planted | found | invented | seconds |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for seed in range(options.first, options.first + options.seeds):
            for row in one_seed(Path(name), seed):
                print(row, flush=True)
    for data in options.data:
        document = check(data)
        kinds = Counter(problem["kind"] for problem in document["problems"])
        print(f"| {data.name} | {document['n']} | – | {dict(kinds)} | to be judged | |")


if __name__ == "__main__":
    main()
