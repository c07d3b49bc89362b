"""`file:` plays a video.

- What is wrong with a file is said by Galago, in one line, before a decoder complains on stderr.
- The decoder is always FFMPEG's, so that the same clip gives the same pixels on every machine.
- A reader and a closer in two threads never touch the decoder at the same time.
"""

import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import cv2

from galago.bundle.image import is_image
from galago.bundle.preprocess import Pixels, as_pixels
from galago.edge.camera.keys import MAX_FPS, Source
from galago.edge.camera.quiet import opencv_quiet
from galago.edge.camera.recording import Recording
from galago.errors import CameraError

KEYS = ("pace", "loop")

_MP4_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".3gp"})
_MP4_FIRST_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"})
_BOX_HEADER = 8


class VideoFile(Recording):
    """A video at its own (average) frame rate.

    Frames: (H, W, 3) uint8 RGB, rotated as the file says; frame `i` at start + i / rate.

    Raises:
        CameraError: the file is missing, unreadable, not a video, or has no frame or rate.
    """

    def __init__(self, path: Path, *, source: str, paced: bool = True, loop: bool = False) -> None:
        self._path = path
        self._lock = threading.Lock()  # around every use of the decoder
        self._video = _open_video(path)
        fps = _frame_rate(self._video, path)
        if not self._video.grab():
            raise CameraError(f"{path} has no frame that can be decoded: record or copy it again")
        self._video.release()  # every pass opens anew: not every format can be rewound
        super().__init__(source, fps=fps, paced=paced, loop=loop)

    def close(self) -> None:
        """End every wait and let go of the file."""
        super().close()
        with self._lock:
            self._video.release()

    def _one_pass(self) -> Iterator[Pixels | None]:
        with self._lock:
            self._video = _open_video(self._path)
        while (pixels := self._read()) is not None:
            yield pixels

    def _read(self) -> Pixels | None:
        with self._lock:
            if self._closed.is_set():
                self._video.release()  # it may have been opened while close() ran
                return None
            found, bgr = self._video.read()
        if not found:
            return None
        return as_pixels(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def _open_video(path: Path) -> cv2.VideoCapture:
    _check_file(path)
    with opencv_quiet():
        video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not video.isOpened():
        raise CameraError(f"{path} is not a video that OpenCV's FFMPEG can play: convert it to MP4")
    return video


def _check_file(path: Path) -> None:
    """Refuse what the decoder would refuse less clearly, wait for (a pipe), or take by mistake."""
    if path.is_dir():
        raise CameraError(f"{path} is a folder, expected a video: write dir:{path} for its images")
    if path.exists() and not path.is_file():
        raise CameraError(f"{path} is not a regular file, expected a video: copy it into one")
    try:
        with path.open("rb") as stream:
            whole = _is_whole(stream, path.suffix.lower())
    except OSError as error:
        raise CameraError(f"{path} cannot be read, expected a video: {error.strerror}") from error
    if not whole:
        raise CameraError(
            f"{path} is not a whole MP4 video: it has no index (moov), as when recording or"
            " copying was cut off; record or copy it again"
        )
    if is_image(path):
        raise CameraError(f"{path} is a picture, expected a video: write fake:{path}*forever")


def _is_whole(stream: BinaryIO, suffix: str) -> bool:
    """Whether an MP4 has its index; any other format is left to the decoder.

    FFMPEG prints a line of its own when it misses the index, which only the environment can stop.
    """
    is_mp4 = suffix in _MP4_SUFFIXES or stream.read(_BOX_HEADER)[4:] in _MP4_FIRST_BOXES
    return not is_mp4 or b"moov" in _boxes(stream)


def _boxes(stream: BinaryIO) -> Iterator[bytes]:
    """Give the types of an MP4's outermost boxes.

    Source: ISO/IEC 14496-12, 4.2: size (4 bytes, big-endian), type (4), 64-bit size if size is 1;
    the size includes the header, and 0 means to the end of the file.
    """
    total = stream.seek(0, os.SEEK_END)
    start = 0
    while start + _BOX_HEADER <= total:
        stream.seek(start)
        header = stream.read(2 * _BOX_HEADER)
        yield header[4:8]
        size = int.from_bytes(header[:4], "big")
        if size == 1:
            size = int.from_bytes(header[8:], "big")
        if size < _BOX_HEADER:
            return
        start += size


def _frame_rate(video: cv2.VideoCapture, path: Path) -> float:
    fps = float(video.get(cv2.CAP_PROP_FPS))
    if not (math.isfinite(fps) and 0 < fps <= MAX_FPS):
        raise CameraError(
            f"{path} gives its frame rate as {fps:g}, expected up to {MAX_FPS:g} per second:"
            " convert it to MP4"
        )
    return fps


def open_source(source: Source) -> VideoFile:
    """Open what `file:…` names; raises as VideoFile does, and UsageError for a wrong key."""
    paced, loop = source.paced(), source.flag("loop")
    return VideoFile(Path(source.rest), source=source.text, paced=paced, loop=loop)
