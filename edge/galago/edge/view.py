"""Does a camera still see what its reference shows: as sharp, and at the same place?

- Light may change: sharpness is detail relative to contrast, and place is told by edges alone.
- Subjects may come and go: they cover tiles, and what is left still tells place and sharpness.
- Where the reference has nothing to tell by (a bare wall), nothing is said.

    likeness = View(reference).compare(grey)
    if likeness.lost is not None and likeness.lost > 0.5:
        print("out of focus")
"""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from galago.edge.reference import HEIGHT, WIDTH, Reference

Floats: TypeAlias = NDArray[np.float32]
Complexes: TypeAlias = NDArray[np.complex64]

TILES = (8, 6)  # across, down

# Chosen on 40 photographs and the drawn film of bench/false_alarms.py, and reported on others.
_FINE, _MIDDLE = 1.5, 2.0  # levels rms: less is no texture, or is noise
_KEPT = 0.5  # detail relative to contrast, now over then: less is lost
_FLAT = 0.4  # contrast that the light leaves in any case; with less, the view itself is covered
_CLIPPED = (12, 240)  # the mean of a tile that may hide its texture in black or white
_LIGHT = 0.25  # brightness, now over then: in less light there is no telling
_FEWEST = 6  # tiles with texture

_EDGE = 8.0  # levels a pixel: half of an edge's weight
_EDGES = 0.01  # share of the picture that has edges; less is a bare wall
_PLACE = (HEIGHT // 2, WIDTH // 2)  # half size tells place to one percent
_HERE = 2  # pixels of it: a mast moves as much in the wind


@dataclass(frozen=True, slots=True)
class Likeness:
    """What became of the view.

    `lost`: share of the textured tiles without their fine detail, 0–1, or None if there is no
    telling. `here`, `there`: how much of the view is at its place, within 2 % of the width, and how
    much at the place where most of it is, 0–1; two unrelated views have up to 0.08.
    """

    lost: float | None
    here: float
    there: float


class View:
    """A reference, made ready to be compared with."""

    def __init__(self, reference: Reference) -> None:
        grey = reference.grey.astype(np.float32)
        self._mean = max(float(grey.mean()), 1.0)
        self._fine, self._middle, self._contrast = _detail(grey)
        self._textured = (self._fine > _FINE) & (self._middle > _MIDDLE)
        edges = _edges(grey)
        self._bare = float((np.abs(edges) > 0.5).mean()) < _EDGES
        self._spectrum = np.conj(_frequencies(edges))

    def compare(self, grey: Floats) -> Likeness | None:
        """Compare a look, (240, 320) float32, with the reference; None: too dark to compare."""
        light = float(grey.mean()) / self._mean
        if light < _LIGHT:
            return None
        return Likeness(self._lost(grey, min(light, 1.0)), *self._place(grey))

    @property
    def tells_place(self) -> bool:
        """Whether the reference has edges to tell a place by."""
        return not self._bare

    def _lost(self, grey: Floats, light: float) -> float | None:
        mean = cv2.resize(grey, TILES, interpolation=cv2.INTER_AREA)
        judged = self._textured & (mean > _CLIPPED[0]) & (mean < _CLIPPED[1])
        count = int(judged.sum())
        if count < max(_FEWEST, int(self._textured.sum()) // 2):
            return None
        fine, middle, contrast = _detail(grey)
        expected = np.maximum(contrast / np.maximum(self._contrast, 1), _FLAT * light)
        kept = np.minimum(
            fine / np.maximum(self._fine, _FINE), middle / np.maximum(self._middle, _MIDDLE)
        )
        return float((kept < _KEPT * expected)[judged].sum()) / count

    def _place(self, grey: Floats) -> tuple[float, float]:
        """Phase correlation of edges; the surface sums to 1 where all of the view is there.

        No window dims the borders: edges end there by themselves, and a subject in the middle would
        hide all that is left.
        """
        cross = self._spectrum * _frequencies(_edges(grey))
        size = np.abs(cross)
        cross /= size + 1e-6 * size.mean() + 1e-12
        height, width = _PLACE
        # Rolled, so that no shift is in the middle and its neighbours are beside it.
        surface = np.roll(np.fft.ifft2(cross).real, (height // 2, width // 2), (0, 1))
        sums = cv2.blur(surface.astype(np.float32), (3, 3)) * 9  # a shift between two pixels
        middle = sums[
            height // 2 - _HERE : height // 2 + _HERE + 1,
            width // 2 - _HERE : width // 2 + _HERE + 1,
        ]
        return float(middle.max()), float(sums.max())


def _detail(grey: Floats) -> tuple[Floats, Floats, Floats]:
    """Root mean square per tile, (6, 8), of fine detail, of middle detail, and of all of it."""
    without_fine = cv2.blur(grey, (3, 3))
    without_middle = cv2.blur(without_fine, (7, 7))
    without_any = cv2.blur(without_fine, (31, 31))
    return (
        _rms(grey - without_fine),
        _rms(without_fine - without_middle),
        _rms(without_fine - without_any),
    )


def _rms(detail: Floats) -> Floats:
    power = cv2.resize(detail * detail, TILES, interpolation=cv2.INTER_AREA)
    return np.sqrt(power, dtype=np.float32)


def _edges(grey: Floats) -> Complexes:
    """Edges as (120, 160) complex: size 0–1, twice the angle, so that dark and bright may swap."""
    small = cv2.resize(grey, _PLACE[::-1], interpolation=cv2.INTER_AREA)
    x = cv2.Sobel(small, cv2.CV_32F, 1, 0, scale=0.25)
    y = cv2.Sobel(small, cv2.CV_32F, 0, 1, scale=0.25)
    gradient = x + np.complex64(1j) * y
    square = gradient * gradient
    edges: Complexes = (square / (np.abs(square) + np.float32(_EDGE**2))).astype(np.complex64)
    return edges


def _frequencies(edges: Complexes) -> Complexes:
    return np.fft.fft2(edges).astype(np.complex64)
