"""The script of a `fake:` camera: `what*amount`, separated by commas.

    bars noise black white      drawn pictures      bars*30, noise*forever
    a path to an image          that picture        porch.jpg*10
    stall                       no frame meanwhile  stall*2.5s, stall*forever
    error                       the camera fails    error
    end                         no frame after it   end

- `parse_script` judges the text alone; `prepare` then reads and draws every picture, once.
- A picture without an amount is one frame.
"""

import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import cv2

from galago.bundle.image import is_image, read_image
from galago.bundle.preprocess import Pixels, as_pixels
from galago.edge.camera.hint import nearest
from galago.edge.camera.keys import Size
from galago.edge.camera.steps import FAULTS, PICTURES, Play, show
from galago.errors import CameraError, DataError, UsageError

DEFAULT_SIZE: Size = (640, 480)
FOREVER = sys.maxsize

_FRAMES = re.compile(r"[1-9][0-9]{0,11}")
_SECONDS = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s")


@dataclass(frozen=True, slots=True)
class Step:
    """One step as written: `amount` is frames of a picture, seconds of a stall, else 0."""

    what: str
    amount: float


def parse_script(text: str) -> tuple[Step, ...]:
    """Read `what*amount,…`.

    Raises:
        UsageError: a step is unknown, has a wrong amount, or can never be reached.
    """
    steps = tuple(_parse_step(written) for written in text.split(","))
    for step in steps[:-1]:
        if step.what == "end" or step.amount in (FOREVER, math.inf):
            raise UsageError(
                f"fake: nothing comes after {step.what!r}, which lasts for ever: expected it last,"
                f" received {text!r}"
            )
    return steps


def prepare(steps: Sequence[Step], *, size: Size | None, seed: int) -> list[Play]:
    """Read and draw the pictures of a script.

    All have one size, as a camera's have: `size`, else the first image's own, else 640x480. Pixels
    are (height, width, 3) uint8 RGB; noise is uniform in 0–255 and the same for the same seed.

    Raises:
        CameraError: an image is missing or cannot be read.
    """
    images = {step.what: _read(step.what) for step in steps if _is_picture_file(step.what)}
    if size is None:
        size = next((_size(image) for image in images.values()), DEFAULT_SIZE)
    pools = {name: [_resized(image, size)] for name, image in images.items()}
    for step in steps:
        if step.what in PICTURES and step.what not in pools:
            pools[step.what] = PICTURES[step.what](size, seed)
    for picture in chain.from_iterable(pools.values()):
        picture.flags.writeable = False  # every showing is this one memory
    return [_ready(step, pools) for step in steps]


def _ready(step: Step, pools: Mapping[str, list[Pixels]]) -> Play:
    if step.what in pools:
        return partial(show, pools[step.what], int(step.amount))
    return partial(FAULTS[step.what].play, step.amount)


# --- one step's text ------------------------------------------------------------------------------


def _parse_step(written: str) -> Step:
    what, _, amount = written.rpartition("*") if "*" in written else (written, "", None)
    if what in FAULTS:
        return Step(what, _READERS[FAULTS[what].unit](what, amount))
    if what in PICTURES or _is_picture_file(what):
        return Step(what, _frames(what, amount))
    known = [*PICTURES, *FAULTS]
    raise UsageError(
        f"fake: unknown step {written!r}, expected {', '.join(known)} or a path to an image,"
        f" such as bars*30{nearest(what, known)}"
    )


def _is_picture_file(what: str) -> bool:
    return what not in PICTURES and is_image(Path(what))


def _frames(what: str, amount: str | None) -> float:
    if amount == "forever":
        return FOREVER
    if amount is not None and not _FRAMES.fullmatch(amount):
        raise UsageError(
            f"fake: {what} takes a number of frames, 1 or more, received {amount!r}:"
            f" write {what}*30 or {what}*forever"
        )
    return int(amount or 1)


def _seconds(what: str, amount: str | None) -> float:
    if amount == "forever":
        return math.inf
    match = _SECONDS.fullmatch(amount or "")
    if not match:
        raise UsageError(
            f"fake: {what} takes a time in seconds, received {amount or ''!r}:"
            f" write {what}*2.5s or {what}*forever"
        )
    return float(match[1])


def _nothing(what: str, amount: str | None) -> float:
    if amount is not None:
        raise UsageError(f"fake: {what} takes no amount, received {amount!r}: write {what}")
    return 0


_READERS: Mapping[str, Callable[[str, str | None], float]] = {
    "frames": _frames,
    "seconds": _seconds,
    "none": _nothing,
}


# --- images ---------------------------------------------------------------------------------------


def _read(name: str) -> Pixels:
    try:
        return read_image(Path(name))
    except DataError as error:
        raise CameraError(str(error)) from error
    except OSError as error:
        raise CameraError(f"{name} cannot be read, expected an image: {error.strerror}") from error


def _size(image: Pixels) -> Size:
    height, width = image.shape[:2]
    return width, height


def _resized(image: Pixels, size: Size) -> Pixels:
    if _size(image) == size:
        return image
    return as_pixels(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
