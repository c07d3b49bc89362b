"""The script of a `fake:` camera: `what*amount`, separated by commas.

    bars noise black white      drawn pictures              bars*30, noise*2.5s, bars*forever
    a path to an image          that picture                porch.jpg*10
    frozen                      the last frame again        frozen*5s
    torn                        its lower part grey         torn*2s
    resized                     half as wide and high       resized*2s
    blurred                     out of focus                blurred*5s
    shifted                     the camera was pushed       shifted*5s
    stall                       no frame meanwhile          stall*2.5s, stall*forever
    error                       the camera fails            error
    end                         no frame after it           end

- `parse_script` judges the text alone; `prepare` then reads and draws every picture, once.
- A picture without an amount is one frame. The faults from frozen to shifted show, as long as a
  picture would, what became of the last picture before them.
"""

import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from galago.bundle.image import is_image, read_image
from galago.bundle.preprocess import Pixels, Size, as_pixels
from galago.edge.camera.steps import (
    CHANGES,
    FAULTS,
    PICTURES,
    Change,
    Play,
    last_shown,
    show,
    with_noise,
)
from galago.edge.hint import nearest
from galago.errors import CameraError, DataError, UsageError

DEFAULT_SIZE: Size = (640, 480)
DEFAULT_FPS = 30.0
FOREVER = sys.maxsize

_FRAMES = re.compile(r"[1-9][0-9]{0,11}")
_SECONDS = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s")


@dataclass(frozen=True, slots=True)
class Step:
    """One step as written: `amount` is frames of a picture, seconds of a stall, else 0.

    `timed`: a picture's amount is in seconds too.
    """

    what: str
    amount: float
    timed: bool = False

    def frames(self, fps: float) -> int:
        """How many frames a picture is shown, one at least."""
        return max(round(self.amount * fps), 1) if self.timed else int(self.amount)


def parse_script(text: str) -> tuple[Step, ...]:
    """Read `what*amount,…`.

    Raises:
        UsageError: a step is unknown, has a wrong amount, needs a picture before it, or can never
            be reached.
    """
    steps = tuple(_parse_step(written) for written in text.split(","))
    for step in steps[:-1]:
        if step.what == "end" or step.amount in (FOREVER, math.inf):
            raise UsageError(
                f"fake: nothing comes after {step.what!r}, which lasts for ever: expected it last,"
                f" received {text!r}"
            )
    _check_changes(steps)
    return steps


def _check_changes(steps: Sequence[Step]) -> None:
    for step in steps:
        if _is_picture(step.what):
            return
        if step.what in CHANGES:
            raise UsageError(
                f"fake: {step.what!r} shows the last picture, and there is none before it:"
                f" write bars*30,{step.what}*2s"
            )


def prepare(
    steps: Sequence[Step],
    *,
    size: Size | None,
    seed: int,
    noise: int = 0,
    fps: float = DEFAULT_FPS,
) -> list[Play]:
    """Read and draw the pictures of a script.

    All have one size, as a camera's have: `size`, else the first image's own, else 640x480. Pixels
    are (height, width, 3) uint8 RGB; noise is the same for the same seed. `noise`: levels, 0–255,
    by which a sensor's noise changes each frame at most. `fps`: what the seconds of a picture mean.

    Raises:
        CameraError: an image is missing or cannot be read.
    """
    images = {step.what: _read(step.what) for step in steps if _is_picture_file(step.what)}
    if size is None:
        size = next((_size(image) for image in images.values()), DEFAULT_SIZE)
    clean = {name: [_resized(image, size)] for name, image in images.items()}
    for step in steps:
        if step.what in PICTURES and step.what not in clean:
            clean[step.what] = PICTURES[step.what](size, seed)
    return _ready(steps, _Pools(clean, noise, seed), fps)


def _ready(steps: Sequence[Step], pools: "_Pools", fps: float) -> list[Play]:
    plays: list[Play] = []
    picture = Step("", 0)
    for step in steps:
        if step.what in FAULTS:
            plays.append(partial(FAULTS[step.what].play, step.amount))
            continue
        if step.what in CHANGES:
            pool = pools.changed(step.what, picture.what, picture.frames(fps))
        else:
            picture, pool = step, pools.shown(step.what)
        plays.append(partial(show, pool, step.frames(fps)))
    return plays


class _Pools:
    """The frames of every picture, with the noise of the sensor; each is made once."""

    def __init__(self, clean: Mapping[str, list[Pixels]], noise: int, seed: int) -> None:
        self._clean, self._noise, self._seed = clean, noise, seed
        self._made: dict[tuple[str, ...], list[Pixels]] = {}

    def shown(self, picture: str) -> list[Pixels]:
        """What a picture shows."""
        return self._once((picture,), lambda: self._noisy(self._clean[picture]))

    def changed(self, change: str, picture: str, frames: int) -> list[Pixels]:
        """What a change makes of a picture that has been shown for so many frames."""
        how = CHANGES[change]
        if how.frames:
            return [last_shown(self.shown(picture), frames)]
        return self._once((change, picture), lambda: self._change(how, picture))

    def _change(self, how: Change, picture: str) -> list[Pixels]:
        if how.optical:
            return self._noisy([how.apply(pixels) for pixels in self._clean[picture]])
        return [how.apply(pixels) for pixels in self.shown(picture)]

    def _noisy(self, pool: list[Pixels]) -> list[Pixels]:
        return with_noise(pool, self._noise, self._seed)

    def _once(self, name: tuple[str, ...], make: Callable[[], list[Pixels]]) -> list[Pixels]:
        if name not in self._made:
            self._made[name] = make()
            for picture in self._made[name]:
                picture.flags.writeable = False  # every showing is this one memory
        return self._made[name]


# --- one step's text ------------------------------------------------------------------------------


def _parse_step(written: str) -> Step:
    what, _, amount = written.rpartition("*") if "*" in written else (written, "", None)
    if what in FAULTS:
        return Step(what, _READERS[FAULTS[what].unit](what, amount))
    if what in CHANGES or _is_picture(what):
        return _shown(what, amount)
    known = [*PICTURES, *FAULTS, *CHANGES]
    raise UsageError(
        f"fake: unknown step {written!r}, expected {', '.join(known)} or a path to an image,"
        f" such as bars*30{nearest(what, known)}"
    )


def _is_picture(what: str) -> bool:
    return what in PICTURES or _is_picture_file(what)


def _is_picture_file(what: str) -> bool:
    return what not in PICTURES and is_image(Path(what))


def _shown(what: str, amount: str | None) -> Step:
    if amount == "forever":
        return Step(what, FOREVER)
    if amount is None or _FRAMES.fullmatch(amount):
        return Step(what, int(amount or 1))
    match = _SECONDS.fullmatch(amount)
    if not match:
        raise UsageError(
            f"fake: {what} takes a number of frames, 1 or more, or a time, received {amount!r}:"
            f" write {what}*30, {what}*2.5s or {what}*forever"
        )
    return Step(what, float(match[1]), timed=True)


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
