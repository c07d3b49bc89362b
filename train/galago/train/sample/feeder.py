"""The bird feeder: a table under a shingled roof, on a post.

- `back` is what an animal on the tray stands in front of: pole, rear posts, floor, underside.
- `front` is what can hide it: corner posts, rim and roof.

Convention: the feeder has units of its own, y down; `on_feeder` takes them to frame pixels, `ZOOM`
of them to a unit. The feet of an animal on the tray are at y = TRAY_Y.
"""

from dataclasses import dataclass

import numpy as np

from galago.train.sample.garden import cloudy
from galago.train.sample.paint import Colour, Floats, Layer, Part, Points, drawn, line, oval

TRAY_Y, TRAY_X = 158, (124, 196)  # where feet can stand, inside the corner posts
RIM_Y = 157
RIDGE_Y, RIDGE_X = 51, (116, 204)
EAVES_Y, EAVES_X = 92, (80, 240)
POLE_X = 160

ZOOM = 1.36
_TO_FRAME = np.array([(ZOOM, 0.0, 160 - 160 * ZOOM), (0.0, ZOOM, 172 - 158 * ZOOM)])

_WOOD, _DARK_WOOD, _PALE_WOOD = (160, 112, 70), (84, 58, 40), (190, 142, 94)
_ROOF = (128, 62, 48)
_SNOW = (236, 240, 247)
_ROWS = 6  # of shingles
_SEED_COLOURS = ((222, 186, 120), (70, 54, 44), (196, 150, 86), (236, 216, 170))


@dataclass(frozen=True, slots=True)
class Feeder:
    """The two layers of the feeder, unlit."""

    back: Layer
    front: Layer


def build_feeder(rng: np.random.Generator, *, snow: bool) -> Feeder:
    """Draw the feeder; `snow` lies on its roof and rim."""
    grain = _grain(rng)
    back = [*_pole(), *_inside(), *_seeds(rng)]
    front = [*_posts(), *_rim(), *_roof(rng), *(_snow_cap(rng) if snow else [])]
    return Feeder(drawn(back, _TO_FRAME, grain=grain), drawn(front, _TO_FRAME, grain=grain))


def on_feeder(x: float, y: float) -> tuple[float, float]:
    """A point of the feeder in frame pixels."""
    across, down = _TO_FRAME @ (x, y, 1.0)
    return float(across), float(down)


def _grain(rng: np.random.Generator) -> Floats:
    """Wood: noise stretched along the boards."""
    noise = cloudy(rng, (200, 180), 24) * 0.03 + cloudy(rng, (200, 180), 4) * 0.03
    return np.asarray(1 + noise, np.float32)


def _box(left: float, top: float, right: float, bottom: float) -> Points:
    return line((left, top), (right, top), (right, bottom), (left, bottom))


def _pole() -> list[Part]:
    shades: tuple[Colour, ...] = ((104, 72, 48), (150, 108, 70), (126, 88, 56), (84, 58, 38))
    strips = [
        Part(_box(153 + 3.5 * i, 164, 157 + 3.5 * i, 246), shade) for i, shade in enumerate(shades)
    ]
    brace = Part(line((138, 168), (182, 168), (164, 190), (156, 190)), _DARK_WOOD)
    return [*strips, brace]


def _inside() -> list[Part]:
    """A pale back wall, so that whoever stands before it is plain to see, and the floor."""
    boards = [Part(_box(107, y, 213, y + 0.7), (58, 98, 102), "mark") for y in (109, 123, 137)]
    eaves_shade: tuple[Colour, ...] = ((46, 78, 82), (58, 96, 100), (68, 110, 114))
    shades = [
        Part(_box(107, 96 + 3 * i, 213, 100 + 3 * i), shade, "mark")
        for i, shade in enumerate(eaves_shade)
    ]
    return [
        Part(_box(107, 94, 213, 153), (62, 104, 110)),
        *shades,
        *boards,
        Part(line((92, 88), (228, 88), (216, 97), (104, 97)), (58, 40, 30)),
        Part(_box(104, 94, 108, 154), _DARK_WOOD),
        Part(_box(212, 94, 216, 154), _DARK_WOOD),
        Part(line((104, 150), (216, 150), (234, 162), (86, 162)), (142, 98, 60)),
        Part(line((104, 150), (216, 150), (217, 152), (103, 152)), (108, 74, 46), "mark"),
    ]


