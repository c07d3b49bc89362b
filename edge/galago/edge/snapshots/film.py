"""A film of some JPEGs, in a form that browsers play: WebM with VP8.

- It is made in a process of its own, at the lowest priority and with a deadline: the codec takes a
  core for seconds, writes to standard error as it likes, and reads what a camera has sent.
- OpenCV writes films to files only; this one is in memory (tmpfs), never on the disk.

    content = make_film([jpeg, jpeg, jpeg], rate=5.0)

In that process: `python -P -m galago.edge.snapshots.film FILE RATE`, JPEGs on standard input, each
after its length in four bytes.
"""

import os
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from galago.bundle.preprocess import Pixels, as_pixels
from galago.errors import GalagoError, StoppedError

DEADLINE_S = 120.0

_LENGTH = struct.Struct("<I")
_LONGEST = 1 << 24
_NICE = 19
_NO_CODEC = 3


class FilmError(GalagoError, OSError):
    """There is no film: no codec, no memory to put it, or not in time."""


def make_film(frames: Sequence[bytes], rate: float) -> bytes:
    """A WebM film of JPEGs, which are of one size or made so; `rate` frames per second.

    Raises:
        FilmError: it cannot be made here.
        StoppedError: a signal to all processes of the service, or of a terminal, has ended it.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="galago-film-", dir=_memory()) as folder:
            path = Path(folder) / "film.webm"
            _run(path, frames, rate)
            return path.read_bytes()
    except subprocess.TimeoutExpired as error:
        raise FilmError(f"a film was not ready after {DEADLINE_S:g} s: lower clip_rate") from error
    except FilmError:
        raise
    except OSError as error:
        raise FilmError(f"a film cannot be made: {error.strerror or error}") from error


def _run(path: Path, frames: Sequence[bytes], rate: float) -> None:
    words = [sys.executable, "-P", "-m", "galago.edge.snapshots.film", str(path), f"{rate:g}"]
    given = b"".join(_LENGTH.pack(len(frame)) + frame for frame in frames)
    done = subprocess.run(  # noqa: S603 - our own module
        words,
        input=given,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # OpenCV tells there that it has chosen a tag of its own
        timeout=DEADLINE_S,
        check=False,
    )
    if done.returncode == _NO_CODEC:
        raise FilmError("this OpenCV cannot write WebM with VP8: install another, or no clips")
    if -done.returncode in {signal.SIGTERM, signal.SIGINT}:
        raise StoppedError("a film was stopped")
    if done.returncode != 0 or not path.exists():
        raise FilmError(f"the process that makes films ended with {done.returncode}")


def _memory() -> str:
    """A folder that is no disk.

    Source: systemd.exec(5), RuntimeDirectory=; shm_overview(7).
    """
    for place in (os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0], "/dev/shm"):  # noqa: S108 - a folder of its own is made in it
        if place and os.access(place, os.W_OK | os.X_OK):
            return place
    raise FilmError("there is no folder in memory for a film: RuntimeDirectory= or /dev/shm")


def main() -> int:
    """Write the film that the command line asks for."""
    path, rate = sys.argv[1], float(sys.argv[2])
    os.nice(_NICE)
    cv2.setNumThreads(1)
    writer: cv2.VideoWriter | None = None
    size = (0, 0)
    for frame in _read(sys.stdin.buffer):
        if writer is None:
            size = frame.shape[1], frame.shape[0]
            writer = cv2.VideoWriter(path, cv2.CAP_FFMPEG, _vp8(), rate, size)
            if not writer.isOpened():
                return _NO_CODEC
        writer.write(frame if frame.shape[1::-1] == size else as_pixels(cv2.resize(frame, size)))
    if writer is not None:
        writer.release()
    return 0


def _read(source: BinaryIO) -> Iterator[Pixels]:
    while head := source.read(_LENGTH.size):
        (length,) = _LENGTH.unpack(head)
        encoded = np.frombuffer(source.read(min(length, _LONGEST)), np.uint8)
        frame = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        if frame is not None:
            yield as_pixels(frame)


def _vp8() -> int:
    return cv2.VideoWriter.fourcc(*"VP80")


if __name__ == "__main__":
    sys.exit(main())
