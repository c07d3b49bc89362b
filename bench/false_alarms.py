"""Is the picture believable? False alarms in an hour of film, and what is found of planted faults.

    python bench/false_alarms.py [SHARED] [--minutes 60] [--photographs 30] [--part test]

Time is simulated: the judge knows only the frames' own. Three parts, all with sensor noise, JPEG,
and light that drifts and jumps (gain 0.5–1.5, gamma, colour balance):

- the sample film, looped, without any fault: every state is a false alarm;
- the same film with faults planted one after the other: found or not, and how late;
- photographs from SHARED/data/cats-dogs.zip, each a scene of its own at 640x480 in which subjects
  come and go, shadows wander and leaves move: first without a fault, then with each. `--part train`
  are those on which the thresholds were chosen; the figures are of `--part test`.
"""

import argparse
import io
import math
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageFile

from galago.bundle.image import decode_image
from galago.bundle.preprocess import Pixels, as_pixels
from galago.edge.health import Change, Health
from galago.edge.sanity import Sanity
from machine import describe

SECOND = 1_000_000_000
RATE = 4  # looks a second
SIZE = (640, 480)
LEARN_S, FAULT_S, REST_S = 8.0, 20.0, 10.0

Fault = Callable[[Pixels], Pixels]


class Light:
    """What light and camera make of a clean picture: never twice the same."""

    def __init__(self, seed: int, size: tuple[int, int], noise: float = 3.0) -> None:
        self.random = np.random.default_rng(seed)
        height, width = size[1], size[0]
        levels = self.random.normal(0, noise, (8, height, width, 3))
        self._up = np.clip(levels, 0, 255).astype(np.uint8)
        self._down = np.clip(-levels, 0, 255).astype(np.uint8)
        self._jump, self._until_s = 1.0, 0.0

    def __call__(self, picture: Pixels, at_s: float) -> Pixels:
        """One frame."""
        return _jpeg(self.noise(self.shine(picture, at_s)))

    def shine(self, picture: Pixels, at_s: float) -> Pixels:
        """Gain 0.5–1.5: slow and by jumps; gamma and colours drift."""
        if at_s >= self._until_s:
            self._until_s = at_s + self.random.uniform(5, 40)
            self._jump = self.random.uniform(0.6, 1.4)
        gain = np.clip(self._jump * (1 + 0.3 * math.sin(at_s / 90)), 0.5, 1.5)
        gamma = 1 + 0.3 * math.sin(at_s / 55)
        warm = 0.1 * math.sin(at_s / 35)
        scale = gain * np.array([1 + warm, 1, 1 - warm])
        curve = 255 * (np.arange(256)[:, None] / 255) ** gamma * scale
        table = np.clip(curve, 0, 255).astype(np.uint8)[None]
        return as_pixels(cv2.LUT(picture, table))

    def noise(self, picture: Pixels) -> Pixels:
        """A sensor's noise."""
        if picture.shape != self._up.shape[1:]:
            return picture
        up, down = self.random.integers(0, len(self._up), 2)
        return as_pixels(cv2.subtract(cv2.add(picture, self._up[up]), self._down[down]))