def _seeds(rng: np.random.Generator) -> list[Part]:
    spots = rng.normal((160, 157), (30, 2.0), (30, 2)).clip((98, 152), (222, 160))
    pick = rng.integers(len(_SEED_COLOURS), size=len(spots))
    return [
        Part(oval(x, y, 1.3, 0.8), _SEED_COLOURS[i]) for (x, y), i in zip(spots, pick, strict=True)
    ]


def _posts() -> list[Part]:
    posts = []
    for x in (93, 221):
        posts += [
            Part(_box(x, 88, x + 6, 162), _WOOD),
            Part(_box(x, 88, x + 2, 162), _PALE_WOOD, "mark"),
            Part(_box(x + 4.5, 88, x + 6, 162), _DARK_WOOD, "mark"),
        ]
    return posts


def _rim() -> list[Part]:
    return [
        Part(_box(83, 158, 237, 168), _WOOD),
        Part(_box(83, 158, 237, 159.5), _PALE_WOOD, "mark"),
        Part(_box(83, 166, 237, 168), _DARK_WOOD, "mark"),
        Part(oval(89, 163, 1, 1), (60, 56, 52), "mark"),
        Part(oval(231, 163, 1, 1), (60, 56, 52), "mark"),
    ]


def _roof(rng: np.random.Generator) -> list[Part]:
    outline = line((RIDGE_X[0], 50), (RIDGE_X[1], 50), (EAVES_X[1], 92), (EAVES_X[0], 92))
    parts = [Part(outline, _ROOF)]
    for row in range(_ROWS):
        parts += _shingles(rng, row)
    fascia = _box(EAVES_X[0] - 1, 91, EAVES_X[1] + 1, 96)
    parts += [Part(fascia, _DARK_WOOD), Part(_box(EAVES_X[0], 91, EAVES_X[1], 92.5), _WOOD, "mark")]
    ridge = line((RIDGE_X[0] - 3, 51), (RIDGE_X[1] + 3, 51))
    return [*parts, Part(ridge, (104, 48, 38), "stroke", 4.5)]


def _shingles(rng: np.random.Generator, row: int) -> list[Part]:
    """One course of shingles, each a little lighter or darker than the next."""
    top, bottom = (50 + 42 * (row + i) / _ROWS for i in range(2))
    parts = []
    n = 13
    for i in range(n):
        a, b = ((i + 0.5 * (row % 2) + k) / n for k in range(2))
        corners = line((_slope(a, top), top), (_slope(b, top), top),
                       (_slope(b, bottom), bottom), (_slope(a, bottom), bottom))  # fmt: skip
        shade = 1 + rng.normal(0, 0.09) - 0.02 * row
        tint = tuple(int(np.clip(c * shade, 0, 255)) for c in _ROOF)
        parts.append(Part(corners, (tint[0], tint[1], tint[2]), "mark"))
        edge = line((_slope(b, top), top), (_slope(b, bottom), bottom))
        parts.append(Part(edge, (84, 38, 32), "mark", 0.5))
    course = line((_slope(0, bottom), bottom), (_slope(1, bottom), bottom))
    return [*parts, Part(course, (78, 34, 30), "mark", 1.0)]


def _slope(share: float, y: float) -> float:
    """X of the point `share` (0-1) of the way across the roof at height y."""
    down = (y - 50) / (EAVES_Y - 50)
    left = RIDGE_X[0] + (EAVES_X[0] - RIDGE_X[0]) * down
    right = RIDGE_X[1] + (EAVES_X[1] - RIDGE_X[1]) * down
    return float(left + (right - left) * min(share, 1.0))


def _snow_cap(rng: np.random.Generator) -> list[Part]:
    x = np.linspace(EAVES_X[0] - 2, EAVES_X[1] + 2, 24)
    lower = np.column_stack([x[::-1], 88 + rng.uniform(0, 9, 24)])
    upper = line((RIDGE_X[0] - 4, 46), (160, 44), (RIDGE_X[1] + 4, 46))
    shade = np.add(lower, (0, 2))
    return [
        Part(np.vstack([upper, shade]), (186, 196, 214)),
        Part(np.vstack([upper, lower]), _SNOW),
        Part(_box(84, 155.5, 236, 159.5), _SNOW),
    ]
