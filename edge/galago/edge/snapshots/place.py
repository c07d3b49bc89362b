"""Names of pictures that are kept, and where their files are.

- A name tells when the picture was taken (UTC), what the model said, and of which region. It sorts
  by time, is fit for any file system and for a URL, and leads to no other folder.
- `galago train` reads the time: exported as DATA/label/NAME.jpg, pictures of one visit stay
  together.

    pictures/2026-11-24/20261124T215955.123Z_cat.jpg        the whole frame
    pictures/2026-11-24/20261124T215955.123Z_cat.crop.jpg   what the model saw of it
    pictures/2026-11-24/20261124T215955.123Z_cat.small.jpg  small
    pictures/2026-11-24/20261124T215955.123Z_cat.webm       a film of the time around it, or none
"""

import hashlib
import re
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from galago.errors import UsageError

PICTURES = "pictures"
CLIP_SUFFIX = ".webm"
STILL_SUFFIXES = frozenset({".jpg", ".crop.jpg", ".small.jpg"})

_FIELDS = (".jpg", ".crop.jpg", ".small.jpg", CLIP_SUFFIX)  # of Files, in their order
_LONGEST_FIRST = sorted(_FIELDS, key=len, reverse=True)  # .crop.jpg ends in .jpg, too

_NAME = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})T[0-9]{6}\.[0-9]{3}Z_[A-Za-z0-9-]{1,40}(?:_[A-Za-z0-9-]{1,40})?"
)
_LONGEST = 36  # leaves room for a number that tells two pictures of one moment apart


class Files(NamedTuple):
    """The files of one picture; `clip` is there only where a film was made."""

    full: Path
    crop: Path
    thumbnail: Path
    clip: Path


def make_name(taken: datetime, label: str, region: str | None) -> str:
    """A name for a picture taken at a UTC time; the same again for the same three."""
    stamp = f"{taken:%Y%m%dT%H%M%S}.{taken.microsecond // 1000:03}Z"
    return "_".join([stamp, _plain(label), *([_plain(region)] if region else [])])


def day(name: str) -> str:
    """The folder that a name's files are in, such as 2026-11-24.

    Raises:
        UsageError: it is no name that `make_name` gives; it may come from anybody's address bar.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise UsageError(
            f"no picture has such a name: expected one like 20261124T215955.123Z_cat, "
            f"received {name[:100]!r}"
        )
    return "-".join(match.groups())


def files(folder: Path, name: str) -> Files:
    """Where the files of a picture are; `folder` is the store's.

    Raises:
        UsageError: as `day`.
    """
    place = folder / PICTURES / day(name)
    return Files(*(place / f"{name}{suffix}" for suffix in _FIELDS))


def name_of(file: str) -> tuple[str, str] | None:
    """A file's name as the picture's name and its suffix; None for any other file."""
    for suffix in _LONGEST_FIRST:
        name = file.removesuffix(suffix)
        if name != file and _NAME.fullmatch(name):
            return name, suffix
    return None


def _plain(text: str) -> str:
    """ASCII letters, figures and hyphens, 1 to 36 of them.

    What has no such letter becomes a number that is always the same for it.
    """
    ascii_ = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9]+", "-", ascii_).strip("-")[:_LONGEST]
    return plain or hashlib.sha256(text.encode()).hexdigest()[:8]
