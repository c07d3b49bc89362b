"""Image files to pixels and back, the same way everywhere.

EXIF rotation is applied, grey becomes three equal channels, alpha is dropped.
"""

from pathlib import Path

import cv2
import numpy as np

from galago.bundle.preprocess import Pixels, as_pixels
from galago.errors import DataError
from galago.files import replacing

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})


def is_image(path: Path) -> bool:
    """Whether the name ends like an image that Galago reads."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def read_image(path: Path) -> Pixels:
    """Read a JPEG, PNG, BMP or WebP file.

    Convention: (H, W, 3) uint8 RGB, row 0 on top.

    Raises:
        DataError: the content is not an image that can be decoded.
        OSError: the file cannot be read.
    """
    return decode_image(path.read_bytes(), path)


def decode_image(content: bytes, path: Path) -> Pixels:
    """Decode the content of an image file; `path` names it in the error.

    Convention: (H, W, 3) uint8 RGB, row 0 on top.

    Raises:
        DataError: it is not an image that can be decoded.
    """
    # Not cv2.imread: it cannot open every path on Windows, and warns on stderr by itself.
    encoded = np.frombuffer(content, np.uint8)
    image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
    if image is None:
        raise DataError(f"{path} cannot be read as an image: expected JPEG, PNG, BMP or WebP")
    return as_pixels(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def write_image(path: Path, pixels: Pixels, *, quality: int = 90) -> None:
    """Write (H, W, 3) uint8 RGB in the format of the suffix; `quality` is JPEG's, 1–100."""
    content = encode_image(pixels, path.suffix, quality=quality)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def encode_image(pixels: Pixels, suffix: str, *, quality: int = 90) -> bytes:
    """The content of an image file of (H, W, 3) uint8 RGB; `quality` is JPEG's, 1–100."""
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    is_jpeg = suffix.lower() in {".jpg", ".jpeg"}
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if is_jpeg else []
    done, encoded = cv2.imencode(suffix, bgr, options)
    if not done:
        raise ValueError(f"OpenCV could not encode {pixels.shape} as {suffix}")
    return encoded.tobytes()
