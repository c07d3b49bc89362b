"""How a camera's view looked when all was well: a small grey picture to compare with.

- It is the median of several looks: what passes through the view leaves no trace, nor does noise.
- On disk it is a PNG that any viewer shows; it appears whole or not at all.
- Deleting the file is how a person says that the camera hangs elsewhere now, on purpose.

    reference = Reference.load(path) if path.exists() else None
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from galago.bundle.preprocess import Pixels, as_pixels
from galago.errors import DataError
from galago.files import replacing

# Twice what most classifiers see. A blur that does not show here does not show to them either.
WIDTH, HEIGHT = 320, 240

Grey: TypeAlias = NDArray[np.uint8]
"""(240, 320) uint8, 0 black, 255 white, row 0 on top."""


class Thumbnail:
    """Makes small grey pictures, always in the same memory: each replaces the one before.

    Convention: (H, W, 3) uint8 RGB of any size → (240, 320) uint8, stretched where H:W is not 3:4.
    """

    def __init__(self) -> None:
        self._large = np.empty((2 * HEIGHT, 2 * WIDTH, 3), np.uint8)
        self._small = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        self._grey = np.empty((HEIGHT, WIDTH), np.uint8)

    def __call__(self, pixels: Pixels) -> Grey:
        """Shrink a frame; of a large one not every pixel counts, since that would be slow."""
        if pixels.shape[0] > 2 * HEIGHT or pixels.shape[1] > 2 * WIDTH:
            large = (2 * WIDTH, 2 * HEIGHT)
            cv2.resize(pixels, large, self._large, interpolation=cv2.INTER_LINEAR)
            pixels = self._large
        cv2.resize(pixels, (WIDTH, HEIGHT), self._small, interpolation=cv2.INTER_AREA)
        cv2.cvtColor(self._small, cv2.COLOR_RGB2GRAY, self._grey)
        return self._grey


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The view as it should be; `grey` (240, 320) uint8, not to be written to."""

    grey: Grey

    @classmethod
    def of(cls, looks: Sequence[Grey]) -> Self:
        """The median of some looks, each (240, 320) uint8."""
        grey = np.median(np.stack(looks), axis=0).astype(np.uint8)
        grey.flags.writeable = False
        return cls(grey)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            DataError: the content is no grey picture of 320x240.
            OSError: the file cannot be read.
        """
        content = np.frombuffer(path.read_bytes(), np.uint8)
        grey = cv2.imdecode(content, cv2.IMREAD_UNCHANGED) if content.size else None
        if grey is None or grey.shape != (HEIGHT, WIDTH) or grey.dtype != np.uint8:
            received = "no picture" if grey is None else f"one of shape {grey.shape}"
            raise DataError(
                f"{path} is not a reference: expected a grey PNG of {WIDTH}x{HEIGHT}, received"
                f" {received}: delete it, and it is taken anew"
            )
        return cls.of([as_pixels(grey)])

    def save(self, path: Path) -> None:
        """Write it as PNG.

        Raises:
            OSError: the folder is missing or read-only, or the disk is full; `path` is as it was.
        """
        done, encoded = cv2.imencode(".png", self.grey)
        if not done:
            raise OSError(f"OpenCV could not encode the reference for {path}")
        with replacing(path) as temporary:
            temporary.write_bytes(encoded.tobytes())
