"""Birds of a garden, drawn from the side: one outline, many species.

A bird is about one unit long from breast to rump and looks to the right; its feet stand at the
origin, y points up.
"""

from dataclasses import dataclass

import numpy as np

from galago.train.sample.paint import Colour, Part, Points, line, oval, smooth


@dataclass(frozen=True, slots=True)
class Species:
    """What distinguishes one bird from another: its colours, and how common it is.

    `size` is the length of its body in units of the feeder.
    """

    name: str
    back: Colour
    breast: Colour
    belly: Colour
    cap: Colour
    cheek: Colour
    wing: Colour
    bar: Colour
    bill: Colour
    size: float
    common: float
    tail: float = 1.0  # length, 1 for a tit's


SPECIES = (
    Species("robin", (112, 90, 62), (214, 98, 38), (226, 218, 204), (112, 90, 62),
            (216, 102, 42), (92, 74, 52), (120, 98, 70), (50, 44, 40), 40, 4),
    Species("blue tit", (120, 146, 96), (238, 206, 70), (240, 218, 110), (96, 150, 214),
            (240, 240, 236), (134, 170, 220), (236, 240, 244), (52, 52, 56), 34, 6),
    Species("great tit", (112, 138, 70), (236, 204, 66), (240, 216, 90), (28, 28, 34),
            (242, 242, 238), (84, 104, 122), (226, 230, 232), (40, 40, 44), 40, 6),
    Species("blackbird", (38, 36, 38), (46, 43, 44), (50, 47, 47), (34, 32, 34),
            (42, 39, 40), (28, 27, 30), (44, 42, 44), (240, 158, 36), 46, 1.5, 1.4),
    Species("cardinal", (176, 44, 38), (206, 50, 40), (198, 58, 48), (196, 40, 34),
            (60, 26, 26), (146, 40, 38), (170, 60, 52), (232, 120, 60), 44, 2, 1.3),
    Species("sparrow", (134, 98, 66), (186, 172, 150), (204, 194, 176), (122, 78, 48),
            (206, 198, 184), (110, 76, 48), (224, 212, 190), (70, 62, 54), 38, 4),
    Species("jay", (182, 142, 124), (198, 160, 142), (224, 206, 196), (176, 134, 116),
            (212, 190, 178), (44, 46, 54), (84, 150, 216), (46, 44, 46), 50, 0.4, 1.2),
    Species("dove", (164, 150, 140), (196, 172, 166), (214, 202, 196), (178, 166, 162),
            (196, 178, 172), (150, 136, 124), (104, 96, 92), (70, 62, 62), 52, 0.4, 1.3),
    Species("goldfinch", (170, 126, 82), (214, 184, 150), (236, 228, 214), (184, 36, 36),
            (242, 238, 230), (30, 30, 34), (246, 208, 52), (226, 204, 180), 38, 3),
    Species("starling", (50, 54, 66), (58, 62, 76), (64, 66, 74), (44, 50, 64),
            (56, 58, 72), (66, 58, 52), (150, 134, 110), (222, 190, 90), 46, 0.4, 0.8),
)  # fmt: skip

_BODY = smooth(
    (
        (0.34, 0.50),
        (0.35, 0.36),
        (0.27, 0.20),
        (0.12, 0.09),
        (-0.10, 0.08),
        (-0.28, 0.13),
        (-0.42, 0.19),
        (-0.36, 0.31),
        (-0.18, 0.46),
        (-0.02, 0.58),
        (0.08, 0.66),
    )
)
_BREAST = smooth(
    ((0.36, 0.56), (0.40, 0.40), (0.34, 0.18), (0.14, 0.12), (0.12, 0.34), (0.18, 0.52))
)
_BELLY = smooth(
    ((0.30, 0.26), (0.26, 0.08), (-0.08, 0.02), (-0.40, 0.10), (-0.24, 0.20), (0.08, 0.24))
)
_WING = smooth(
    (
        (0.09, 0.52),
        (0.17, 0.40),
        (0.07, 0.25),
        (-0.20, 0.15),
        (-0.56, 0.05),
        (-0.32, 0.30),
        (-0.08, 0.47),
    )
)
_OPEN_WING = smooth(
    (
        (0.14, 0.50),
        (0.15, 0.72),
        (0.04, 0.98),
        (-0.20, 1.24),
        (-0.44, 1.36),
        (-0.42, 1.18),
        (-0.50, 1.10),
        (-0.43, 0.98),
        (-0.48, 0.86),
        (-0.38, 0.76),
        (-0.36, 0.58),
        (-0.20, 0.44),
    )
)
_DARK = (22, 20, 22)
_LEG = (96, 70, 60)


