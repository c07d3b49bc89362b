"""`rtsp:` and `rtsps:` read a network camera, through OpenCV's FFMPEG.

- Credentials reach the camera and nothing else: no message, `source`, `detail` or line on stderr.
- A camera that was there and is gone is asked for again, every two seconds, until it is closed.
- Nothing queues: what waited while nobody read, or while the network stood still, is skipped.
- A reader and a closer in two threads never touch the decoder at the same time, and `close` never
  waits for the network.

A host's name is looked up by the system, which may take longer than `open_timeout`; a numeric
address is not looked up. `rtsps:` encrypts and does not check the camera's certificate: cameras
sign theirs themselves.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic_ns

import cv2

from galago.bundle.preprocess import Pixels, as_pixels
from galago.edge.camera.base import Frame, Pool
from galago.edge.camera.closing import Closing
from galago.edge.camera.keys import MAX_FPS, Source
from galago.edge.camera.lateness import LATE_NS, Lateness
from galago.edge.camera.quiet import opencv_quiet
from galago.edge.camera.rtspaddress import Address, complaint, parse_address
from galago.errors import CameraError

KEYS = ("transport", "open_timeout", "read_timeout")

_TIMEOUT_S = 5.0
_FIRST_PAUSE_S = 0.5
# From the start of one attempt to the start of the next. Together with a second to connect and one
# or two to the next whole picture, the stream is back within 5 s of the network's return.
_LAST_PAUSE_S = 2.0
_NS = 1_000_000_000
# At a time. Where a stream's clock is never right, or the processor cannot follow, there must be a
# picture all the same.
_MOST_SKIPPED = 200

# Each one more delays by a frame; one alone may not follow 1080p on a Pi. OpenCV 4.6 lacks it.
_THREADS = [cv2.CAP_PROP_N_THREADS, 2] if hasattr(cv2, "CAP_PROP_N_THREADS") else []


class RtspCamera(Closing):
    """A network camera that reconnects by itself.

    Frames: (H, W, 3) uint8 RGB, of the size that the camera sends; `time_ns` when it was decoded.
    `number` also counts what was skipped.

    Raises:
        CameraError: it cannot be opened; once it is open it is never given up here.
    """

    live = True
    patience_s = 300.0  # a camera that restarts, or a router that does, is back by then

    def __init__(
        self,
        address: Address,
        *,
        transport: str = "tcp",
        open_timeout_s: float = _TIMEOUT_S,
        read_timeout_s: float = _TIMEOUT_S,
    ) -> None:
        super().__init__(address.shown)
        self._address, self._transport = address, transport
        self._open_timeout_s, self._read_timeout_s = open_timeout_s, read_timeout_s
        self._lock = threading.Lock()  # around every use of the decoder
        self._pool = Pool()
        self._bgr: Pixels | None = None  # decoded into, again and again
        self._number = -1
        self._lateness = Lateness()
        self._pause_s = _FIRST_PAUSE_S
        self._tried_ns = monotonic_ns()
        self._video = self._open()
        if not self._video.isOpened():
            waited_s = (monotonic_ns() - self._tried_ns) / _NS
            raise CameraError(f"{self.source} {complaint(address, open_timeout_s, waited_s)}")
        self.detail = _describe(self._video, transport)

    def close(self) -> None:
        """End every wait; the network is let go of here, or by the reader that is using it."""
        super().close()
        self._let_go()

    def __iter__(self) -> Iterator[Frame]:
        while not self._closed.is_set():
            frame = self._read()
            if frame is None:
                self._reconnect()
            elif not self._closed.is_set():
                yield frame
        self._let_go()

    def _let_go(self) -> None:
        # Whoever holds the lock is a reader, and comes here itself once it sees the camera closed.
        if self._lock.acquire(blocking=False):
            try:
                self._video.release()
            finally:
                self._lock.release()

    def _read(self) -> Frame | None:
        with self._lock, opencv_quiet():  # or a time-out is a line on stderr
            if self._closed.is_set() or not self._grab():
                return None
            time_ns = monotonic_ns()
            found, bgr = self._video.retrieve(self._bgr)
            if not found:
                return None
            self._bgr = as_pixels(bgr)
            height, width, _ = self._bgr.shape
            pixels = self._pool.take(height, width)
            cv2.cvtColor(self._bgr, cv2.COLOR_BGR2RGB, dst=pixels)
            self._pause_s = _FIRST_PAUSE_S
            return self._pool.lend(pixels, time_ns, self._number)

    def _grab(self) -> bool:
        """Decode the next picture, or the newest where several wait; False: the stream is gone."""
        for _ in range(_MOST_SKIPPED):
            late_ns = self._decode()
            if late_ns is None or self._closed.is_set():
                return False
            if late_ns <= LATE_NS:
                return True
        self._lateness.settle()
        return True

    def _decode(self) -> int | None:
        """Decode one picture and say how late it is, in ns; None: the stream is gone."""
        self._number += 1
        asked_ns = monotonic_ns()
        found = self._video.grab()
        came_ns = monotonic_ns()
        # Out of time, OpenCV may still find a picture in the decoder: an old one, and the last.
        if not found or came_ns - asked_ns >= self._read_timeout_s * _NS:
            return None
        clip_ns = round(self._video.get(cv2.CAP_PROP_POS_MSEC) * 1_000_000)
        return self._lateness.of(asked_ns, came_ns, clip_ns)

    def _reconnect(self) -> None:
        with self._lock:
            self._video.release()  # before the wait: many cameras serve few clients at a time
        if not self._wait_until(self._tried_ns + round(self._pause_s * _NS)):
            return
        self._tried_ns = monotonic_ns()
        self._pause_s = min(2 * self._pause_s, _LAST_PAUSE_S)
        with self._lock:
            self._video, self._lateness = self._open(), Lateness()

    def _open(self) -> cv2.VideoCapture:
        parameters = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            round(self._open_timeout_s * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            round(self._read_timeout_s * 1000),
            *_THREADS,
        ]
        with _ffmpeg_told(self._transport), opencv_quiet():
            return cv2.VideoCapture(self._address.url, cv2.CAP_FFMPEG, parameters)


_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_telling = threading.Lock()  # the environment is the process's; OpenCV opens one by one anyway


@contextmanager
def _ffmpeg_told(transport: str) -> Iterator[None]:
    """Give FFMPEG its options and its silence, which OpenCV only passes on from the environment.

    What the user has set there stays in force, the transport excepted. FFMPEG's log level is read
    once a process, with its first video; its lines never help more than the one that Galago says.
    """
    with _telling:
        before = os.environ.get(_OPTIONS, "")
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        # In microseconds: or it looks at the stream for 2 s and more, and then gives what it has
        # seen, 2 s late. `fflags;nobuffer` would throw that away, with the one whole picture that
        # a camera sends at once and, with a distance of 10 s between them, not again for long.
        ours = "analyzeduration;500000"
        os.environ[_OPTIONS] = "|".join(filter(None, (ours, before, f"rtsp_transport;{transport}")))
        try:
            yield
        finally:
            # Empty, not removed: a name that comes and goes moves memory other threads may read.
            os.environ[_OPTIONS] = before


def _describe(video: cv2.VideoCapture, transport: str) -> str:
    width = int(video.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
    code = int(video.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True)
    codec = code.decode("ascii", "ignore").strip("\0 ")
    fps = video.get(cv2.CAP_PROP_FPS)
    rate = f"{fps:g} fps" if 0 < fps <= MAX_FPS else ""  # some cameras do not say, or say 90000
    size = f"{width}x{height}" if width and height else ""  # none was seen so far
    return " ".join(filter(None, (size, codec, rate, "over", transport)))


def open_source(source: Source) -> RtspCamera:
    """Open what `rtsp://…` names; raises as RtspCamera does, and UsageError for a wrong form."""
    address = parse_address(source)
    open_timeout_s = source.number("open_timeout", 0.1, 60, _TIMEOUT_S)
    read_timeout_s = source.number("read_timeout", 0.1, 60, _TIMEOUT_S)
    return RtspCamera(
        address,
        transport=source.choice("transport", ("tcp", "udp")) or "tcp",
        open_timeout_s=open_timeout_s or _TIMEOUT_S,
        read_timeout_s=read_timeout_s or _TIMEOUT_S,
    )
