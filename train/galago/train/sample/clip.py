"""The clip: visits to the feeder on one afternoon, compressed, and what really happened.

- Its truth are intervals that follow one another without a gap, each of another label than the
  last.
- A visit starts in the truth when the animal is half way through its arrival: by then it has
  three quarters of its path behind it.
- Every time is a multiple of `STEP_S`, which is a whole number of frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galago.bundle.preprocess import Pixels
from galago.train.sample.actors import Actor, Animal
from galago.train.sample.bursts import Label
from galago.train.sample.camera import Camera, clean_camera
from galago.train.sample.casting import IN_FLIGHT, cast, flown, lots, passing_bird
from galago.train.sample.clutter import Clutter, random_clutter
from galago.train.sample.paint import Floats
from galago.train.sample.season import SEASONS, Season
from galago.train.sample.stage import Entrance, Stage, World, blended, set_stage
from galago.train.sample.weather import NOON_H, Weather

FPS = 15
STEP_S = 0.2

_STORY, _SCENE, _FRAMES = 3, 4, 5  # streams of random numbers, apart from those of the images
_VISITS = 15
_TAKEOVERS = 4  # visits that begin the moment another ends
_FLYBYS = 4  # birds that cross the picture without landing
_VISIT_S, _PAUSE_S = (2.0, 6.0), (1.6, 4.0)
_PASSAGE_S = 0.3  # an arrival, or a departure
_FLYBY_S = 0.9
_LAST_LIGHT = 0.92  # the clip runs from noon to this share of the afternoon
_KEY_S = 3.0  # between two hours that the light is worked out for; in between it is blended
_DRIFT = 0.006  # of the clouds' field, from one such hour to the next
_CLOUD, _BREEZE = 0.3, 0.4


@dataclass(frozen=True, slots=True)
class Visit:
    """An animal at the feeder from `start_s` until `end_s`."""

    actor: Actor
    start_s: float
    end_s: float

    def away(self, t: float) -> float | None:
        """How far (0-1) the animal is from its perch at time `t`; None when it is not there."""
        inside = min(t - self.start_s, self.end_s - t) / _PASSAGE_S + 0.5
        if inside <= 0:
            return None
        return max(0.0, 1 - inside) ** 2  # it brakes on arrival


@dataclass(frozen=True, slots=True)
class Event:
    """What is at the feeder in one interval."""

    label: Label
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Story:
    """All visits of the clip, and the birds that fly past without landing."""

    visits: tuple[Visit, ...]
    flybys: tuple[Visit, ...]
    duration_s: float

    @property
    def n_frames(self) -> int:
        """Frames at `FPS`."""
        return round(self.duration_s * FPS)

    def events(self) -> list[Event]:
        """The truth: visits and the pauses between them."""
        events: list[Event] = []
        now = 0.0
        for visit in self.visits:
            if visit.start_s > now:
                events.append(Event("empty", now, visit.start_s))
            events.append(Event(visit.actor.label, visit.start_s, visit.end_s))
            now = visit.end_s
        return [*events, Event("empty", now, self.duration_s)]


@dataclass(frozen=True, slots=True)
class Film:
    """A story on its stages: the same day, one stage for every `_KEY_S` of the clip."""

    story: Story
    stages: tuple[Stage, ...]
    camera: Camera
    noise: Floats
    seed: int

    def frame(self, index: int, fps: float = FPS) -> Pixels:
        """Frame `index` at `fps` a second, (240, 320, 3) uint8 RGB, whatever came before it."""
        t = index / fps
        rng = np.random.default_rng((self.seed, _FRAMES, index))
        key = t / _KEY_S
        stage = blended(self.stages[int(key)], self.stages[int(key) + 1], key % 1)
        light = stage.frame(self._entrances(t), t, rng)
        return self.camera.expose(light, self.noise, rng)

    def _entrances(self, t: float) -> list[Entrance]:
        passing = [
            Entrance(flown(flyby.actor, (t - flyby.start_s) / _FLYBY_S), IN_FLIGHT)
            for flyby in self.story.flybys
            if flyby.start_s <= t < flyby.end_s
        ]
        present = [(visit.actor, visit.away(t)) for visit in self.story.visits]
        return passing + [Entrance(actor, away) for actor, away in present if away is not None]


def write_story(seed: int) -> Story:
    """Make up the visits of the clip."""
    rng = np.random.default_rng((seed, _STORY))
    labels = _labels(rng)
    stays, pauses = _spread(_VISIT_S, _VISITS, rng), _spread(_PAUSE_S, _VISITS + 1, rng)
    for i in _takeovers(labels, rng):
        pauses[i] = 0.0
    visits: list[Visit] = []
    now = 0.0
    for label, lot, stay, pause in zip(labels, lots(_VISITS, rng), stays, pauses, strict=False):
        start, now = round(now + pause, 1), round(now + pause + stay, 1)
        visits.append(Visit(cast(label, lot, rng), start, now))
    duration = round(now + pauses[-1], 1)
    return Story(tuple(visits), _flybys(duration, rng), duration)


def set_film(story: Story, world: World, seed: int) -> Film:
    """Choose the day of the clip and set its stages, from noon until the light goes."""
    rng = np.random.default_rng((seed, _SCENE))
    season = SEASONS[int(rng.integers(1, len(SEASONS)))]  # snow would hide that the light moves
    clutter = random_clutter(rng, world.grain)
    n = int(story.duration_s / _KEY_S) + 2
    stages = [_stage(world, season, clutter, i, i / n) for i in range(n)]
    return Film(story, tuple(stages), clean_camera(), world.noise, seed)


def _stage(
    world: World, season: Season, clutter: Sequence[Clutter], index: int, passed: float
) -> Stage:
    hour = NOON_H + _LAST_LIGHT * passed * season.daylight_h / 2
    weather = Weather(season, hour, cloud=_CLOUD, breeze=_BREEZE)
    return set_stage(world, weather, clutter, (0.5, _DRIFT * index))


def _labels(rng: np.random.Generator) -> list[Animal]:
    """As many birds as squirrels, or one more, in any order."""
    labels: list[Animal] = ["bird" if i % 2 == 0 else "squirrel" for i in range(_VISITS)]
    return [labels[i] for i in rng.permutation(_VISITS)]


def _spread(limits: tuple[float, float], n: int, rng: np.random.Generator) -> list[float]:
    """`n` durations (s) between limits, more short than long ones, in any order."""
    low, high = limits
    even = low + (high - low) * np.linspace(0, 1, n) ** 1.6
    return [float(round(s / STEP_S) * STEP_S) for s in rng.permutation(even)]


def _takeovers(labels: Sequence[Animal], rng: np.random.Generator) -> list[int]:
    """Visits that take over from one of the other kind: the truth must change its label."""
    changes = [i for i in range(1, len(labels)) if labels[i] != labels[i - 1]]
    return [int(i) for i in rng.permutation(changes)[:_TAKEOVERS]]


def _flybys(duration_s: float, rng: np.random.Generator) -> tuple[Visit, ...]:
    starts = rng.uniform(0, duration_s - _FLYBY_S, _FLYBYS)
    return tuple(Visit(passing_bird(rng), float(t), float(t) + _FLYBY_S) for t in starts)
