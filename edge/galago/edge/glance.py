"""What one picture alone tells: too dark, over-exposed, torn.

- Dark and bright are left at other levels than they are entered, so that they do not flicker.
- A torn picture ends in rows of one colour over the full width, which a noisy sensor never makes.
  Colours other than a decoder's own count only where the reference shows something there.

    if is_torn(frame.pixels, reference):
        print("the lower part is missing")
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from galago.bundle.preprocess import Pixels
from galago.edge.reference import HEIGHT, Grey, Reference

Levels: TypeAlias = NDArray[np.int16]

_ROWS, _COLUMNS = 240, 64  # sampled
_ONE_COLOUR = 3  # levels between the brightest and the darkest of a torn part
_FILLERS = ((128, 128, 128), (0, 135, 0))  # missing JPEG blocks; missing planes of a video
_FILLER_OFF = 8  # levels; conversions between colour spaces differ by so much
_EXTREME = (24, 232)  # beyond them one colour is deep shadow or glare
_SHARE = (0.04, 0.97)  # of the rows
_CONTRAST = 20  # levels above the cut; less is fog, or a whole picture of one colour


@dataclass(frozen=True, slots=True)
class Limit:
    """Grey levels at which a picture is too dark, or too bright, and well again.

    `share`: of the pixels that must be beyond `enter`, or `leave` while it is so already.
    """

    enter: int
    leave: int
    share: float


DARK = Limit(enter=24, leave=36, share=0.95)  # a covered lens, its sensor at highest gain
BRIGHT = Limit(enter=248, leave=236, share=0.90)  # clipped, with some noise


def is_dark(grey: Grey, *, already: bool) -> bool:
    """Whether next to nothing is brighter than black; `already`: it was so before."""
    return _share_below(grey, DARK.leave if already else DARK.enter) >= DARK.share


def is_bright(grey: Grey, *, already: bool) -> bool:
    """Whether nearly all is white; `already`: it was so before."""
    limit = BRIGHT.leave if already else BRIGHT.enter
    return 1 - _share_below(grey, limit) >= BRIGHT.share


def is_torn(pixels: Pixels, reference: Reference | None) -> bool:
    """Whether the lower part of (H, W, 3) uint8 RGB is of one colour, and the rest is not."""
    lines = _sample(pixels)
    plain = _plain_rows(lines)
    share = plain / len(lines)
    if not _SHARE[0] <= share <= _SHARE[1]:
        return False
    if int(np.ptp(lines[: len(lines) - plain])) < _CONTRAST:
        return False
    return _is_filler(lines[-1, 0]) or _is_news(lines[-1, 0], share, reference)


def _share_below(grey: Grey, level: int) -> float:
    return float((grey < level).mean())


def _sample(pixels: Pixels) -> Levels:
    height, width = pixels.shape[:2]
    lines = pixels[:: -max(height // _ROWS, 1), :: max(width // _COLUMNS, 1)][::-1]
    return lines.astype(np.int16)  # from the last row up, so that the last row is among them


def _plain_rows(lines: Levels) -> int:
    """How many rows from below have the colour of the last one, all across."""
    off = np.abs(lines - lines[-1, 0]).max(axis=(1, 2)) > _ONE_COLOUR
    return len(lines) if not off.any() else int(off[::-1].argmax())


def _is_filler(colour: Levels) -> bool:
    return any(np.abs(colour - filler).max() <= _FILLER_OFF for filler in _FILLERS)


def _is_news(colour: Levels, share: float, reference: Reference | None) -> bool:
    if reference is None or colour.max() < _EXTREME[0] or colour.min() > _EXTREME[1]:
        return False
    return int(np.ptp(reference.grey[-max(int(share * HEIGHT), 1) :])) >= _CONTRAST
