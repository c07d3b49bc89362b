"""The one way from a picture to a model's input.

- Training, calibration, evaluation, the benchmark and the daemon all call `preprocess`; there is
  no second copy (docs/adr/0002-one-preprocess.md).
- What it does is fixed by a `PreprocessSpec`, which travels inside the model file.
- The result is uint8: normalisation is part of the model's graph.

    spec = PreprocessSpec(height=64, width=64)
    image = preprocess(frame, spec)  # (64, 64, 3) uint8 RGB
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from galago.errors import FrameError

Pixels: TypeAlias = NDArray[np.uint8]

Interpolation = Literal["area", "mipmap"]
Size: TypeAlias = tuple[int, int]
"""(width, height) in pixels."""

_CHANNELS = 3


@dataclass(frozen=True, slots=True)
class PreprocessSpec:
    """How a picture becomes a model's input.

    `crop`: "none" keeps the whole view and lets its proportions change; "centre" cuts the largest
    centred rectangle of the input's proportions. `interpolation`: how it is made smaller so that
    nothing aliases; "area" weighs all source pixels by their share of each new one
    (cv2.INTER_AREA), "mipmap" comes within a level of that on average at a sixth of its cost.
    `colour`: channel order of the input.
    """

    height: int
    width: int
    crop: Literal["none", "centre"] = "none"
    interpolation: Interpolation = "mipmap"
    colour: Literal["rgb", "bgr"] = "rgb"


class Scratch:
    """Memory for what lies between a frame and an image, kept from frame to frame; for one thread.

    To ask the system for it anew can take as long as all the work.
    """

    def __init__(self) -> None:
        self._kept: dict[int, Pixels] = {}

    def take(self, step: int, size: Size) -> Pixels:
        """(height, width, 3) uint8 of any content, the same at each call for this step."""
        width, height = size
        kept = self._kept.get(step)
        if kept is None or kept.shape[:2] != (height, width):
            kept = self._kept[step] = np.empty((height, width, _CHANNELS), np.uint8)
        return kept


def preprocess(
    frame: Pixels, spec: PreprocessSpec, out: Pixels | None = None, scratch: Scratch | None = None
) -> Pixels:
    """Crop, resize and reorder one picture into a model's input.

    Convention: (H, W, 3) uint8 RGB, 0–255, row 0 on top → (spec.height, spec.width, 3) uint8 in
    the order `spec.colour`. With `out`, of that shape, C-contiguous, the result is written there.
    Whoever prepares many pictures of one size gives the same `scratch` each time.

    Raises:
        FrameError: the frame is not three-channel uint8.
    """
    check_frame(frame)
    view = _centre(frame, spec) if spec.crop == "centre" else frame
    size = (spec.width, spec.height)
    if view.shape[:2] == (spec.height, spec.width):
        # cv2.resize copies in this case too, but only into memory of its own when `view` is sliced.
        resized = _copy(view, out)
    elif spec.interpolation == "area":
        resized = _area(view, size, out)
    else:
        resized = _mipmap(view, size, out, scratch or Scratch())
    if spec.colour == "bgr":
        cv2.cvtColor(resized, cv2.COLOR_RGB2BGR, dst=resized)
    return resized


def _area(view: Pixels, size: Size, out: Pixels | None) -> Pixels:
    return as_pixels(cv2.resize(view, size, dst=out, interpolation=cv2.INTER_AREA))


def _mipmap(view: Pixels, size: Size, out: Pixels | None, scratch: Scratch) -> Pixels:
    """Halve as often as leaves enough, sample bilinearly at twice the size, halve once more.

    Averages of 2 × 2 pixels are what INTER_AREA is fast at, and exact. What is left is less than
    four times too large, and four bilinear samples for each new pixel reach all of it; one alone
    would not (docs/adr/0011-mipmap.md).
    Source: mipmaps: L. Williams, Pyramidal Parametrics, SIGGRAPH 1983; 2 × 2 supersampling.
    """
    width, height = size
    step, enough = 0, 3  # a frame is far away in memory, and halving reads it in order
    while view.shape[0] >= enough * height and view.shape[1] >= enough * width:
        half = view.shape[1] // 2, view.shape[0] // 2
        view = _area(view, half, scratch.take(step, half))
        step, enough = step + 1, 4
    steepest = max(view.shape[0] / height, view.shape[1] / width)
    if steepest > 8:  # proportions that no camera has
        return _area(view, size, out)
    if steepest <= 1:
        return as_pixels(cv2.resize(view, size, dst=out, interpolation=cv2.INTER_LINEAR))
    twice = 2 * width, 2 * height
    double = scratch.take(step, twice)
    cv2.resize(view, twice, dst=double, interpolation=cv2.INTER_LINEAR)
    return _area(double, size, out)


def check_frame(frame: Pixels) -> None:
    """Raise FrameError unless `frame` is (H, W, 3) uint8 with at least one pixel."""
    if frame.dtype != np.uint8 or frame.ndim != _CHANNELS or frame.shape[2] != _CHANNELS:
        raise FrameError(
            f"a frame must be (H, W, 3) uint8 RGB, received {frame.shape} {frame.dtype}"
        )
    if frame.size == 0:
        raise FrameError(f"a frame must have at least one pixel, received shape {frame.shape}")


def _centre(frame: Pixels, spec: PreprocessSpec) -> Pixels:
    """Cut the largest centred rectangle with the proportions of the input; a view, no copy."""
    height, width = frame.shape[:2]
    if height * spec.width > width * spec.height:
        cut = max(1, round(width * spec.height / spec.width))
        top = (height - cut) // 2
        return frame[top : top + cut]
    cut = max(1, round(height * spec.width / spec.height))
    left = (width - cut) // 2
    return frame[:, left : left + cut]


def _copy(view: Pixels, out: Pixels | None) -> Pixels:
    if out is None:
        return view.copy()
    out[...] = view
    return out


def as_pixels(array: Any) -> Pixels:
    """Tell the type checker what cv2's loose stubs do not: uint8 in, uint8 out."""
    result: Pixels = array
    return result
