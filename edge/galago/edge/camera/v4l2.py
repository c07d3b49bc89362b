"""A camera of Video4Linux: its name, what is agreed on with it, and its pictures as it sends them.

- Names: `/dev/video0` is whoever came first. A stable name under /dev/v4l stays with the camera.
- What is wrong with a device is said here, in one line, before OpenCV says it less clearly.
- Size, format and rate are asked for and read back; what is agreed on is in `detail`.
- A control that the camera lacks, or a value that it does not take, is refused.
- Only opening waits long, up to OpenCV's 10 s for the first picture; with OpenCV 4.6 reading too.

    stream = Stream(Path("/dev/video0"), Wanted(size=(640, 480)))
    if stream.wait(0.1):
        data, time_ns = stream.take()
"""

import fcntl
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic_ns
from typing import Any, Literal, TypeAlias

import cv2

from galago.bundle.preprocess import Size
from galago.edge.camera.quiet import opencv_quiet
from galago.errors import CameraError

Format: TypeAlias = Literal["mjpg", "yuyv"]

NAMES = Path("/dev/v4l")

JPEGS = ("MJPG", "JPEG")
YUYV = "YUYV"

# One is filled while the other is read. More would only keep older pictures.
_BUFFERS = 2
_STALE_NS = 60_000_000_000  # a picture may wait for its reader, but not as long as this

# OpenCV 4.6 does not have it in Python: there `take` waits, up to OpenCV's own 10 s.
_WAIT_ANY: Any = getattr(cv2.VideoCapture, "waitAny", None)

# Source: linux/videodev2.h: VIDIOC_QUERYCAP and struct v4l2_capability.
_QUERYCAP = 0x80685600
_CAPABILITY = struct.Struct("=16s32s32sIII12x")
_HAS_DEVICE_CAPS, _VIDEO_CAPTURE, _STREAMING = 0x80000000, 0x00000001, 0x04000000


@dataclass(frozen=True, slots=True)
class Control:
    """How OpenCV names a control; `scale`: how many of the key's units are one of the driver's."""

    value: int
    mode: int
    by_hand: int
    automatic: tuple[int, ...]
    scale: int = 1


