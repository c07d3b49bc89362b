"""Which animal comes, and where it settles: mostly plain to see, sometimes awkward.

- Plain places: on the tray, on its rim.
- Awkward ones: behind a corner post, on the pole, on the roof, head down from the eaves.
- How often each comes decides how hard the sample is: a small network that learns in two minutes
  should get about nineteen pictures in twenty right.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

import numpy as np

from galago.train.sample.actors import Actor, Animal, Perch
from galago.train.sample.birds import SPECIES
from galago.train.sample.feeder import (
    EAVES_Y,
    POLE_X,
    RIM_Y,
    TRAY_X,
    TRAY_Y,
    ZOOM,
    on_feeder,
)
from galago.train.sample.paint import WIDTH
from galago.train.sample.squirrels import COATS, Stance

Generator: TypeAlias = np.random.Generator
_T = TypeVar("_T")
_Place: TypeAlias = Callable[[Generator, float], tuple[Perch, Stance]]

_GROWTH = (1.22, 1.4)  # of a bird's usual size: some come nearer to the lens
_SQUIRREL = (60.0, 74.0)
_RUNNING = 0.75  # of its size: stretched out, a squirrel is long
_NARROW = (0.72, 1.0)  # seen a little from the front or from behind
IN_FLIGHT = 0.3  # `away` of a passing bird: wings open, a little blurred
_FLYBY_Y = (20.0, 130.0)
_FAR = (0.4, 0.75)  # of the size it would have at the feeder
_MARGIN_PX = 60.0  # outside the frame, where it comes from
_RIM_X = (90.0, 230.0)
_CORNERS_X = (93.0, 227.0)  # behind the posts


@dataclass(frozen=True, slots=True)
class Lot:
    """Which animal of its kind and which perch, both 0-1 along the list of what is possible."""

    look: float
    perch: float


def lots(n: int, rng: Generator) -> list[Lot]:
    """Draw `n` lots that together cover all that is possible evenly.

    With so few animals pure chance would give one split all the awkward perches.
    """
    looks, perches = (rng.permutation(n) for _ in range(2))
    return [Lot((a + 0.5) / n, (b + 0.5) / n) for a, b in zip(looks, perches, strict=True)]


def cast(label: Animal, lot: Lot, rng: Generator) -> Actor:
    """The animal that a lot has chosen, on its perch."""
    return _bird(lot, rng) if label == "bird" else _squirrel(lot, rng)


def passing_bird(rng: Generator) -> Actor:
    """A bird somewhere behind the feeder that does not land; see `flown`."""
    species = SPECIES[rng.integers(len(SPECIES))]
    side = _side(rng)
    perch = Perch(float(rng.uniform(0, WIDTH)), float(rng.uniform(*_FLYBY_Y)), sunlit=0.9)
    size = species.size * float(rng.uniform(*_FAR))
    return Actor("bird", species, perch, size, _aspect(rng, side), "sit", _phases(rng))


def flown(actor: Actor, share: float) -> Actor:
    """A passing bird when it has crossed the `share` (0-1) of the picture."""
    forwards = share if actor.aspect[0] > 0 else 1 - share
    x = -_MARGIN_PX + forwards * (WIDTH + 2 * _MARGIN_PX)
    return replace(actor, perch=replace(actor.perch, x=x))


def _bird(lot: Lot, rng: Generator) -> Actor:
    species = _at(lot.look, SPECIES, [species.common for species in SPECIES])
    side = _side(rng)
    perch, _ = _at(lot.perch, *_split(_BIRD_PLACES))(rng, side)
    size = ZOOM * species.size * float(rng.uniform(*_GROWTH))
    return Actor("bird", species, perch, size, _aspect(rng, side), "sit", _phases(rng))


def _squirrel(lot: Lot, rng: Generator) -> Actor:
    coat = _at(lot.look, COATS, [coat.common for coat in COATS])
    side = _side(rng)
    perch, stance = _at(lot.perch, *_split(_SQUIRREL_PLACES))(rng, side)
    size = ZOOM * float(rng.uniform(*_SQUIRREL)) * (_RUNNING if stance == "run" else 1)
    return Actor("squirrel", coat, perch, size, _aspect(rng, side), stance, _phases(rng))


def _split(places: Mapping[_Place, float]) -> tuple[list[_Place], list[float]]:
    return [*places], [*places.values()]


def _at(share: float, things: Sequence[_T], weights: Sequence[float]) -> _T:
    """The thing at `share` (0-1) of a list in which each is as long as its weight says."""
    ends = np.cumsum(weights)
    return things[int(np.searchsorted(ends, share * ends[-1], side="right"))]


def _side(rng: Generator) -> float:
    """Which way it looks: 1 to the right, -1 to the left."""
    return float(rng.choice([-1.0, 1.0]))


def _aspect(rng: Generator, side: float) -> tuple[float, float]:
    return side * float(rng.uniform(*_NARROW)), 1.0


def _phases(rng: Generator) -> tuple[float, float, float]:
    nod, peck, tail = (float(phase) for phase in rng.uniform(0, 2 * np.pi, 3))
    return nod, peck, tail


def _spot(x: float, y: float) -> Perch:
    """A perch at a point of the feeder."""
    return Perch(*on_feeder(x, y))


def _on_tray(rng: Generator, _side: float) -> tuple[Perch, Stance]:
    stance: Stance = "sit" if rng.integers(2) else "feed"
    return replace(_spot(rng.uniform(*TRAY_X), TRAY_Y + 1), roomy=True), stance


def _on_rim(rng: Generator, _side: float) -> tuple[Perch, Stance]:
    spot = _spot(rng.uniform(*_RIM_X), RIM_Y + 1)
    return replace(spot, before=True, sunlit=0.6, roomy=True), "feed"


def _behind_post(rng: Generator, side: float) -> tuple[Perch, Stance]:
    """The post and the picture behind it share the animal."""
    x = float(rng.choice(_CORNERS_X) + rng.normal(0, 4) - 4 * side)
    return replace(_spot(x, TRAY_Y + 1), sunlit=0.6), "feed"


def _on_slope(rng: Generator, side: float) -> tuple[Perch, Stance]:
    """On the roof; downhill it leans forward, uphill back."""
    x, y = rng.uniform((108, 64), (212, 90))
    lean = 28 * side * float(np.sign(x - POLE_X))
    return replace(_spot(x, y), turn_deg=lean, before=True, sunlit=0.75), "run"


def _on_pole(rng: Generator, side: float) -> tuple[Perch, Stance]:
    """Climbing up or down."""
    turn = float(rng.choice([-86.0, 86.0]))
    x = POLE_X + side * float(np.sign(turn) * rng.uniform(-3, 8))
    spot = _spot(x, rng.uniform(176, 204))
    return replace(spot, turn_deg=turn, before=True, sunlit=0.7, shadow=False), "run"


def _head_down(rng: Generator, _side: float) -> tuple[Perch, Stance]:
    """Hanging from the eaves by the hind feet."""
    spot = _spot(rng.uniform(*TRAY_X), EAVES_Y + 14)
    turn = float(rng.uniform(65, 95))
    return replace(spot, turn_deg=turn, before=True, sunlit=0.6, shadow=False), "run"


_BIRD_PLACES: Mapping[_Place, float] = {
    _on_tray: 92, _on_rim: 6, _behind_post: 1, _on_slope: 1,
}  # fmt: skip
_SQUIRREL_PLACES: Mapping[_Place, float] = {
    _on_tray: 95, _on_rim: 2.5, _behind_post: 0.7, _on_slope: 0.6, _on_pole: 0.6, _head_down: 0.6,
}  # fmt: skip
