"""Does the figure that training claims hold on pictures of other days? Bursts, split both ways.

    python bench/leak.py [SHARED] [--draws 2] [--photographs 150]

SHARED holds data/cats-dogs.zip. Of every photograph a burst is made, as a fixed camera takes it in
two seconds: the view moves a little, the light changes a little, noise and JPEG differ. Training
gets the bursts of one set of photographs, in one folder per class; the separate set has bursts of
others. Then the accuracy that training claims is compared with the one on the separate set.

- grouped, by time: the names say when each frame was taken, bursts are five minutes apart.
- grouped, by sight: the names say nothing; what belongs together must be seen.
- naive: every frame for itself. Names make no difference to it.

No photograph is in two draws. The frames of a burst are not independent: for the interval a burst
counts as one picture, the most careful way. Before that, without training, how many frames are
found to belong together by sight, for views that move more or less.
"""

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from galago.bundle.preprocess import PreprocessSpec
from galago.train.data.dataset import Dataset
from machine import describe

FRAMES = 6
CLASSES = ("cat", "dog")
_APART_S, _REST_S = 0.4, 300.0
SHAKE = 0.02  # by how much, either way, a frame is moved and zoomed, shares of the side
SHAKES = (0.0, 0.005, 0.01, 0.015, 0.02)
_VIEW = 0.94
_LIGHT, _NOISE = 0.08, 4.0  # relative; grey levels

Pictures = dict[str, list[list[bytes]]]  # bursts of JPEGs, by class


@dataclass(frozen=True, slots=True)
class Result:
    """One training: accuracies 0–1, and on how many pictures.

    `told`: what its report says that a naive split would have claimed.
    """

    claimed: float
    n_claimed: int
    true: float
    n_true: int
    told: float | None


