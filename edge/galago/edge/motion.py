"""Whether anything has moved since the model last looked, so that it need not look again.

- The prepared picture is compared with the one that was last classified, not with the one before:
  what creeps is noticed as well.
- Cheap: both are averaged to cells first, which also takes the sensor's noise away.
- At least once in `floor_s` the model looks all the same.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from galago.bundle.preprocess import Pixels, as_pixels

_CELLS = 32  # a side; something as small as a hundredth of the view fills ten cells


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """When a picture counts as moved.

    `level`: by how much a cell must change, 0–255; a noisy sensor at night stays below 10.
    `share`: of the cells that must, 0–1. `floor_s`: longest time without a look.
    """

    level: int = 12
    share: float = 0.005
    floor_s: float = 1.0


class MotionGate:
    """Decides, for one region, whether the model looks."""

    def __init__(self, settings: MotionSettings) -> None:
        self._settings = settings
        self._seen: Pixels | None = None
        self._cells = np.empty((_CELLS, _CELLS, 3), np.uint8)
        self._changed = np.empty_like(self._cells)
        self._looked_ns = 0

    def opens(self, image: Pixels, time_ns: int) -> bool:
        """Whether to classify this prepared picture, (h, w, 3) uint8, taken at `time_ns`."""
        cv2.resize(image, (_CELLS, _CELLS), dst=self._cells, interpolation=cv2.INTER_AREA)
        is_late = time_ns - self._looked_ns >= self._settings.floor_s * 1e9
        if self._seen is None:
            self._seen = as_pixels(np.empty_like(self._cells))
        elif not is_late and not self._moved(self._seen):
            return False
        self._seen, self._cells = self._cells, self._seen
        self._looked_ns = time_ns
        return True

    def _moved(self, seen: Pixels) -> bool:
        cv2.absdiff(self._cells, seen, dst=self._changed)
        changed = np.count_nonzero(self._changed > self._settings.level)
        return bool(changed > self._settings.share * self._changed.size)
