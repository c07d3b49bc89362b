"""A branch close to the lens: it sways in the wind, loses leaves, and hides part of the feeder."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from galago.train.sample.paint import (
    HEIGHT,
    WIDTH,
    Colour,
    Floats,
    Layer,
    Part,
    drawn,
    floats,
    line,
    placed,
    smooth,
    tripled,
)
from galago.train.sample.season import Season
from galago.train.sample.weather import Weather

_SOFT_PX = 1.7  # nearer than the plane of focus
_ROOT = (338.0, -6.0)  # where the branch turns about, outside the frame
_TWIGS = ((-46.0, 34.0), (-84.0, 44.0), (-116.0, 40.0), (-66.0, 72.0), (-34.0, 82.0), (-98.0, 66.0))
_BARK = (70, 56, 48)
_LEAVES_A_TWIG = 15
_SWING_DEG, _DROOP_DEG = 4.0, 7.0
_SWING_HZ = 0.45
_FALL_PX_S = 55.0

_LEAF = smooth(((-0.5, 0.0), (-0.15, 0.24), (0.5, 0.0), (-0.15, -0.24)))


@dataclass(frozen=True, slots=True)
class Branch:
    """`picture` (h, w, 4) float32: premultiplied RGB and alpha; its corner at (`x`, `y`)."""

    picture: Floats
    x: int
    y: int


def draw_branch(season: Season, rng: np.random.Generator) -> Branch:
    """Draw the branch with the leaves, or the snow, of a season."""
    parts = []
    for x, y in _TWIGS:
        end = (_ROOT[0] + x, _ROOT[1] + y)
        parts.append(Part(line(_ROOT, end), _BARK, "stroke", 2.2))
        parts += _leaves(season, end, rng)
    layer = drawn(parts, placed(0, 0, 1, aspect=(1, -1))).blurred(_SOFT_PX)
    return Branch(np.dstack([layer.rgb, layer.alpha[..., :1]]), layer.x, layer.y)


def swayed(branch: Branch, breeze: float, t: float) -> Layer:
    """The branch at time `t` (s): wind pushes it down and swings it."""
    wave = np.sin(2 * np.pi * _SWING_HZ * t) + 0.5 * np.sin(2 * np.pi * 2.7 * _SWING_HZ * t + 1)
    angle = breeze * (_SWING_DEG * wave + _DROOP_DEG)
    centre = (_ROOT[0] - branch.x, _ROOT[1] - branch.y)
    size = (WIDTH - branch.x, branch.picture.shape[0] + 24)
    turned = cv2.warpAffine(branch.picture, cv2.getRotationMatrix2D(centre, angle, 1), size)
    picture = floats(turned)
    return Layer(picture[..., :3], tripled(picture[..., 3]), branch.x, branch.y)


def falling_leaf(weather: Weather, t: float) -> Sequence[Layer]:
    """A leaf on its way down, on windy autumn days."""
    if weather.season.name != "autumn" or weather.breeze < 0.3:
        return []
    y = (t * _FALL_PX_S + 240 * weather.breeze) % (HEIGHT + 60) - 30
    x = 60 + 200 * weather.cloud + 26 * np.sin(y / 19)
    place = placed(float(x), float(y), 13, 60 * float(np.sin(y / 11)), (1, 0.9))
    return [drawn([Part(_LEAF, weather.season.leaves[1])], place).blurred(0.8)]


def _leaves(season: Season, end: tuple[float, float], rng: np.random.Generator) -> list[Part]:
    parts = []
    for _ in range(round(_LEAVES_A_TWIG * season.density)):
        share, size = rng.uniform(0.35, 1.06), rng.uniform(11, 18)
        at = np.array(_ROOT) + (np.array(end) - _ROOT) * share + rng.normal(0, 5, 2)
        turn = np.deg2rad(rng.uniform(0, 360))
        spin = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))]) * size
        parts.append(Part(_LEAF @ spin.T + at, _tint(season, rng)))
    return parts


def _tint(season: Season, rng: np.random.Generator) -> Colour:
    leaf = season.leaves[rng.integers(len(season.leaves))]
    shade = rng.uniform(0.75, 1.1)
    red, green, blue = (min(255, int(channel * shade)) for channel in leaf)
    return (red, green, blue)
