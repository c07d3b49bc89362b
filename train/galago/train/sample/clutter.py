"""What else is in the picture, whoever is at the feeder: things that a model must not fall for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from galago.train.sample.birds import SPECIES, bird
from galago.train.sample.feeder import RIDGE_X, ZOOM, on_feeder
from galago.train.sample.paint import (
    Colour,
    Floats,
    Layer,
    Part,
    Points,
    drawn,
    line,
    oval,
    placed,
    smooth,
)
from galago.train.sample.squirrels import COATS, squirrel

Depth: TypeAlias = Literal["garden", "tray", "front"]

_GARDEN_SOFT_PX = 0.9  # blur of things behind the feeder
_OUTSIDE = 0.85  # of the peanut feeders hang outside the corner posts
_DARK = (24, 22, 24)
_CAT_COATS: tuple[tuple[Colour, Colour], ...] = (
    ((206, 130, 62), (240, 214, 176)),
    ((44, 42, 46), (60, 58, 62)),
    ((128, 122, 116), (224, 220, 214)),
)
_CHANCES = {
    "fence bird": 0.20, "lawn bird": 0.14, "lawn squirrel": 0.12, "cat": 0.14, "flowerpot": 0.22,
    "watering can": 0.14, "ball": 0.10, "gnome": 0.10, "peanuts": 0.12, "fat ball": 0.03,
    "leaf": 0.06, "apple": 0.03, "cone": 0.03,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clutter:
    """A thing that stays where it is: unlit, with its place between garden and lens."""

    layer: Layer
    depth: Depth


def random_clutter(rng: np.random.Generator, grain: Floats) -> list[Clutter]:
    """The things that lie about on one day."""
    return [_MAKERS[name](rng, grain) for name, odds in _CHANCES.items() if rng.uniform() < odds]


def _away(parts: list[Part], place: Points, grain: Floats) -> Clutter:
    layer = drawn(parts, place, 0.4, grain)
    return Clutter(layer.blurred(_GARDEN_SOFT_PX), "garden")


def _side(rng: np.random.Generator) -> float:
    """X of a place on the lawn that the feeder's pole does not hide."""
    return float(rng.choice([rng.uniform(16, 124), rng.uniform(196, 304)]))


def _flip(rng: np.random.Generator) -> tuple[float, float]:
    return (float(rng.choice([-1.0, 1.0])), 1.0)


def _fence_bird(rng: np.random.Generator, grain: Floats) -> Clutter:
    species = SPECIES[rng.integers(len(SPECIES))]
    x = rng.choice([rng.uniform(6, 50), rng.uniform(270, 314)])
    place = placed(x, 93, rng.uniform(15, 22), aspect=_flip(rng))
    return _away(bird(species), place, grain)


def _lawn_bird(rng: np.random.Generator, grain: Floats) -> Clutter:
    species = SPECIES[rng.integers(len(SPECIES))]
    y = rng.uniform(175, 225)
    place = placed(_side(rng), y, 0.16 * (y - 50), rng.uniform(0, 40), _flip(rng))
    return _away(bird(species), place, grain)


def _lawn_squirrel(rng: np.random.Generator, grain: Floats) -> Clutter:
    coat, y = COATS[rng.integers(len(COATS))], rng.uniform(170, 215)
    place = placed(_side(rng), y, 0.2 * (y - 50), aspect=_flip(rng))
    return _away(squirrel(coat, "feed"), place, grain)


def _cat(rng: np.random.Generator, grain: Floats) -> Clutter:
    coat, bib = _CAT_COATS[rng.integers(len(_CAT_COATS))]
    ear = line((-0.15, 0.93), (-0.13, 1.12), (0.0, 1.0))
    parts = [
        Part(smooth(((0.22, 0), (0.24, 0.4), (0.14, 0.74), (-0.14, 0.74), (-0.26, 0.4), (-0.3, 0))),
             coat),
        Part(smooth(((0.25, 0.0), (0.5, 0.02), (0.6, 0.16), (0.5, 0.2), (0.46, 0.1), (0.25, 0.1))),
             coat),
        Part(oval(0.02, 0.36, 0.11, 0.26), bib, "mark"),
        Part(ear, coat), Part(ear * (-1, 1), coat),
        Part(oval(0, 0.86, 0.19, 0.165), coat),
        Part(oval(0, 0.79, 0.09, 0.06), bib, "mark"),
        Part(oval(-0.075, 0.88, 0.035, 0.04), (196, 204, 90), "mark"),
        Part(oval(0.075, 0.88, 0.035, 0.04), (196, 204, 90), "mark"),
        Part(oval(0, 0.81, 0.025, 0.018), (190, 110, 110), "mark"),
    ]  # fmt: skip
    y = rng.uniform(185, 232)
    return _away(parts, placed(_side(rng), y, 0.30 * (y - 40), aspect=_flip(rng)), grain)