def burst(photograph: bytes, dice: np.random.Generator, shake: float) -> list[bytes]:
    """FRAMES pictures, as a camera on a wall takes them of something that hardly moves."""
    picture = cv2.imdecode(np.frombuffer(photograph, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None  # noqa: S101 - the zip's pictures are sound
    return [_frame(picture, dice, shake) for _ in range(FRAMES)]


def _frame(picture: Any, dice: np.random.Generator, shake: float) -> bytes:
    height, width = picture.shape[:2]
    side = _VIEW * (1 + dice.uniform(-shake, shake))
    centre_x, centre_y = 0.5 + dice.uniform(-shake, shake, 2)
    left, top = width * (centre_x - side / 2), height * (centre_y - side / 2)
    move = np.array([[side, 0, left], [0, side, top]])
    seen = cv2.warpAffine(
        picture,
        move,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    ).astype(np.float32)
    seen = seen * (1 + dice.uniform(-_LIGHT, _LIGHT)) + dice.normal(0, _NOISE, seen.shape)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(dice.integers(75, 96))]
    return cv2.imencode(".jpg", seen.clip(0, 255).astype(np.uint8), quality)[1].tobytes()


def by_time(bursts: list[list[bytes]]) -> Iterator[tuple[str, bytes]]:
    """Names that say when a frame was taken."""
    start = datetime(2026, 5, 3, 6, tzinfo=UTC)
    for number, frames in enumerate(bursts):
        for index, frame in enumerate(frames):
            at = start + timedelta(seconds=number * _REST_S + index * _APART_S)
            yield f"{at:%Y%m%d-%H%M%S}-{at.microsecond // 1000:03}.jpg", frame


def by_sight(bursts: list[list[bytes]]) -> Iterator[tuple[str, bytes]]:
    """Names in an order that says nothing."""
    frames = [frame for frames in bursts for frame in frames]
    random.Random(0).shuffle(frames)  # noqa: S311 - an order, not a secret
    for number, frame in enumerate(frames):
        yield f"{number:05}.jpg", frame


def write(folder: Path, bursts: Pictures, naming: Any) -> Path:
    """A folder per class."""
    for label, of_class in bursts.items():
        (folder / label).mkdir(parents=True)
        for name, frame in naming(of_class):
            (folder / label / name).write_bytes(frame)
    return folder


@dataclass(frozen=True, slots=True)
class Found:
    """What grouping by sight made of bursts.

    `lost`: frames that are not with most of their burst; `torn`: bursts with such frames; `merged`:
    groups that hold frames of more than one burst.
    """

    lost: int
    torn: int
    merged: int


def look_for(data: Path, bursts: Pictures) -> Found:
    """Compare the groups of a dataset with the bursts that it was made from."""
    number = {
        frame: (label, index)
        for label, of_class in bursts.items()
        for index, frames in enumerate(of_class)
        for frame in frames
    }
    dataset = Dataset.open(data, PreprocessSpec(64, 64))
    of_burst: defaultdict[tuple[str, int], Counter[int]] = defaultdict(Counter)
    of_group: defaultdict[int, set[tuple[str, int]]] = defaultdict(set)
    for entry, group in zip(dataset.listing.entries, dataset.groups.tolist(), strict=True):
        which = number[entry.path.read_bytes()]
        of_burst[which][group] += 1
        of_group[group].add(which)
    return Found(
        lost=sum(groups.total() - max(groups.values()) for groups in of_burst.values()),
        torn=sum(len(groups) > 1 for groups in of_burst.values()),
        merged=sum(len(which) > 1 for which in of_group.values()),
    )


def galago(*arguments: object) -> Any:
    """Run a verb with --json and return its document."""
    command = [sys.executable, "-P", "-m", "galago.cli", *map(str, arguments), "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def measure(data: Path, separate: Path, split: str, seed: int, run: Path) -> Result:
    """Train on one folder, look at the other."""
    words = ("--model", "cnn", "--split", split, "--seed", seed)
    trained = galago("train", data, "--out", run, *words)
    naive = json.loads((run / "metrics.json").read_text())["naive_split"]
    true = galago("evaluate", run, separate, "--split", "all")
    return Result(
        trained["accuracy"],
        trained["n"],
        true["accuracy"],
        true["n"],
        naive and naive["accuracy"],
    )


def draw(
    archive: zipfile.ZipFile, split: str, number: int, photographs: int, shake: float = SHAKE
) -> Pictures:
    """Bursts of so many photographs of each class, others for every number."""
    dice = np.random.default_rng((number, photographs))
    bursts = {}
    for label in CLASSES:
        prefix = f"cats-dogs/{split}/{label}/"
        names = sorted(name for name in archive.namelist() if name.startswith(prefix + label))
        random.Random(split).shuffle(names)  # noqa: S311 - an order, not a secret
        chosen = names[number * photographs :][:photographs]
        if len(chosen) < photographs:
            raise SystemExit(f"{len(names)} photographs are too few for so many draws")
        bursts[label] = [burst(archive.read(name), dice, shake) for name in chosen]
    return bursts


def _error(share: float, pictures: int) -> float:
    """Standard error, were all frames of a burst answered alike."""
    return math.sqrt(share * (1 - share) / (pictures / FRAMES))


def row(name: str, results: list[Result]) -> str:
    """A line of the table, over all draws."""
    claimed, true = (statistics.mean(values) for values in zip(
        *((result.claimed, result.true) for result in results), strict=True
    ))  # fmt: skip
    error = math.hypot(
        _error(claimed, sum(result.n_claimed for result in results)),
        _error(true, sum(result.n_true for result in results)),
    )
    less, half = 100 * (claimed - true), 100 * 1.96 * error
    told = [result.told for result in results if result.told is not None]
    report = f"{statistics.mean(told):.1%}" if told else "–"
    return (
        f"| {name} | {claimed:.1%} | {true:.1%} | {less:+.1f} ({less - half:+.1f} to "
        f"{less + half:+.1f}) | {report} |"
    )


def tell_shakes(archive: zipfile.ZipFile, folder: Path, photographs: int) -> None:
    """How many frames are found by sight; no training."""
    print("| moved and zoomed by up to | frames | not found | bursts torn | groups of several |")
    print("|---|---|---|---|---|")
    for shake in SHAKES:
        bursts = draw(archive, "train", 0, photographs, shake)
        found = look_for(write(folder / str(shake), bursts, by_sight), bursts)
        frames = photographs * len(CLASSES) * FRAMES
        print(f"| ±{shake:.1%} | {frames} | {found.lost} | {found.torn} | {found.merged} |")


def main() -> None:
    """Print a line per training, then the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", nargs="?", type=Path, default=Path("../shared"))
    parser.add_argument("--draws", type=int, default=2, help="0: only what is found by sight.")
    parser.add_argument("--photographs", type=int, default=150, help="Of a class, in a draw.")
    options = parser.parse_args()
    print(describe())
    results: defaultdict[str, list[Result]] = defaultdict(list)
    with (
        tempfile.TemporaryDirectory() as name,
        zipfile.ZipFile(options.shared / "data" / "cats-dogs.zip") as archive,
    ):
        os.environ["GALAGO_CACHE"] = f"{name}/cache"  # tens of thousands of frames, used once
        tell_shakes(archive, Path(name), options.photographs)
        for seed in range(options.draws):
            folder = Path(name) / f"draw{seed}"
            bursts = draw(archive, "train", seed, options.photographs)
            others = draw(archive, "test", seed, options.photographs)
            separate = write(folder / "separate", others, by_time)
            timed = write(folder / "timed", bursts, by_time)
            seen = write(folder / "seen", bursts, by_sight)
            for case, data, split in (
                ("grouped, by time", timed, "grouped"),
                ("grouped, by sight", seen, "grouped"),
                ("naive", seen, "naive"),
            ):
                result = measure(data, separate, split, seed, folder / f"run {case}")
                results[case].append(result)
                print(
                    f"draw {seed}, {case}: claimed {result.claimed:.1%}, true {result.true:.1%}, "
                    f"told {'–' if result.told is None else format(result.told, '.1%')}",
                    flush=True,
                )
    if results:
        print("| split | claimed | true | claimed less true, points | naive claim by its report |")
        print("|---|---|---|---|---|")
    for case, of_case in results.items():
        print(row(case, of_case))


if __name__ == "__main__":
    main()
