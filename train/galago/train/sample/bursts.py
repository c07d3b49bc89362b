"""The labelled images: a trail camera's two years, one burst of near-identical pictures a day.

- Each burst has its own day, weather, clutter and animal, and lies in one split only; seasons and
  hours are spread over splits and classes alike.
- Animals and perches are dealt evenly to each split, so that all are equally hard.
- A picture depends on the seed, its burst and its place therein, on nothing else: neither order
  nor threads matter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

import numpy as np

from galago.bundle.preprocess import Pixels
from galago.train.sample.camera import random_camera
from galago.train.sample.casting import IN_FLIGHT, Lot, cast, lots, passing_bird
from galago.train.sample.clutter import random_clutter
from galago.train.sample.season import season_of
from galago.train.sample.stage import Entrance, World, set_stage
from galago.train.sample.weather import random_hour, random_weather

Label: TypeAlias = Literal["bird", "empty", "squirrel"]

LABELS: tuple[Label, ...] = ("bird", "empty", "squirrel")
# How many images of each class; a little uneven, as real folders are.
WANTED: dict[str, dict[Label, int]] = {
    "train": {"bird": 390, "empty": 410, "squirrel": 370},
    "val": {"bird": 80, "empty": 88, "squirrel": 74},
    "test": {"bird": 110, "empty": 120, "squirrel": 100},
}
PERIOD_S = 0.4  # between pictures of a burst

_SHORTEST, _LONGEST = 3, 6  # bursts, in pictures
_FIRST_DAY = datetime(2025, 1, 1)  # noqa: DTZ001 - a trail camera knows no time zone
_DAYS = 730
_PLAN, _PICTURES = 1, 2  # streams of random numbers
_IN_MOTION = 0.1  # of the bursts catch an animal coming or going
_FLYBYS = 0.08  # of the bursts have one picture with a bird that only flies past
_MID_AIR = (0.12, 0.5)  # how far from its perch it then is


@dataclass(frozen=True, slots=True)
class Burst:
    """`count` pictures of one scene, to be made from the random stream `index`.

    `lot` chooses the animal, if there is one.
    """

    index: int
    split: str
    label: Label
    count: int
    lot: Lot
    start: datetime

    def names(self) -> list[str]:
        """File names that sort by time: YYYYMMDD-HHMMSS-mmm.jpg."""
        times = [self.start + timedelta(seconds=i * PERIOD_S) for i in range(self.count)]
        return [f"{t:%Y%m%d-%H%M%S}-{t.microsecond // 1000:03d}.jpg" for t in times]


def plan_bursts(seed: int) -> list[Burst]:
    """Deal the days of the year to splits and classes."""
    rng = np.random.default_rng((seed, _PLAN))
    dealt = [
        (split, label, count, lot)
        for split, wanted in WANTED.items()
        for label, total in wanted.items()
        for count, lot in _dealt(total, rng)
    ]
    days = rng.permutation(max(_DAYS, len(dealt)))
    return [
        Burst(index, *deal, start=_moment(int(day), rng))
        for index, (deal, day) in enumerate(zip(dealt, days, strict=False))
    ]


def _moment(day: int, rng: np.random.Generator) -> datetime:
    """A whole second in the daylight of a day."""
    date = _FIRST_DAY + timedelta(days=day)
    hour = random_hour(season_of(date), rng)
    return date + timedelta(seconds=round(hour * 3600))


def shoot(burst: Burst, world: World, seed: int) -> Iterator[Pixels]:
    """Take the pictures of a burst, (240, 320, 3) uint8 RGB each."""
    rng = np.random.default_rng((seed, _PICTURES, burst.index))
    hour = (burst.start - burst.start.replace(hour=0, minute=0, second=0)) / timedelta(hours=1)
    weather = random_weather(season_of(burst.start), hour, rng)
    clutter = random_clutter(rng, world.grain)
    camera = random_camera(rng)
    window = (float(rng.uniform()), float(rng.uniform()))
    stage = set_stage(world, weather, clutter, window)
    entrances = _entrances(burst, rng)
    since_s = float(rng.uniform(0, 60))
    for i, entrance in enumerate(entrances):
        light = stage.frame(entrance, since_s + i * PERIOD_S, rng)
        yield camera.expose(light, world.noise, rng)


def _dealt(total: int, rng: np.random.Generator) -> list[tuple[int, Lot]]:
    """Bursts of `total` pictures, each with a lot."""
    sizes = _sizes(total, rng)
    return list(zip(sizes, lots(len(sizes), rng), strict=True))


def _sizes(total: int, rng: np.random.Generator) -> list[int]:
    """Split `total` into bursts, more short than long ones."""
    sizes: list[int] = []
    while (left := total - sum(sizes)) > _LONGEST:
        size = min(rng.integers(_SHORTEST, _LONGEST + 1, 4))
        # Leave enough for one more burst, never a remainder that is too small for it.
        sizes.append(int(min(size, left - _SHORTEST)))
    return [*sizes, left]


def _entrances(burst: Burst, rng: np.random.Generator) -> list[list[Entrance]]:
    """Who is in each picture; in some bursts the animal is just coming or going."""
    away = [0.0] * burst.count
    if rng.uniform() < _IN_MOTION:
        away[int(rng.choice([0, -1]))] = float(rng.uniform(*_MID_AIR))
    entrances: list[list[Entrance]] = [[] for _ in away]
    if rng.uniform() < _FLYBYS:
        entrances[int(rng.integers(burst.count))].append(Entrance(passing_bird(rng), IN_FLIGHT))
    if burst.label != "empty":
        actor = cast(burst.label, burst.lot, rng)
        for present, distance in zip(entrances, away, strict=True):
            present.append(Entrance(actor, distance))
    return entrances