def _flowerpot(rng: np.random.Generator, grain: Floats) -> Clutter:
    bloom = ((220, 70, 70), (244, 190, 60), (190, 110, 210))[rng.integers(3)]
    spots = rng.uniform((-0.36, 0.66), (0.36, 1.1), (16, 2))
    parts = [
        Part(line((-0.3, 0.52), (0.3, 0.52), (0.2, 0), (-0.2, 0)), (178, 96, 58)),
        Part(line((-0.34, 0.6), (0.34, 0.6), (0.33, 0.48), (-0.33, 0.48)), (192, 108, 66)),
        *(Part(oval(x, y, 0.14, 0.1, 40), (58, 110, 52)) for x, y in spots),
        *(Part(oval(x, y + 0.06, 0.075, 0.075), bloom) for x, y in spots[::2]),
    ]
    y = rng.uniform(180, 234)
    return _away(parts, placed(_side(rng), y, 0.24 * (y - 40)), grain)


def _watering_can(rng: np.random.Generator, grain: Floats) -> Clutter:
    tin = ((128, 134, 138), (82, 120, 96), (150, 92, 52))[rng.integers(3)]
    parts = [
        Part(line((-0.3, 0.5), (0.2, 0.5), (0.24, 0), (-0.34, 0)), tin),
        Part(line((0.18, 0.12), (0.44, 0.44), (0.56, 0.5)), tin, "stroke", 0.08),
        Part(oval(0.58, 0.53, 0.05, 0.1, -40), tin),
        Part(line((-0.3, 0.12), (-0.52, 0.3), (-0.4, 0.62), (-0.05, 0.66), (0.1, 0.5)), tin,
             "stroke", 0.05),
    ]  # fmt: skip
    y = rng.uniform(180, 234)
    return _away(parts, placed(_side(rng), y, 0.27 * (y - 40), aspect=_flip(rng)), grain)


def _ball(rng: np.random.Generator, grain: Floats) -> Clutter:
    colour = ((204, 52, 44), (60, 110, 190), (236, 196, 60))[rng.integers(3)]
    stripe = Part(line((-0.5, 0.6), (0.5, 0.4)), (240, 236, 228), "mark", 0.16)
    y = rng.uniform(165, 232)
    place = placed(_side(rng), y, 0.11 * (y - 40))
    return _away([Part(oval(0, 0.5, 0.5, 0.5), colour), stripe], place, grain)


def _gnome(rng: np.random.Generator, grain: Floats) -> Clutter:
    parts = [
        Part(line((-0.2, 0.5), (0.2, 0.5), (0.24, 0.04), (-0.24, 0.04)), (60, 92, 160)),
        Part(line((-0.17, 0.66), (0.17, 0.66), (0.02, 1.14)), (198, 44, 40)),
        Part(oval(0, 0.63, 0.15, 0.12), (232, 182, 150)),
        Part(smooth(((-0.16, 0.6), (0.16, 0.6), (0.1, 0.36), (0, 0.26), (-0.1, 0.36))),
             (238, 236, 232)),
        Part(oval(0, 0.61, 0.045, 0.04), (214, 130, 110)),
        Part(oval(-0.12, 0.04, 0.13, 0.06), _DARK), Part(oval(0.12, 0.04, 0.13, 0.06), _DARK),
    ]  # fmt: skip
    y = rng.uniform(178, 226)
    return _away(parts, placed(_side(rng), y, 0.24 * (y - 40)), grain)


