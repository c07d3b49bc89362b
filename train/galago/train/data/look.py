"""What one look at a picture file tells, before anything is learnt from it.

- One record per file, of fixed size: they travel as one numpy array.
- Two pictures with the same `digest` are the same file; with hashes a few bits apart and nearly the
  same `thumb`, they show the same view.
"""

import hashlib
import io
import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from galago.bundle.preprocess import Pixels, as_pixels

# `digest`: sha256 of the content, hexadecimal. `taken`: seconds since 1970 by the camera's clock,
# whatever its zone, NaN where unknown: good for differences only. `hash`: 64-bit difference hash
# (N. Krawetz, 2013). `thumb`: mean colours of an 8 × 8 grid, RGB.
LOOK = np.dtype(
    [
        ("digest", "S64"),
        ("readable", np.bool_),
        ("height", np.int32),
        ("width", np.int32),
        ("taken", np.float64),
        ("hash", np.uint64),
        ("thumb", np.uint8, (8, 8, 3)),
    ]
)
Looks = NDArray[np.void]  # (n,) of LOOK

# 20250103-115529-000, IMG_20250103_115529, PXL_20250103_115529123, 2025-01-03 11.55.29 …
_TIME_IN_NAME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?(\d\d)[-_.]?(\d\d)[-_ T.]?(\d\d)[-_.:h]?(\d\d)[-_.:m]?(\d\d)"
    r"(?:[-_.]?(\d{3}))?(?!\d)"
)
_HEADER_BYTES = 1 << 16  # EXIF stands at the beginning of a JPEG


def digest(content: bytes) -> bytes:
    """The name by which a content is known: sha256, hexadecimal."""
    return hashlib.sha256(content).hexdigest().encode()


def look(content: bytes, pixels: Pixels | None) -> Any:
    """One LOOK record; `pixels` (H, W, 3) uint8 RGB, or None where they cannot be decoded.

    It says what the content does; a time in the file's name is for `time_in_name` to find.
    """
    record = np.zeros((), LOOK)
    record["digest"] = digest(content)
    record["taken"] = time_in_exif(content)
    if pixels is not None:
        small = as_pixels(cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_AREA))
        record["readable"] = True
        record["height"], record["width"] = pixels.shape[:2]
        record["hash"] = _difference_hash(small)
        record["thumb"] = cv2.resize(small, (8, 8), interpolation=cv2.INTER_AREA)
    return record


def time_in_name(path: Path) -> float:
    """When the picture was taken, by its name; NaN where that does not say."""
    for match in _TIME_IN_NAME.finditer(path.stem):
        year, month, day, hour, minute, second, milli = (int(part or 0) for part in match.groups())
        try:
            at = datetime(year, month, day, hour, minute, second, 1000 * milli, tzinfo=UTC)
        except ValueError:  # digits that are no date
            continue
        return at.timestamp()
    return math.nan


def time_in_exif(content: bytes) -> float:
    """When the picture was taken, by its EXIF header; NaN where that does not say."""
    if b"exif" not in content[:_HEADER_BYTES].lower():  # most have none: save the parsing
        return math.nan
    try:
        with Image.open(io.BytesIO(content)) as image:
            exif = image.getexif()
            text = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal) or exif.get(
                ExifTags.Base.DateTime
            )
        return datetime.strptime(str(text), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        # Pillow raises any of these for headers that are damaged; then the time is unknown.
        return math.nan


def _difference_hash(small: Pixels) -> np.uint64:
    """One bit per pair of neighbours: which is brighter."""
    grey = cv2.resize(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    return np.uint64(int.from_bytes(np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes(), "big"))
