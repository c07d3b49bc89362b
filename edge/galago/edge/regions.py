"""Parts of the picture that are looked at by themselves, each with its own result.

- A region is written in fractions of the picture or in pixels; all four numbers up to 1 are
  fractions: `door=0.5,0.2,0.25,0.6` or `door=320,96,160,288` (left, top, width, height).
- In the first picture a region must lie inside. Later ones, should the camera change its size, cut
  off what is outside: a camera that misbehaves does not stop the loop.
"""

import re
from dataclasses import dataclass

from galago.bundle.preprocess import Pixels
from galago.errors import UsageError

_FORM = re.compile(r"(?P<name>[^=,]{1,40})=(?P<numbers>[0-9.]+(?:,[0-9.]+){3})")
_NUMBER = re.compile(r"[0-9]{1,5}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle with a name: left, top, width and height, in fractions or in pixels.

    `name` None is the whole picture, which has no need of one.
    """

    name: str | None
    left: float
    top: float
    width: float
    height: float

    @property
    def is_fraction(self) -> bool:
        """Whether the numbers are shares of the picture, 0–1, rather than pixels."""
        return max(self.left, self.top, self.width, self.height) <= 1

    def check(self, height: int, width: int) -> None:
        """See that it lies inside a picture of this size.

        Raises:
            UsageError: it does not, or is smaller than a pixel there.
        """
        x, y = (width, height) if self.is_fraction else (1, 1)
        right, bottom = (self.left + self.width) * x, (self.top + self.height) * y
        if right > width + 0.5 or bottom > height + 0.5 or not any(self.cut(height, width)):
            raise UsageError(
                f"region {self.name} is {self.left:g},{self.top:g},{self.width:g},{self.height:g} "
                f"(left, top, width, height), expected it inside the {width} × {height} picture"
            )

    def cut(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Top, bottom, left and right in pixels of a picture of this size; empty ones are zero."""
        x, y = (width, height) if self.is_fraction else (1, 1)
        left, top = round(self.left * x), round(self.top * y)
        right, bottom = round((self.left + self.width) * x), round((self.top + self.height) * y)
        right, bottom = min(right, width), min(bottom, height)
        return (top, bottom, left, right) if top < bottom and left < right else (0, 0, 0, 0)


WHOLE = Region(None, 0.0, 0.0, 1.0, 1.0)


class Cutter:
    """Cuts regions out of frames, as views; remembers where for the `shape` it has last seen."""

    def __init__(self, regions: tuple[Region, ...]) -> None:
        self.regions = regions
        self.shape: tuple[int, ...] | None = None
        self._slices: list[tuple[slice, slice]] = []

    def __call__(self, pixels: Pixels) -> list[Pixels]:
        """(H, W, 3) uint8 → a view for each region, never empty.

        Raises:
            UsageError: a region lies outside of the very first picture.
        """
        if pixels.shape != self.shape:
            self._measure(*pixels.shape[:2])
            self.shape = pixels.shape
        return [pixels[rows, columns] for rows, columns in self._slices]

    def _measure(self, height: int, width: int) -> None:
        if self.shape is None:
            for region in self.regions:
                region.check(height, width)
        cuts = (region.cut(height, width) for region in self.regions)
        # A region that is outside now shows the whole picture: something must go in.
        self._slices = [
            (slice(top, bottom or height), slice(left, right or width))
            for top, bottom, left, right in cuts
        ]


def parse_regions(written: list[str]) -> tuple[Region, ...]:
    """Read `NAME=LEFT,TOP,WIDTH,HEIGHT`, one for each; none at all is the whole picture.

    Raises:
        UsageError: one has another form, or two have one name.
    """
    regions = tuple(_parse(text) for text in written)
    names = [region.name for region in regions]
    if len(set(names)) < len(names):
        raise UsageError(f"two regions have one name: expected different ones, received {written}")
    return regions or (WHOLE,)


def _parse(text: str) -> Region:
    match = _FORM.fullmatch(text)
    numbers = match["numbers"].split(",") if match else []
    if match is None or not all(_NUMBER.fullmatch(number) for number in numbers):
        raise UsageError(
            f"a region is NAME=LEFT,TOP,WIDTH,HEIGHT in pixels or fractions, such as "
            f"door=0.5,0.2,0.25,0.6; received {text!r}"
        )
    left, top, width, height = (float(number) for number in numbers)
    if not width or not height:
        raise UsageError(f"region {match['name']} has no area: expected width and height above 0")
    return Region(match["name"], left, top, width, height)