def _peanuts(rng: np.random.Generator, grain: Floats) -> Clutter:
    outside = rng.uniform() < _OUTSIDE
    x = float(rng.choice([86, 235]) if outside else rng.uniform(116, 204))
    nuts = rng.uniform((-0.14, -0.74), (0.14, -0.18), (34, 2))
    parts = [
        Part(line((-0.17, -0.12), (0.17, -0.12), (0.17, -0.8), (-0.17, -0.8)), (122, 84, 50)),
        Part(line((0, 0.05), (0, -0.12)), _DARK, "stroke", 0.04),
        *(Part(oval(a, b, 0.045, 0.035, 30), (206, 158, 98), "mark") for a, b in nuts),
        Part(oval(0, -0.12, 0.2, 0.06), (70, 92, 70)),
        Part(oval(0, -0.82, 0.2, 0.06), (70, 92, 70)),
    ]
    layer = drawn(parts, placed(*on_feeder(x, 95), ZOOM * rng.uniform(34, 46)), 0.4, grain)
    return Clutter(layer, "front" if outside else "tray")


def _fat_ball(rng: np.random.Generator, grain: Floats) -> Clutter:
    x = float(rng.choice([rng.uniform(112, 150), rng.uniform(170, 208)]))
    drop = rng.uniform(12, 30)
    parts = [
        Part(oval(0, -drop - 8, 8.5, 8.5), (196, 172, 126)),
        Part(line((0, 0), (0, -drop)), (70, 110, 60), "stroke", 0.9),
        *(Part(line((-9, -drop - 8 + k), (9, -drop - 2 + k)), (70, 110, 60), "mark", 0.6)
          for k in (-9, -5, -1, 3)),
    ]  # fmt: skip
    return Clutter(drawn(parts, placed(*on_feeder(x, 96), ZOOM), 0.5, grain), "tray")


def _leaf(rng: np.random.Generator, grain: Floats) -> Clutter:
    colour = ((196, 120, 44), (150, 86, 40), (120, 126, 56), (176, 58, 40))[rng.integers(4)]
    outline = smooth(
        ((-0.5, 0.1), (-0.2, 0.38), (0.2, 0.34), (0.55, 0.2), (0.2, 0.0), (-0.2, -0.02))
    )
    parts = [Part(outline, colour), Part(line((-0.6, 0.1), (0.5, 0.2)), (96, 60, 32), "mark", 0.05)]
    turn = rng.uniform(-50, 50)
    spot = on_feeder(rng.uniform(90, 230), rng.uniform(153, 163))
    place = placed(*spot, ZOOM * rng.uniform(10, 24), turn, _flip(rng))
    return Clutter(drawn(parts, place, 0.4, grain), "front")


def _apple(rng: np.random.Generator, grain: Floats) -> Clutter:
    skin = ((190, 50, 40), (150, 170, 60))[rng.integers(2)]
    parts = [
        Part(oval(0, 0.45, 0.5, 0.46), skin),
        Part(oval(0.06, 0.45, 0.4, 0.38), (238, 224, 178), "mark"),
        Part(oval(0.06, 0.45, 0.1, 0.14), (120, 84, 50), "mark"),
    ]
    place = placed(*on_feeder(rng.uniform(104, 216), 159), ZOOM * rng.uniform(12, 20))
    return Clutter(drawn(parts, place, 0.4, grain), "tray")


def _cone(rng: np.random.Generator, grain: Floats) -> Clutter:
    scales = [
        Part(oval(x + 0.08 * (row % 2), 0.16 + 0.16 * row, 0.12, 0.08), (120, 84, 56), "mark")
        for row in range(5)
        for x in np.linspace(-0.26, 0.26, 4)
    ]
    parts = [
        Part(smooth(((-0.3, 0.1), (-0.28, 0.6), (0, 1), (0.28, 0.6), (0.3, 0.1))), (78, 52, 36))
    ]
    spot = on_feeder(rng.uniform(*RIDGE_X), 159)
    place = placed(*spot, ZOOM * rng.uniform(16, 26), rng.uniform(-80, 80))
    return Clutter(drawn([*parts, *scales], place, 0.4, grain), "tray")


_MAKERS: dict[str, Callable[[np.random.Generator, Floats], Clutter]] = {
    "fence bird": _fence_bird, "lawn bird": _lawn_bird, "lawn squirrel": _lawn_squirrel,
    "cat": _cat, "flowerpot": _flowerpot, "watering can": _watering_can, "ball": _ball,
    "gnome": _gnome, "peanuts": _peanuts, "fat ball": _fat_ball, "leaf": _leaf, "apple": _apple,
    "cone": _cone,
}  # fmt: skip