def bird(species: Species, *, nod: float = 0.0, wings: float = 0.0) -> list[Part]:
    """The strokes of a bird.

    `nod` (-1 to 1) moves the head up or down; `wings` (0-1) is how far the near wing is raised,
    0 being folded.
    """
    head = np.array([0.21 + 0.05 * nod, 0.63 - 0.07 * nod])
    return [
        Part(_BODY, species.back),
        *_legs(wings),
        Part(_tail(species), _darker(species.wing)),
        Part(_BREAST, species.breast, "mark"),
        Part(_BELLY, species.belly, "mark"),
        *_head(species, head),
        *(_raised(species, wings) if wings else _folded(species)),
    ]


def _legs(wings: float) -> list[Part]:
    lift = 0.06 * wings
    return [
        Part(line((x, 0.12), (x + 0.03, lift), (x + 0.09, lift)), _LEG, "stroke", 0.035)
        for x in (-0.02, 0.10)
    ]


def _tail(species: Species) -> Points:
    reach = 0.34 * species.tail
    tip = np.array([-0.40 - reach, 0.12 - 0.55 * reach])
    upper, lower = np.add(tip, (0.0, 0.07)), np.add(tip, (0.02, -0.05))
    return np.array([(-0.30, 0.30), upper, lower, (-0.34, 0.13)])


def _head(species: Species, head: Points) -> list[Part]:
    x, y = head
    bill = line((x + 0.12, y + 0.05), (x + 0.31, y - 0.03), (x + 0.12, y - 0.06))
    return [
        Part(bill, species.bill),
        Part(oval(x, y, 0.175, 0.16, -15), species.cap),
        Part(oval(x + 0.035, y - 0.05, 0.125, 0.085, -20), species.cheek, "mark"),
        Part(oval(x + 0.08, y + 0.03, 0.036, 0.036), _DARK, "mark"),
        Part(oval(x + 0.092, y + 0.044, 0.013, 0.013), (255, 255, 255), "mark"),
    ]


def _folded(species: Species) -> list[Part]:
    bar = line((0.06, 0.32), (-0.06, 0.30), (-0.16, 0.24))
    edge = line((-0.02, 0.25), (-0.26, 0.17), (-0.50, 0.08))
    return [
        Part(_WING, species.wing),
        Part(bar, species.bar, "mark", 0.05),
        Part(edge, _darker(species.wing), "mark", 0.03),
    ]


def _raised(species: Species, wings: float) -> list[Part]:
    shoulder = np.array([-0.02, 0.48])
    near = shoulder + (_OPEN_WING - shoulder) * (1.0, wings)
    far = np.add(near, (0.14, 0.02))
    bar = line((0.02, 0.52 + 0.2 * wings), (-0.12, 0.5 + 0.3 * wings), (-0.28, 0.5 + 0.3 * wings))
    return [
        Part(far, _darker(species.wing)),
        Part(near, species.wing),
        Part(bar, species.bar, "mark", 0.05),
    ]


def _darker(colour: Colour) -> Colour:
    red, green, blue = colour
    return (red * 3 // 4, green * 3 // 4, blue * 3 // 4)
