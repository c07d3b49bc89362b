"""JPEGs of one frame: the whole, what the model saw of it, and a small one.

prints = negative(frame.pixels, region, spec, width=1280, scratch=scratch)  # now release it
full, crop, thumbnail = prints.full(85), prints.crop(), prints.thumbnail()
"""

from dataclasses import dataclass, replace

import cv2

from galago.bundle.image import encode_image
from galago.bundle.preprocess import (
    Pixels,
    PreprocessSpec,
    Scratch,
    as_pixels,
    check_frame,
    preprocess,
)
from galago.edge.regions import Region

THUMBNAIL = (160, 240)  # largest width and height
THUMBNAIL_BYTES = 50_000

_CROP_QUALITY = 95  # it is for training: what the codec adds must not be learnt
_THUMBNAIL_QUALITIES = (75, 50, 25)
_HIGHEST = 8192  # JPEG knows no more than 65 535 pixels a side, browsers less


@dataclass(frozen=True, slots=True, eq=False)
class Negative:
    """Pixels of their own, (h, w, 3) uint8 RGB: nothing of the camera's is held any more.

    `whole`: the frame, made smaller. `seen`: the model's input.
    """

    whole: Pixels
    seen: Pixels

    def full(self, quality: int) -> bytes:
        """JPEG of the whole frame; quality 1–100."""
        return encode_image(self.whole, ".jpg", quality=quality)

    def crop(self) -> bytes:
        """JPEG of what the model saw."""
        return encode_image(self.seen, ".jpg", quality=_CROP_QUALITY)

    def thumbnail(self) -> bytes:
        """JPEG of at most THUMBNAIL pixels and, for what is a picture at all, THUMBNAIL_BYTES."""
        small = shrunk(self.whole, *THUMBNAIL)
        for quality in _THUMBNAIL_QUALITIES:
            content = encode_image(small, ".jpg", quality=quality)
            if len(content) <= THUMBNAIL_BYTES:
                break
        return content


def negative(
    pixels: Pixels, region: Region, spec: PreprocessSpec, width: int, scratch: Scratch
) -> Negative:
    """What is needed of a frame, (H, W, 3) uint8 RGB.

    `spec`: of the model that saw the region; `width`: pixels of the whole frame at most.

    Raises:
        FrameError: it is no such frame.
    """
    check_frame(pixels)
    # An image file's colours are RGB; the model's order is for the next preprocess to make.
    seen = preprocess(view(pixels, region), replace(spec, colour="rgb"), scratch=scratch)
    whole = shrunk(pixels, width, _HIGHEST)
    return Negative(whole.copy() if whole is pixels else whole, seen)


def view(pixels: Pixels, region: Region) -> Pixels:
    """The region of a frame, as galago.edge.regions.Cutter cuts it from any but the first."""
    top, bottom, left, right = region.cut(*pixels.shape[:2])
    return pixels[top : bottom or None, left : right or None]


def shrunk(pixels: Pixels, width: int, height: int) -> Pixels:
    """Made smaller, in proportion, to fit; the very same pixels where they do."""
    tall, wide = pixels.shape[:2]
    scale = min(width / wide, height / tall)
    if scale >= 1:
        return pixels
    size = max(1, round(wide * scale)), max(1, round(tall * scale))
    return as_pixels(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
