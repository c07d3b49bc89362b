"""Does a model say the same, whatever it is shown?

A quiet scene has the same scores for hours, and a sure model saturates: neither is a fault, nor is
a lamp that goes on. So only pictures that have nothing in common count, whatever their light, and
only if the answer is the same to the last bit. One other answer ends the doubt.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from galago.edge.loop import Seen

SCENES = 5  # that differ from each other
# Levels on average, of 255, both with the same mean: of 19 900 pairs of photographs of cats and
# dogs 99 in 100 differ by 39 or more, half of them by 65.
DIFFERENT = 40.0

_CELLS = 16  # a side


_Scene: TypeAlias = NDArray[np.float32]


class Constant:
    """Looks at pictures until it has seen two answers."""

    def __init__(self) -> None:
        self._first: NDArray[np.float32] | None = None
        self._scenes: list[_Scene] = []
        self._is_out = False

    def look(self, seen: Seen) -> bool:
        """Whether it is certain now; some microseconds while it is in doubt, then none."""
        if self._is_out:
            return False
        if self._first is None:
            self._first = seen.scores.copy()
        self._is_out = not np.array_equal(self._first, seen.scores)
        return not self._is_out and self._is_new(seen) and len(self._scenes) >= SCENES

    def _is_new(self, seen: Seen) -> bool:
        """Whether the picture has nothing in common with any that is kept; it is kept then."""
        pixels = seen.frame.pixels
        top, bottom, left, right = seen.region.cut(*pixels.shape[:2])
        pixels = pixels[top:bottom, left:right]
        height, width = pixels.shape[:2]
        cells = pixels[:: max(height // _CELLS, 1), :: max(width // _CELLS, 1)]
        scene = cells.mean(axis=2, dtype=np.float32)
        scene -= scene.mean()
        if any(_difference(scene, other) < DIFFERENT for other in self._scenes):
            return False
        self._scenes.append(scene)
        return True


def _difference(one: _Scene, other: _Scene) -> float:
    """Mean difference of two scenes, in levels; of other sizes (regions): none that counts."""
    return float(np.abs(one - other).mean()) if one.shape == other.shape else 0.0
