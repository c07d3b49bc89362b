"""The daemon's end of the link to the page: it answers what the page asks, and asks nothing.

- Costs nothing while nobody looks: the thread sleeps in `recv`.
- A camera's frame is held for the time of one `cv2.resize`, not while a JPEG is made of it.
- Whatever the page sends, the daemon reads at most a line of it at a time.
"""

import json
import math
import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import cv2

from galago.bundle.preprocess import Pixels, as_pixels
from galago.edge.camera import Frame
from galago.edge.event import utc
from galago.edge.live import Live
from galago.edge.vitals.document import Status
from galago.edge.web.wire import FAILED, MAX_LINE, PICTURE, SERVING, STATUS, Shot, framed

WIDTH = 640  # of a live picture: what a phone shows of it, at a quarter of the work of 1280
JPEG_QUALITY = 80
_PICTURE_S = 1.0  # how long a picture is waited for
_SEND_S = 5.0  # a page that does not read its answers in this time is stuck
_NICENESS = 10


class Link:
    """Serves one page, until it ends; to be run in a thread of its own.

    `served` is called when the page says that it listens.
    """

    def __init__(
        self,
        end: socket.socket,
        live: Live,
        status: Callable[[], Status],
        served: Callable[[], None],
    ) -> None:
        self._end, self._live, self._status, self._served = end, live, status, served
        self.cause: str | None = None

    def run(self, settings: dict[str, Any]) -> None:
        """Tell the page its settings, then answer it.

        `cause` is what it said before it went, None if nothing.
        """
        _yield_to_others()
        try:
            self._say(json.dumps(settings).encode())
            for line in self._lines():
                self._hear(line)
        except OSError:  # it is gone, which its exit status tells as well
            return

    def _hear(self, line: bytes) -> None:
        word, _, rest = line.partition(b" ")
        if word == SERVING:
            self._served()
        elif word == FAILED:
            self.cause = rest.decode("utf-8", "replace")
        elif word == STATUS:
            self._say(json.dumps(self._status()).encode())
        elif word == PICTURE:
            self._say(self._shot())

    def _shot(self) -> bytes:
        with self._live.picture(timeout_s=_PICTURE_S) as frame:
            if frame is None:
                return b""
            time_ms, small = _taken(frame), _small(frame.pixels)
        options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), options)
        return Shot(time_ms, jpeg.tobytes()).pack()

    def _say(self, message: bytes) -> None:
        self._end.settimeout(_SEND_S)
        self._end.sendall(framed(message))

    def _lines(self) -> Iterator[bytes]:
        waiting = b""
        while True:
            self._end.settimeout(None)
            data = self._end.recv(MAX_LINE)
            if not data:
                return
            *lines, waiting = (waiting + data).split(b"\n")
            yield from lines
            waiting = waiting[:MAX_LINE]


def _taken(frame: Frame) -> int:
    return math.floor(utc(frame.time_ns).timestamp() * 1000)


def _small(pixels: Pixels) -> Pixels:
    """A copy in RGB, at most WIDTH wide: the frame itself goes back to the camera at once."""
    height, width = pixels.shape[:2]
    if width <= WIDTH:
        return pixels.copy()
    size = (WIDTH, max(1, round(height * WIDTH / width)))
    # Nearest of what is twice as large would flicker; INTER_AREA of whole factors is fast.
    return as_pixels(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _yield_to_others() -> None:
    """Let the loop go first. On Linux a thread has a niceness of its own: setpriority(2)."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