# Source: linux/v4l2-controls.h. Exposure counts in 100 µs, its automatic modes are "aperture
# priority" (most webcams) and "auto".
CONTROLS: Mapping[str, Control] = {
    "exposure": Control(cv2.CAP_PROP_EXPOSURE, cv2.CAP_PROP_AUTO_EXPOSURE, 1, (3, 0), scale=100),
    "focus": Control(cv2.CAP_PROP_FOCUS, cv2.CAP_PROP_AUTOFOCUS, 0, (1,)),
    "white_balance": Control(cv2.CAP_PROP_WB_TEMPERATURE, cv2.CAP_PROP_AUTO_WB, 0, (1,)),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asks of a camera; None where it may choose.

    `controls`: by key of CONTROLS, a value in the key's unit, or None for automatic.
    """

    size: Size | None = None
    fps: float | None = None
    format: Format | None = None
    controls: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the camera says that it will send; `fps` 0 where it does not say."""

    size: Size
    fourcc: str
    fps: float

    def describe(self, wanted: Wanted) -> str:
        """For people: "640x480 MJPG 30 fps", and what was asked for where that is another."""
        rate = f" {self.fps:g} fps" if self.fps > 0 else ""
        asked = ", ".join(self._refused(wanted))
        return f"{_size(self.size)} {self.fourcc}{rate}" + (
            f" (asked for {asked})" if asked else ""
        )

    def _refused(self, wanted: Wanted) -> Iterator[str]:
        if wanted.size not in (None, self.size):
            yield _size(wanted.size)
        if wanted.format not in (None, self.fourcc.lower()):
            yield wanted.format.upper()
        if wanted.fps is not None and abs(wanted.fps - self.fps) > 0.5:
            yield f"{wanted.fps:g} fps"


def _size(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


# --- names ----------------------------------------------------------------------------------------


def stable_name(device: Path, names: Path = NAMES) -> Path | None:
    """The name that stays with the camera which is `device` now; None where udev has given none.

    By its maker and serial number (by-id), so that it may be plugged in elsewhere; by its socket
    (by-path) where another camera has the same serial number, for then udev gives that name to
    whichever of the two it likes. A link of the user's own making is stable already.
    """
    if device.is_symlink():
        return device
    by_id, by_path = _links(names / "by-id"), _links(names / "by-path")
    known = set(by_id.values())
    has_twin = any("usb" in link.name and to not in known for link, to in by_path.items())
    for links in (by_path, by_id) if has_twin else (by_id, by_path):
        for link, target in links.items():
            if target == device.resolve():
                return link
    return None


def cameras(names: Path = NAMES) -> list[str]:
    """The names of the cameras that are plugged in, of which index 0 gives pictures."""
    links = _links(names / "by-id") or _links(names / "by-path")
    return [str(link) for link in links if link.name.endswith("-index0")]


def _links(folder: Path) -> dict[Path, Path]:
    return {link: link.resolve() for link in sorted(folder.glob("*"))}


# --- opening --------------------------------------------------------------------------------------


def check_device(device: Path, names: Path = NAMES) -> None:
    """Refuse what is no camera, or may not be opened.

    Raises:
        CameraError: with what to do about it.
    """
    try:
        # Without O_NONBLOCK another driver's device may wait for its partner.
        opened = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise CameraError(f"no camera at {device}: {_what_is_there(names)}") from error
    except PermissionError as error:
        raise CameraError(
            f"{device} may not be opened by this user: add it to the group video"
            " (sudo usermod -aG video USER) and log in again"
        ) from error
    except OSError as error:
        raise CameraError(f"{device} cannot be opened: {error.strerror}") from error
    try:
        _check_captures(opened, device, names)
    finally:
        os.close(opened)


def _what_is_there(names: Path) -> str:
    found = cameras(names)
    if not found:
        return f"plug one in; none has a name under {names} now"
    return f"plug it in, or take one that is there: {', '.join(found)}"


def _check_captures(opened: int, device: Path, names: Path) -> None:
    answer = bytearray(_CAPABILITY.size)
    try:
        fcntl.ioctl(opened, _QUERYCAP, answer)
    except OSError as error:
        raise CameraError(
            f"{device} is not a camera of Video4Linux: {_what_is_there(names)}"
        ) from error
    *_, whole, own = _CAPABILITY.unpack(answer)
    able = own if whole & _HAS_DEVICE_CAPS else whole
    if not able & _VIDEO_CAPTURE or not able & _STREAMING:
        raise CameraError(
            f"{device} gives no pictures, as the second device of many cameras:"
            f" {_what_is_there(names)}"
        )


class Stream:
    """An open camera that sends pictures; the first has come.

    Raises:
        CameraError: it is not there, busy, lacks a control, or sends nothing.
    """

    def __init__(self, device: Path, wanted: Wanted) -> None:
        check_device(device)
        self._data: Any = None
        with opencv_quiet():
            self._capture = cv2.VideoCapture(str(device), cv2.CAP_V4L2)
        try:
            self.agreed = self._open(device, wanted)
        except BaseException:
            self.close()
            raise
        self.detail = self.agreed.describe(wanted)

    def _open(self, device: Path, wanted: Wanted) -> Agreed:
        if not self._capture.isOpened():
            raise CameraError(
                f"{device} is there but cannot be used, as when another program uses it:"
                f" end that (fuser -v {device.resolve()} names it)"
            )
        with opencv_quiet():
            agreed = _agree(self._capture, wanted)
            for key, value in wanted.controls.items():
                _turn(self._capture, key, value)
            started = self._capture.grab()
        if not started:
            raise CameraError(
                f"{device} opens but sends no picture: plug it in anew; where several cameras share"
                " one USB bus, ask for less (format=mjpg, a smaller size or fps)"
            )
        return agreed

    def wait(self, seconds: float) -> bool:
        """Whether a picture is ready within that time.

        Raises:
            CameraError: the camera is gone.
        """
        if _WAIT_ANY is None:
            return True
        try:
            ready, which = _WAIT_ANY([self._capture], round(seconds * 1e9))
        except cv2.error as error:
            raise CameraError("the camera is gone") from error
        if ready and not len(which):  # neither a picture nor an error, as of a device hung up
            raise CameraError("the camera is gone")
        return bool(ready)

    def take(self) -> tuple[Any, int]:
        """The picture that is ready and its monotonic time in ns; overwritten by the next.

        MJPG: (1, bytes) uint8. YUYV: (H, W, 2) uint8. Anything else: (H, W, 3) uint8 BGR, as
        OpenCV converts it.

        Raises:
            CameraError: the camera is gone.
        """
        if not self._capture.grab():
            raise CameraError("the camera is gone")
        found, self._data = self._capture.retrieve(self._data)
        if not found:
            raise CameraError("the camera is gone")
        return self._data, self._time_ns()

    def close(self) -> None:
        """Let go of the device; may be called twice."""
        with opencv_quiet():
            self._capture.release()

    def _time_ns(self) -> int:
        """When the driver had the picture; now where it counts by another clock."""
        now = monotonic_ns()
        time_ns = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        return time_ns if 0 <= now - time_ns < _STALE_NS else now


def _agree(capture: cv2.VideoCapture, wanted: Wanted) -> Agreed:
    """Format first: the sizes and rates that a camera has depend on it.

    MJPG unless another is asked for: few cameras have the USB bandwidth for more than a few
    uncompressed pictures a second.
    """
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*(wanted.format or "mjpg").upper()))
    if wanted.size is not None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, wanted.size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, wanted.size[1])
    if wanted.fps is not None:
        capture.set(cv2.CAP_PROP_FPS, wanted.fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, _BUFFERS)
    fourcc = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("ascii", "replace")
    if fourcc in (*JPEGS, YUYV):
        # As it is sent: a torn picture is told before it is decoded, and colours change only once.
        capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    width, height = (
        int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    )
    return Agreed((width, height), fourcc.strip(), capture.get(cv2.CAP_PROP_FPS))


def _turn(capture: cv2.VideoCapture, key: str, value: float | None) -> None:
    control = CONTROLS[key]
    if value is None:
        if not any(capture.set(control.mode, mode) for mode in control.automatic):
            raise CameraError(f"usb: the camera has no automatic {key}: leave {key} out")
        return
    if capture.get(control.value) < 0:
        raise CameraError(f"usb: the camera has no {key} that can be set: leave {key} out")
    capture.set(control.mode, control.by_hand)  # some have no automatic to be switched off
    done = capture.set(control.value, round(value / control.scale))
    reached = capture.get(control.value) * control.scale
    if not done or abs(reached - value) >= control.scale:
        raise CameraError(
            f"usb: the camera does not take {key}={value:.0f}, it has made it {reached:.0f}:"
            " choose a value within its limits"
        )