class Scene:
    """A photograph as a scene: subjects come and go, a shadow wanders, leaves move."""

    def __init__(
        self, picture: Pixels, subjects: list[Pixels], random: np.random.Generator
    ) -> None:
        self._picture, self._subjects, self._random = picture, subjects, random
        self._until_s, self._subject, self._place = 0.0, picture, (0, 0)
        height, width = picture.shape[:2]
        self._grid = np.mgrid[0:height, 0:width][::-1].astype(np.float32)
        self._windy = cv2.GaussianBlur(
            random.random((height, width)).astype(np.float32), (0, 0), 60
        )
        self._windy = (self._windy - self._windy.min()) / np.ptp(self._windy)
        edge = (self._grid[0] + 0.7 * self._grid[1]) % 400 < 150
        self._shadow = cv2.GaussianBlur(np.where(edge, 140, 255).astype(np.uint8), (0, 0), 2)

    def __call__(self, at_s: float) -> Pixels:
        """The scene without noise."""
        picture = self._in_wind() if int(at_s / 15) % 2 else self._picture
        picture = self._with_subject(picture, at_s)
        if int(at_s / 20) % 2:
            shadow = np.roll(self._shadow, int(at_s * 5), 1)
            picture = as_pixels(cv2.multiply(picture, cv2.merge([shadow] * 3), scale=1 / 255))
        return picture

    def _in_wind(self) -> Pixels:
        push = self._random.normal(0, 2.0, (2, 6, 8)).astype(np.float32)
        across, down = (
            grid + cv2.resize(by, SIZE, interpolation=cv2.INTER_CUBIC) * self._windy
            for grid, by in zip(self._grid, push, strict=True)
        )
        return as_pixels(
            cv2.remap(self._picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        )

    def _with_subject(self, picture: Pixels, at_s: float) -> Pixels:
        if at_s >= self._until_s:
            self._until_s = at_s + self._random.uniform(2, 10)
            side = math.sqrt(self._random.choice([0.0, 0.1, 0.2, 0.3, 0.4, 0.5]))
            width, height = int(SIZE[0] * side), int(SIZE[1] * side)
            chosen = self._subjects[self._random.integers(len(self._subjects))]
            self._subject = as_pixels(cv2.resize(chosen, (max(width, 1), max(height, 1))))
            self._place = (
                int(self._random.integers(SIZE[0] - width + 1)),
                int(self._random.integers(SIZE[1] - height + 1)),
            )
        height, width = self._subject.shape[:2]
        x, y = self._place
        picture = picture.copy()
        mask = np.zeros((height, width), np.uint8)
        cv2.ellipse(mask, (width // 2, height // 2), (width // 2, height // 2), 0, 0, 360, 255, -1)
        cv2.copyTo(self._subject, mask, picture[y : y + height, x : x + width])
        return picture


# --- faults ---------------------------------------------------------------------------------------


def darkened(picture: Pixels) -> Pixels:
    """A covered lens."""
    return as_pixels(picture // 25)


def overexposed(picture: Pixels) -> Pixels:
    """The sun in the lens."""
    return as_pixels(cv2.add(picture, np.full_like(picture, 253)))


def torn(picture: Pixels) -> Pixels:
    """A JPEG that ended at three fifths; decoded as it is, not drawn."""
    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert done  # noqa: S101 - a benchmark
    whole = encoded.tobytes()
    # Pillow, because it shows what libjpeg makes of it; OpenCV 5 gives nothing at all.
    with Image.open(io.BytesIO(whole[: len(whole) * 3 // 5])) as image:
        return np.asarray(image)


def resized(picture: Pixels) -> Pixels:
    """Half as wide and high."""
    return as_pixels(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def blurred(sigma: float, picture: Pixels) -> Pixels:
    """Out of focus; sigma as a share of the width."""
    return as_pixels(cv2.GaussianBlur(picture, (0, 0), sigma * picture.shape[1]))


def smeared(picture: Pixels) -> Pixels:
    """Two thirds of the lens are dirty."""
    dirty = as_pixels(cv2.GaussianBlur(picture, (0, 0), 0.03 * picture.shape[1]))
    third = picture.shape[1] // 3
    return np.concatenate([picture[:, :third], dirty[:, third:]], axis=1)


def fogged(picture: Pixels) -> Pixels:
    """Dew on the lens: little contrast is left."""
    dim = as_pixels(cv2.GaussianBlur(picture, (0, 0), 0.06 * picture.shape[1]))
    return as_pixels(cv2.addWeighted(picture, 0.15, dim, 0.85, 0))


def shifted(share: float, picture: Pixels) -> Pixels:
    """Pushed to the side."""
    by = round(share * picture.shape[1])
    return as_pixels(
        cv2.copyMakeBorder(picture[:, by:], 0, 0, 0, by, cv2.BORDER_REFLECT)  # new things come in
    )


def turned(degrees: float, picture: Pixels) -> Pixels:
    """Askew."""
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.05)
    return as_pixels(cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REFLECT))


def elsewhere(picture: Pixels) -> Pixels:
    """A view that has nothing in common with it: upside down and mirrored."""
    return np.ascontiguousarray(picture[::-1, ::-1])


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault, the state it must give, and whether it is behind the light and noise."""

    name: str
    state: str
    fault: Fault
    behind: bool = False


FAULTS = (
    Planted("dark", "camera.dark", darkened),
    Planted("over-exposed", "camera.bright", overexposed),
    Planted("torn JPEG", "camera.torn", torn, behind=True),
    Planted("resized", "camera.resized", resized, behind=True),
    Planted("frozen", "camera.frozen", lambda picture: picture, behind=True),
    Planted("blur 0.5 % of the width", "camera.blurred", partial(blurred, 0.005)),
    Planted("blur 1 %", "camera.blurred", partial(blurred, 0.01)),
    Planted("blur 1.5 %", "camera.blurred", partial(blurred, 0.015)),
    Planted("two thirds smeared", "camera.blurred", smeared),
    Planted("fogged", "camera.blurred", fogged),
    Planted("moved 3 % of the width", "camera.moved", partial(shifted, 0.03)),
    Planted("moved 10 %", "camera.moved", partial(shifted, 0.1)),
    Planted("turned by 5°", "camera.moved", partial(turned, 5)),
    Planted("turned by 10°", "camera.moved", partial(turned, 10)),
    Planted("another view", "camera.moved", elsewhere),
)


# --- playing --------------------------------------------------------------------------------------


@dataclass
class Watch:
    """A judge, what it said, and the simulated time."""

    changes: list[Change] = field(default_factory=list)
    at: int = 0
    spent_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sanity = Sanity(Health(self.changes.append), noisy=True)

    @property
    def at_s(self) -> float:
        """Simulated seconds."""
        return self.at / RATE

    def look(self, frame: Pixels) -> None:
        """One look, a quarter of a second after the one before."""
        begun = time.perf_counter()
        self.sanity.look(frame, self.at * SECOND // RATE)
        self.spent_s.append(time.perf_counter() - begun)
        self.at += 1


@dataclass
class Found:
    """What became of one kind of planted fault: seconds until told and until over."""

    begun_s: list[float] = field(default_factory=list)
    over_s: list[float] = field(default_factory=list)
    planted: int = 0
    others: Counter[str] = field(default_factory=Counter)


def plant(
    watch: Watch, planted: Planted, source: Callable[[float], Pixels], light: Light, found: Found
) -> None:
    """Show a fault for FAULT_S, then rest; note what is said."""
    begin_s, before = watch.at_s, len(watch.changes)
    frozen: Pixels | None = None
    while watch.at_s < begin_s + FAULT_S:
        clean = source(watch.at_s)
        if planted.behind:
            frame = planted.fault(light(clean, watch.at_s))
            if planted.state == "camera.frozen":
                frame = frozen = frame if frozen is None else frozen
        elif planted.state in ("camera.dark", "camera.bright"):
            frame = _jpeg(light.noise(planted.fault(clean)))
        else:
            frame = light(planted.fault(clean), watch.at_s)
        watch.look(frame)
    end_s = watch.at_s
    while watch.at_s < end_s + REST_S:
        watch.look(light(source(watch.at_s), watch.at_s))
    _note(watch.changes[before:], planted, found, begin_s, end_s)


def _note(
    changes: list[Change], planted: Planted, found: Found, begin_s: float, end_s: float
) -> None:
    found.planted += 1
    told, over_s = False, None
    for change in changes:
        begun = change.ended_ns is None
        if change.state.name != planted.state or change.state.since_ns >= end_s * SECOND:
            found.others[change.state.name] += begun
        elif begun and not told:
            found.begun_s.append(change.state.since_ns / SECOND - begin_s)
            told = True
        elif change.ended_ns is not None:
            over_s = change.ended_ns / SECOND - end_s
    if over_s is not None:
        found.over_s.append(over_s)  # the last, where it was over and came again


def play(watch: Watch, source: Callable[[float], Pixels], light: Light, seconds: float) -> None:
    """Show the source without a fault."""
    until_s = watch.at_s + seconds
    while watch.at_s < until_s:
        watch.look(light(source(watch.at_s), watch.at_s))


def _jpeg(picture: Pixels, quality: int = 80) -> Pixels:
    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done  # noqa: S101 - a benchmark
    return as_pixels(cv2.imdecode(encoded, cv2.IMREAD_COLOR))


# --- the two worlds -------------------------------------------------------------------------------


def film(folder: Path) -> Callable[[float], Pixels]:
    """The sample's film, looped: simulated seconds to its frame then."""
    subprocess.run([sys.executable, "-P", "-m", "galago.cli", "sample", folder], check=True)
    capture = cv2.VideoCapture(str(folder / "clip.mp4"))
    rate = capture.get(cv2.CAP_PROP_FPS)
    frames: list[Pixels] = []
    while (got := capture.read())[0]:
        frames.append(as_pixels(cv2.cvtColor(got[1], cv2.COLOR_BGR2RGB)))
    return lambda at_s: frames[int(at_s * rate) % len(frames)]


def scenes(shared: Path, part: str, count: int) -> Iterator[Scene]:
    """Photographs that fill 640x480, each with others as subjects."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(shared / "data" / "cats-dogs.zip") as archive:
        names = sorted(
            name for name in archive.namelist() if f"/{part}/" in name and name[-1] == "g"
        )
        chosen = random.choice(names, 2 * count, replace=False)
        pictures = [decode_image(archive.read(name), Path(name)) for name in chosen]
    for picture in pictures[:count]:
        yield Scene(_filled(picture), pictures[count:], random)


def _filled(picture: Pixels) -> Pixels:
    height, width = picture.shape[:2]
    scale = max(SIZE[0] / width, SIZE[1] / height)
    size = (math.ceil(width * scale), math.ceil(height * scale))
    large = as_pixels(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC))
    return np.ascontiguousarray(large[: SIZE[1], : SIZE[0]])


# --- telling --------------------------------------------------------------------------------------


def tell_alarms(what: str, watches: list[Watch]) -> None:
    """Print the states of a time without faults."""
    minutes = sum(watch.at_s for watch in watches) / 60
    spent = [1000 * second for watch in watches for second in watch.spent_s]
    alarms = [change for watch in watches for change in watch.changes if change.ended_ns is None]
    print(f"\n{what}: {minutes:.0f} simulated minutes, {len(spent)} looks of", end=" ")
    print(f"{statistics.median(spent):.2f} ms (median); false alarms: {len(alarms)}")
    for alarm in alarms:
        print(f"- {alarm.state.name} at {alarm.state.since_ns / SECOND:.1f} s")


def tell_found(what: str, found: Mapping[str, Found]) -> None:
    """Print a row for every planted fault."""
    print(f"\n{what}\n")
    print("| fault | state | found | told after s, median (latest) | over after s | told wrongly |")
    print("|---|---|---|---|---|---|")
    for planted in FAULTS:
        row = found[planted.name]
        others = ", ".join(f"{name} {count}" for name, count in row.others.items() if count) or "–"
        print(
            f"| {planted.name} | {planted.state} | {len(row.begun_s)} of {row.planted} "
            f"| {_times(row.begun_s)} | {_times(row.over_s)} | {others} |"
        )


def _times(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} ({max(seconds):.1f})" if seconds else "–"


def main() -> None:
    """Play it all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", nargs="?", type=Path, default=Path("../shared"))
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--photographs", type=int, default=30)
    parser.add_argument("--part", choices=("train", "test"), default="test")
    options = parser.parse_args()
    print(describe())
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    with tempfile.TemporaryDirectory() as folder:
        source = film(Path(folder) / "sample")
    size = source(0).shape[1::-1]
    watch, light = Watch(), Light(0, (size[0], size[1]))
    play(watch, source, light, 60 * options.minutes)
    tell_alarms("the film", [watch])
    found: dict[str, Found] = defaultdict(Found)
    for seed in range(3):
        watch, light = Watch(), Light(seed, (size[0], size[1]))
        play(watch, source, light, LEARN_S)
        for planted in FAULTS:
            plant(watch, planted, source, light, found[planted.name])
    tell_found("faults planted in the film", found)
    of_photographs(options.shared, options.part, options.photographs)


def of_photographs(shared: Path, part: str, count: int) -> None:
    """Each photograph: a minute without faults, then every fault."""
    watches, found = [], defaultdict[str, Found](Found)
    for number, scene in enumerate(scenes(shared, part, count)):
        light = Light(number, SIZE)
        quiet = Watch()
        play(quiet, scene, light, 60)
        watches.append(quiet)
        watch = Watch(at=quiet.at)
        play(watch, scene, light, LEARN_S)
        for planted in FAULTS:
            plant(watch, planted, scene, light, found[planted.name])
    tell_alarms(f"{count} photographs of the {part} part", watches)
    tell_found("faults planted in them", found)


if __name__ == "__main__":
    main()
