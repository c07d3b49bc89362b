"""The folder that captured pictures go to: what is kept of them, and their names.

- A name tells when the picture was taken (UTC), its burst, and its place in that; names sort by
  time. Training reads the time and keeps pictures that are at most a minute apart together.
- Nothing is overwritten, nothing is half-written, and some of the disk stays free.

    20261124T215955.123Z_b0007_03.png          the third picture of the seventh burst
    20261124T215955.123Z_b0007_03_door.png     what the region "door" showed in it
"""

import errno
import re
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Literal, TypeAlias

from galago.bundle.image import encode_image
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import Pixels, PreprocessSpec, preprocess
from galago.errors import UsageError
from galago.files import adding

Crop: TypeAlias = Literal["none", "centre"]

_BURST = re.compile(r"\d{8}T\d{6}\.\d{3}Z_b(\d{4,9})_\d{2,}")
_MB = 1_000_000


_SIZE = re.compile(r"([1-9][0-9]{0,3})(?:x([1-9][0-9]{0,3}))?")


@dataclass(frozen=True, slots=True)
class Form:
    """What is kept of a picture.

    `spec`: how a model wants it; None keeps it in the camera's size. `jpeg`: quality, 1–100; None
    keeps every pixel as it is, in PNG.
    """

    spec: PreprocessSpec | None = None
    jpeg: int | None = None

    @classmethod
    def of(
        cls, size: str | None, crop: Crop | None, model: Path | None, jpeg: int | None = None
    ) -> "Form":
        """What a user has written: a size, "96" or "320x240", with its crop, or a model's file.

        Raises:
            UsageError: the size is none, or they contradict each other.
            ModelFileError: the model is damaged.
        """
        if model is not None:
            if size is not None or crop is not None:
                raise UsageError("a model file says size and crop itself: leave --size and --crop")
            return cls(ModelFile.read(model).manifest.preprocess, jpeg)
        if size is None:
            if crop is not None:
                raise UsageError("--crop is on the way to a size: add --size, or leave it")
            return cls(None, jpeg)
        match = _SIZE.fullmatch(size)
        if match is None:
            raise UsageError(f"--size is WIDTHxHEIGHT or one side, such as 96; received {size!r}")
        width, height = match[1], match[2] or match[1]
        return cls(PreprocessSpec(int(height), int(width), crop or "none"), jpeg)

    @property
    def suffix(self) -> str:
        """Of the file's name."""
        return ".png" if self.jpeg is None else ".jpg"

    def encode(self, view: Pixels) -> bytes:
        """The content of the file for (H, W, 3) uint8 RGB.

        Of the size of a model's input, `preprocess` copies it later: what is trained on is what
        the daemon sees.
        """
        if self.spec is not None:
            # An image file's colours are RGB; the model's order is for the last preprocess to make.
            view = preprocess(view, replace(self.spec, colour="rgb"))
        return encode_image(view, self.suffix, quality=self.jpeg or 0)


class Album:
    """Adds pictures to the folder `out`, which is made if it is not there.

    `keep_free_mb`: megabytes (10⁶ bytes) of its disk that are left free.

    Raises:
        OSError: the folder cannot be made or read, or its disk is too full already.
    """

    def __init__(self, out: Path, form: Form, keep_free_mb: int) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.out, self._form, self._keep_free_mb = out, form, keep_free_mb
        marks = (_BURST.match(path.name) for path in out.iterdir())
        self._burst = max((int(mark[1]) for mark in marks if mark), default=0)
        self._check_room()

    def begin(self) -> int:
        """A number for a burst, above all that are in the folder."""
        self._burst += 1
        return self._burst

    def add(
        self, view: Pixels, taken: datetime, burst: int, number: int, region: str | None
    ) -> None:
        """Write one picture, (H, W, 3) uint8 RGB, taken at a UTC time.

        Raises:
            OSError: the disk is full, or nearly; nothing of the picture is left.
        """
        content = self._form.encode(view)
        self._check_room()
        stem = f"{_stamp(taken)}_b{burst:04}_{number:02}" + (f"_{_plain(region)}" if region else "")
        for again in count(1):
            name = stem if again == 1 else f"{stem}-{again}"
            try:
                with adding(self.out / f"{name}{self._form.suffix}") as temporary:
                    temporary.write_bytes(content)
            except FileExistsError:  # another capture's, into the same folder
                continue
            except OSError as error:  # a full disk does not say where it is full
                raise OSError(error.errno, error.strerror, str(self.out)) from error
            return

    def _check_room(self) -> None:
        free = shutil.disk_usage(self.out).free // _MB
        if free < self._keep_free_mb:
            problem = (
                f"only {free} MB of the disk are free, and {self._keep_free_mb} are to stay so: "
                "make room, or lower --keep-free"
            )
            raise OSError(errno.ENOSPC, problem, str(self.out))


def _stamp(taken: datetime) -> str:
    return f"{taken:%Y%m%dT%H%M%S}.{taken.microsecond // 1000:03}Z"


def _plain(region: str) -> str:
    """A region's name as part of a file's: a slash or a dot would make it another file."""
    return re.sub(r"[^\w-]", "-", region)
