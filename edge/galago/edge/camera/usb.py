"""`usb:` is a USB webcam, or any other camera of Video4Linux.

- A number or /dev/videoN is looked up once, when it is opened, and from then on the camera is known
  by its stable name: after an unplugging it comes back under another number.
- A camera that is unplugged or falls silent is let go at once, as a device still held could not
  come back under its number, and opened again when it is there, until it is closed.
- A torn JPEG is dropped, not shown with a grey lower half; its number is missing.
- `close()` waits half a second at most, whatever the camera does: it is let go by whoever reads.

    usb:0?size=1280x720&fps=30&exposure=10000
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic_ns
from typing import Any, cast

import cv2

from galago.bundle.preprocess import Pixels, as_pixels
from galago.edge.camera.base import Frame, Pool
from galago.edge.camera.closing import Closing
from galago.edge.camera.keys import Source
from galago.edge.camera.v4l2 import JPEGS, Format, Stream, Wanted, stable_name
from galago.errors import CameraError, UsageError

KEYS = ("size", "fps", "format", "exposure", "focus", "white_balance")

_LIMITS = {  # key: least, most; the camera's own are narrower
    "exposure": (100, 10_000_000),  # microseconds; drivers count in hundreds
    "focus": (0, 1023),  # of the maker's own scale, mostly 0 (far) to 255
    "white_balance": (1000, 20_000),  # kelvin
}

_POLL_S = 0.1  # how long a close may go unnoticed by the reader
_CLOSE_S = 0.5
_SILENT_NS = 10_000_000_000  # many a camera that hangs sends again when it is opened anew
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.25, 2.0

_END_OF_IMAGE = b"\xff\xd9"  # Source: ITU-T T.81, B.1.1.3

# From OpenCV 4.11 on a JPEG is decoded to RGB as fast as to BGR.
_RGB: int | None = getattr(cv2, "IMREAD_COLOR_RGB", None)
_AS_IT_LIES = cv2.IMREAD_IGNORE_ORIENTATION  # a camera's size does not change with a tag


class UsbCamera(Closing):
    """A live camera of Video4Linux.

    Frames: (H, W, 3) uint8 RGB; time by the driver's clock. `device` is a stable name, if any.

    Raises:
        CameraError: it is not there, may not be opened, is busy, or lacks a control.
    """

    live = True
    noisy = True
    patience_s = 60.0  # it may be plugged in anew, or its hub be switched off and on

    def __init__(self, device: Path, wanted: Wanted, *, source: str) -> None:
        super().__init__(source)
        self._device, self._wanted = device, wanted
        self._note = "" if device.is_symlink() else f", known only as {device} after an unplugging"
        self._lock = threading.Lock()  # around every use of the device
        self._pool = Pool()
        self._pause_s = _FIRST_PAUSE_S
        self._number = 0
        self._heard_ns = self._time_ns = monotonic_ns()
        self._stream: Stream | None = self._opened()

    def __iter__(self) -> Iterator[Frame]:
        while not self._closed.is_set():
            frame = self._step()
            if frame is not None:
                yield frame
            elif self._stream is None:
                self._wait(self._pause_s)
                self._pause_s = min(2 * self._pause_s, _LAST_PAUSE_S)

    def close(self) -> None:
        """End every wait and let go of the device; a reader busy with it does so instead."""
        super().close()
        if self._lock.acquire(timeout=_CLOSE_S):
            try:
                self._let_go()
            finally:
                self._lock.release()

    def _step(self) -> Frame | None:
        """A frame, if there is one soon; whoever reads leaves nothing open behind a close."""
        with self._lock:
            try:
                frame = None if self._closed.is_set() else self._look()
            finally:
                if self._closed.is_set():
                    self._let_go()
        return None if self._closed.is_set() else frame

    def _look(self) -> Frame | None:
        try:
            if self._stream is None:
                self._stream = self._opened()
            if not self._stream.wait(_POLL_S):
                self._check_silence()
                return None
            return self._frame(*self._stream.take())
        except CameraError:
            self._let_go()
            return None

    def _opened(self) -> Stream:
        stream = Stream(self._device, self._wanted)
        self.detail = stream.detail + self._note
        self._heard_ns = monotonic_ns()
        return stream

    def _check_silence(self) -> None:
        if monotonic_ns() - self._heard_ns > _SILENT_NS:
            raise CameraError("the camera is silent")

    def _let_go(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            self._number += 1  # whatever it was about to send

    def _frame(self, data: Any, time_ns: int) -> Frame | None:
        self._heard_ns = monotonic_ns()
        self._pause_s = _FIRST_PAUSE_S
        self._time_ns = max(self._time_ns, time_ns)  # a driver's clock may step, a frame's not
        number, self._number = self._number, self._number + 1
        assert self._stream is not None  # noqa: S101 - for the type checker: it gave the data
        if self._stream.agreed.fourcc in JPEGS:
            return decoded(data, self._time_ns, number, self._pool)
        height, width = data.shape[:2]
        code = cv2.COLOR_YUV2RGB_YUYV if data.shape[2:] == (2,) else cv2.COLOR_BGR2RGB
        pixels = self._pool.take(height, width)
        cv2.cvtColor(data, code, dst=pixels)
        return self._pool.lend(pixels, self._time_ns, number)


def decoded(data: Pixels, time_ns: int, number: int, pool: Pool) -> Frame | None:
    """Decode a JPEG, (1, bytes) uint8; None where its end is missing or it is no JPEG."""
    # OpenCV 4.6 and 4.10, Debian's, make a picture of it; 5.0 decodes all of it and then refuses.
    # Anywhere, not at the very end: some cameras fill up with zeros or with older bytes.
    if _END_OF_IMAGE not in data.tobytes():
        return None
    try:
        if _RGB is not None:
            pixels: Any = cv2.imdecode(data, _RGB | _AS_IT_LIES)
            return None if pixels is None else Frame(as_pixels(pixels), time_ns, number)
        bgr: Any = cv2.imdecode(data, cv2.IMREAD_COLOR | _AS_IT_LIES)
    except cv2.error:  # such as a size beyond all bounds
        return None
    if bgr is None:
        return None
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=pool.take(*bgr.shape[:2]))
    return pool.lend(as_pixels(rgb), time_ns, number)


# --- what the user writes -------------------------------------------------------------------------


def open_source(source: Source) -> UsbCamera:
    """Open what `usb:…` names; raises as UsbCamera does, and UsageError for a wrong key."""
    device = _device(source)
    wanted = Wanted(
        size=source.size(),
        fps=source.fps(),
        format=cast("Format | None", source.choice("format", ("mjpg", "yuyv"))),
        controls={key: _control(source, key) for key in _LIMITS if key in source.keys},
    )
    return UsbCamera(stable_name(device) or device, wanted, source=source.text)


def _device(source: Source) -> Path:
    if source.rest.isascii() and source.rest.isdigit():
        return Path(f"/dev/video{int(source.rest)}")
    if source.rest.startswith("/dev/"):
        return Path(source.rest)
    raise UsageError(
        f"usb: takes a number or a path under /dev, received {source.rest!r}: write usb:0 or"
        " usb:/dev/v4l/by-id/…"
    )


def _control(source: Source, key: str) -> float | None:
    if source.keys[key] == "auto":
        return None
    low, high = _LIMITS[key]
    try:
        return source.number(key, low, high)
    except UsageError as error:
        raise source.refused(key, f"auto, or a number from {low} to {high}") from error
