"""Squirrels: three coats, three stances.

A sitting squirrel is about one unit high and looks to the right; its feet stand at the origin,
y points up.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from galago.train.sample.paint import Colour, Part, Points, line, oval, smooth

Stance: TypeAlias = Literal["sit", "feed", "run"]


@dataclass(frozen=True, slots=True)
class Coat:
    """Colours of a squirrel's fur, and how common it is."""

    name: str
    back: Colour
    belly: Colour
    tail: Colour
    fringe: Colour
    common: float


COATS = (
    Coat("grey", (148, 138, 126), (236, 230, 218), (130, 123, 115), (200, 196, 188), 5),
    Coat("red", (182, 92, 42), (244, 230, 208), (170, 80, 32), (214, 124, 62), 5),
    Coat("brown", (116, 84, 58), (214, 190, 158), (98, 72, 52), (158, 128, 98), 0.6),
    Coat("black", (46, 40, 40), (66, 56, 52), (38, 33, 34), (74, 64, 60), 0.1),
)

# Where each stance has its body, its head (centre and tilt) and the spine of its tail.
_BODY: dict[Stance, Points] = {
    "sit": smooth(
        (
            (0.24, 0.0),
            (0.26, 0.16),
            (0.25, 0.34),
            (0.27, 0.50),
            (0.20, 0.64),
            (0.03, 0.66),
            (-0.10, 0.50),
            (-0.23, 0.30),
            (-0.28, 0.10),
            (-0.18, 0.0),
        )
    ),
    "feed": smooth(
        (
            (0.30, 0.0),
            (0.36, 0.14),
            (0.42, 0.28),
            (0.36, 0.42),
            (0.18, 0.46),
            (-0.06, 0.46),
            (-0.28, 0.34),
            (-0.36, 0.14),
            (-0.24, 0.0),
        )
    ),
    "run": smooth(
        (
            (0.40, 0.04),
            (0.48, 0.16),
            (0.44, 0.28),
            (0.20, 0.33),
            (-0.10, 0.33),
            (-0.34, 0.28),
            (-0.42, 0.16),
            (-0.36, 0.04),
            (0.0, 0.07),
        )
    ),
}
_HEAD: dict[Stance, tuple[float, float, float]] = {
    "sit": (0.18, 0.74, 8),
    "feed": (0.46, 0.32, 34),
    "run": (0.54, 0.28, 12),
}
_TAIL: dict[Stance, tuple[tuple[float, float], ...]] = {
    "sit": (
        (-0.20, 0.06),
        (-0.42, 0.14),
        (-0.47, 0.42),
        (-0.36, 0.68),
        (-0.44, 0.90),
        (-0.62, 0.94),
    ),
    "feed": (
        (-0.30, 0.10),
        (-0.50, 0.22),
        (-0.52, 0.50),
        (-0.34, 0.68),
        (-0.12, 0.70),
        (0.02, 0.62),
    ),
    "run": (
        (-0.36, 0.18),
        (-0.58, 0.24),
        (-0.80, 0.22),
        (-1.00, 0.28),
        (-1.16, 0.36),
        (-1.26, 0.42),
    ),
}
_TAIL_WIDTH = (0.10, 0.22, 0.28, 0.28, 0.24, 0.12)
_SKULL = smooth(
    (
        (-0.16, -0.02),
        (-0.12, 0.11),
        (0.0, 0.15),
        (0.12, 0.09),
        (0.22, -0.03),
        (0.20, -0.09),
        (0.08, -0.13),
        (-0.08, -0.13),
    )
)
_DARK = (20, 17, 18)
_NUT = (170, 120, 66)
_HAIRS = 90  # strokes that make a tail bushy
_GOLDEN = 0.618


def squirrel(coat: Coat, stance: Stance, *, curl: float = 0.0, nod: float = 0.0) -> list[Part]:
    """The strokes of a squirrel.

    `curl` (-1 to 1) swings the tip of the tail; `nod` (-1 to 1) moves the head up or down.
    """
    x, y, tilt = _HEAD[stance]
    return [
        *_tail(coat, stance, curl),
        Part(_BODY[stance], coat.back),
        *_underside(coat, stance),
        *_haunch(coat, stance),
        *_head(coat, (x, y - 0.05 * nod), tilt + 14 * nod),
        *_paws(coat, stance),
    ]


