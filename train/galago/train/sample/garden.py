"""The garden behind the feeder: trees, fence, bushes and lawn, as an unlit picture.

It is painted once a season and softened like what lies behind a camera's plane of focus.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from galago.train.sample.paint import (
    HEIGHT,
    WIDTH,
    Colour,
    Floats,
    Points,
    floats,
    line,
    oval,
    paint,
    shrunk,
    tripled,
)
from galago.train.sample.season import Season

_SCALE = 2  # canvas pixels a frame pixel
_SOFT_PX = 1.5  # blur of all that lies behind the feeder
_FENCE_TOP_Y, _FENCE_FOOT_Y = 92, 142
_LAWN_Y = 136
_PLANK_PX = 17
_BLADES = 2600
_CROWNS = ((28, 52, 66, 46), (296, 44, 74, 54), (120, 84, 60, 18), (210, 86, 60, 16))
_BUSHES = ((22, 128, 52, 30), (300, 126, 46, 34), (86, 136, 26, 13))
_BARK = (62, 52, 46)
_PLANK = (150, 132, 112)

_Canvas = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Garden:
    """The garden without its light.

    `colour` (240, 320, 3) float32 0-1 as under white light; `sky` (240, 320, 3) float32 is the
    share of each pixel through which the sky shows, the same in each channel.
    """

    colour: Floats
    sky: Floats


def paint_garden(season: Season, rng: np.random.Generator) -> Garden:
    """Paint the garden in one season."""
    canvas = np.zeros((HEIGHT * _SCALE, WIDTH * _SCALE, 3), np.uint8)
    solid = np.zeros(canvas.shape[:2], np.uint8)
    easel = _Easel(canvas, solid, rng)
    easel.hills(season)
    for crown in _CROWNS:
        easel.tree(season, crown)
    easel.fence(season)
    easel.lawn(season)
    for bush in _BUSHES:
        easel.bush(season, bush)
    return _developed(canvas, solid)


def _developed(canvas: _Canvas, solid: _Canvas) -> Garden:
    colour = cv2.GaussianBlur(shrunk(canvas, (WIDTH, HEIGHT)), (0, 0), _SOFT_PX)
    cover = cv2.GaussianBlur(shrunk(solid, (WIDTH, HEIGHT)), (0, 0), _SOFT_PX)
    return Garden(floats(colour), tripled(1 - floats(cover)))


@dataclass(frozen=True, slots=True)
class _Easel:
    """A canvas, the mask of what is painted on it, and the painter's hand."""

    canvas: _Canvas
    solid: _Canvas
    rng: np.random.Generator

    def dab(self, points: Points, colour: Colour, width: float = 0.0) -> None:
        paint(self.canvas, points * _SCALE, colour, width * _SCALE)
        paint(self.solid, points * _SCALE, 255, width * _SCALE)

    def hills(self, season: Season) -> None:
        """A wood far away, pale with distance."""
        for far, y in ((0.62, 78), (0.45, 88)):
            for x in np.arange(-10, WIDTH + 10, 7.0):
                tint = _mixed(season.leaves[0], (150, 166, 180), far)
                size = self.rng.uniform(9, 20)
                self.dab(oval(x, y + self.rng.normal(0, 4), size, size), self._near(tint, 6))
            self.dab(line((0, y), (WIDTH, y), (WIDTH, HEIGHT), (0, HEIGHT)), tint)

    def tree(self, season: Season, crown: tuple[int, int, int, int]) -> None:
        x, y, rx, ry = crown
        self._branch(line((x, _FENCE_FOOT_Y), (x, y + ry / 2)), 5.0)
        for angle in np.linspace(-1.1, 1.1, 5):
            self._twig((x, y + ry / 2), angle, ry * 0.55, 3.0)
        self._foliage(season.leaves, crown, round(rx * ry * 0.16 * season.density))

    def bush(self, season: Season, bush: tuple[int, int, int, int]) -> None:
        x, y, rx, ry = bush
        self._foliage(season.leaves, bush, round(rx * ry * 0.4))
        for _ in range(rx // 2):
            spot = oval(x + self.rng.normal(0, rx / 2), y + self.rng.normal(0, ry / 2.6), 1.8, 1.8)
            self.dab(spot, self._pick(season.bloom))
        if season.snow:
            cap = oval(x, y - ry * 0.72, rx * 0.62, ry * 0.3)
            self.dab(cap + self.rng.normal(0, 1.5, cap.shape), (232, 236, 242))

    def fence(self, season: Season) -> None:
        self.dab(line((0, 100), (WIDTH, 100), (WIDTH, 138), (0, 138)), (52, 44, 38))
        for left in range(-4, WIDTH, _PLANK_PX):
            self._plank(left, _FENCE_TOP_Y + self.rng.normal(0, 1), snow=season.snow)
        for y in (104, 130):
            self.dab(line((0, y), (WIDTH, y)), self._near(_PLANK, 8), 0.7)

    def lawn(self, season: Season) -> None:
        top = np.linspace(0, 1, HEIGHT - _LAWN_Y)[:, None]
        rows = (np.array(season.grass[0]) * (1 - top) + np.array(season.grass[1]) * top)[:, None]
        patches = 1 + 0.10 * cloudy(self.rng, (HEIGHT - _LAWN_Y, WIDTH), 9)[..., None]
        area = cv2.resize((rows * patches).clip(0, 255).astype(np.uint8), None, fx=2, fy=2)
        self.canvas[_LAWN_Y * _SCALE :] = area
        self.solid[_LAWN_Y * _SCALE :] = 255
        for depth in np.sort(self.rng.uniform(0, 1, _BLADES)):
            self._blade(season.grass, depth)

    def _blade(self, grass: Sequence[Colour], depth: float) -> None:
        x, y = self.rng.uniform(0, WIDTH), _LAWN_Y + 1 + depth * (HEIGHT - _LAWN_Y)
        tip = (x + self.rng.normal(0, 1 + depth), y - 2 - 5 * depth * self.rng.uniform(0.4, 1))
        self.dab(line((x, y), tip), self._near(self._pick(grass), 10), 0.5 + 0.5 * depth)

    def _plank(self, left: float, top: float, *, snow: bool) -> None:
        right = left + _PLANK_PX - 1.5
        corners = line(
            (left, top + 4), (left + 4, top), (right - 4, top), (right, top + 4),
            (right, _FENCE_FOOT_Y), (left, _FENCE_FOOT_Y),
        )  # fmt: skip
        tint = self._near(_PLANK, 12)
        self.dab(corners, tint)
        for x in self.rng.uniform(left + 1, right - 1, 5):
            lower = top + self.rng.uniform(10, 45)
            self.dab(line((x, top + 5), (x, lower)), _mixed(tint, (84, 70, 58), 0.6), 0.5)
        if snow:
            self.dab(oval((left + right) / 2, top + 0.5, 8, 2.4), (236, 240, 246))

    def _twig(self, start: tuple[float, float], angle: float, length: float, width: float) -> None:
        """A branch and, on its end, thinner ones."""
        end = (start[0] + length * np.sin(angle), start[1] - length * np.cos(angle))
        self._branch(line(start, end), width)
        if width > 1:
            for turn in self.rng.uniform(-0.7, 0.7, 3):
                self._twig(end, angle + turn, length * 0.66, width * 0.6)

    def _branch(self, points: Points, width: float) -> None:
        self.dab(points, self._near(_BARK, 6), width)

    def _foliage(self, leaves: Sequence[Colour], within: tuple[int, int, int, int], n: int) -> None:
        """Clumps from deep shade to small lit leaves, the light ones on top."""
        x, y, rx, ry = within
        for depth in np.linspace(0, 1, n):
            reach, angle = np.sqrt(self.rng.uniform()), self.rng.uniform(0, 2 * np.pi)
            at = (x + rx * reach * np.cos(angle), y + ry * reach * np.sin(angle) - 3 * depth)
            lit = np.clip(0.75 * depth - 0.35 * np.sin(angle) * reach, 0, 1)
            size = 9 - 6.5 * depth
            blob = oval(*at, size, size * 0.7, self.rng.uniform(0, 180))
            self.dab(blob, self._near(_ramp(leaves, lit), 9))

    def _near(self, colour: Colour, spread: float) -> Colour:
        """A neighbour of `colour`, lighter or darker and a little off in hue."""
        shift = self.rng.normal(0, spread) + self.rng.normal(0, spread / 4, 3)
        red, green, blue = (int(v) for v in np.clip(np.array(colour) + shift, 0, 255))
        return (red, green, blue)

    def _pick(self, colours: Sequence[Colour]) -> Colour:
        return colours[int(self.rng.integers(len(colours)))]


def cloudy(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> Floats:
    """Smooth noise (h, w) float32, mean about 0, deviation about 1, `cells` blobs across."""
    total = np.zeros(shape, np.float32)
    for octave in range(3):
        across = cells << octave
        coarse = rng.standard_normal((max(2, across * shape[0] // shape[1]), across))
        fine = cv2.resize(coarse.astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
        total += floats(fine) / (1 << octave)
    return total


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return (red, green, blue)


def _ramp(colours: Sequence[Colour], position: float) -> Colour:
    """The colour at `position` (0-1) of an evenly spaced ramp."""
    place = position * (len(colours) - 1)
    lower = min(int(place), len(colours) - 2)
    return _mixed(colours[lower], colours[lower + 1], place - lower)