def _tail(coat: Coat, stance: Stance, curl: float) -> list[Part]:
    spine = np.asarray(_TAIL[stance], np.float64)
    swing = np.linspace(0, 1, len(spine)) ** 2
    spine = spine + np.outer(swing * curl, (0.14, 0.08))
    t = np.linspace(0, len(spine) - 1, _HAIRS)
    steps = np.arange(len(spine))
    at = np.column_stack([np.interp(t, steps, spine[:, i]) for i in range(2)])
    half = np.interp(t, steps, _TAIL_WIDTH) / 2
    along = np.gradient(at, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.column_stack([-along[:, 1], along[:, 0]])
    return [*_hairs(coat, at, along, across, half), *_core(coat, at, half)]


def _hairs(coat: Coat, at: Points, along: Points, across: Points, half: Points) -> list[Part]:
    """Zigzags that leave the tail's spine on either side and lean towards its tip."""
    # The golden ratio spreads lengths evenly without a generator: a tail never flickers.
    spread = 0.75 + 0.5 * ((np.arange(len(at)) * _GOLDEN) % 1)
    reach = across * (half * spread)[:, None]
    combs = [np.stack([at, at + side * reach + 0.07 * along], 1) for side in (-1, 1)]
    return [Part(comb.reshape(-1, 2), coat.fringe, "stroke", 0.022) for comb in combs]


def _core(coat: Coat, at: Points, half: Points) -> list[Part]:
    beads = range(0, len(at), 8)
    return [
        Part(oval(at[i, 0], at[i, 1], 0.62 * half[i], 0.62 * half[i]), coat.tail) for i in beads
    ]


def _underside(coat: Coat, stance: Stance) -> list[Part]:
    if stance == "sit":
        return [Part(oval(0.23, 0.34, 0.085, 0.27, 4), coat.belly, "mark")]
    return [Part(oval(0.10, 0.05, 0.34, 0.07), coat.belly, "mark")]


def _haunch(coat: Coat, stance: Stance) -> list[Part]:
    if stance == "run":
        return [
            Part(oval(-0.26, 0.17, 0.15, 0.13, 20), _lighter(coat.back), "mark"),
            Part(line((-0.28, 0.12), (-0.40, 0.0), (-0.50, 0.0)), coat.back, "stroke", 0.07),
            Part(line((0.34, 0.12), (0.46, 0.0), (0.54, 0.01)), coat.back, "stroke", 0.06),
        ]
    return [
        Part(oval(-0.07, 0.15, 0.20, 0.155, 20), _lighter(coat.back), "mark"),
        Part(oval(0.04, 0.025, 0.16, 0.035), coat.back),
    ]


def _head(coat: Coat, centre: tuple[float, float], tilt: float) -> list[Part]:
    """Skull, ears, eye and nose, `tilt` degrees towards the ground."""
    angle = np.deg2rad(-tilt)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def put(points: Points) -> Points:
        return np.asarray(points @ turn.T + centre, np.float64)

    ear = line((-0.09, 0.09), (-0.10, 0.27), (0.02, 0.13))
    return [
        Part(put(np.add(ear, (0.05, 0.0))), _darker(coat.back)),
        Part(put(_SKULL), coat.back),
        Part(put(ear), coat.back),
        Part(put(np.add(0.6 * ear, (-0.025, 0.045))), coat.fringe, "mark"),
        Part(put(oval(0.10, -0.09, 0.10, 0.04, -8)), coat.belly, "mark"),
        Part(put(oval(0.055, 0.035, 0.052, 0.046)), _lighter(coat.belly), "mark"),
        Part(put(oval(0.06, 0.035, 0.037, 0.037)), _DARK, "mark"),
        Part(put(oval(0.072, 0.05, 0.013, 0.013)), (255, 255, 255), "mark"),
        Part(put(oval(0.215, -0.045, 0.022, 0.022)), _DARK, "mark"),
    ]


def _paws(coat: Coat, stance: Stance) -> list[Part]:
    if stance == "run":
        return []
    if stance == "feed":
        return [Part(line((0.34, 0.20), (0.44, 0.03), (0.50, 0.01)), coat.back, "stroke", 0.06)]
    return [
        Part(oval(0.40, 0.56, 0.055, 0.045, 20), _NUT),
        Part(line((0.16, 0.46), (0.28, 0.43), (0.38, 0.53)), _lighter(coat.back), "stroke", 0.07),
    ]


def _darker(colour: Colour) -> Colour:
    red, green, blue = colour
    return (red * 3 // 4, green * 3 // 4, blue * 3 // 4)


def _lighter(colour: Colour) -> Colour:
    red, green, blue = ((channel * 7 + 255) // 8 for channel in colour)
    return (red, green, blue)
