"""A USB webcam made of software: runs in the guest, as root.

- The kernel's own USB/IP client (vhci_hcd) is given one end of a socket pair; this program answers
  on the other end as a UVC 1.0 camera would. The driver (uvcvideo), /dev/video*, udev's names and
  unplugging are therefore the real ones.
- Pictures: red above, green below, with a white bar that moves; or those of a folder, with noise,
  as a sensor has it. MJPEG and YUYV, 640x480, 320x240.
- Controls: exposure, by hand or automatic. It has no focus and no white balance.
- Obeys lines written to the FIFO: `plug`, `unplug`, `freeze`, `go`, `hang` (until opened anew),
  `tear N` (cut off the end of every Nth picture; 0: of none), `reset` (plugged in and well),
  `show NAME` (the folder's NAME.png; the first one from the start).

Sources: USB Video Class 1.0 (descriptors, requests); kernel Documentation/usb/usbip_protocol.rst.

    python3 webcam.py /run/webcam [FOLDER]
"""

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SIZES = ((640, 480), (320, 240))
INTERVALS = (333_333, 666_666, 1_000_000)  # in 100 ns: 30, 15 and 10 pictures a second
MJPEG, YUYV = 1, 2  # the numbers of the formats
PAYLOAD = 16384  # of one bulk transfer, 2 bytes of header included
PICTURES = 8  # each is shown for half a second

VHCI = Path("/sys/devices/platform/vhci_hcd.0")
HIGH_SPEED, FREE = 3, 4  # of USB/IP: usb_device_speed; state of a port
SUBMIT, UNLINK, SUBMITTED, UNLINKED = 1, 2, 3, 4
STALL, CONNRESET = -32, -104

SET_CUR, GET_CUR, GET_MIN, GET_MAX, GET_RES, GET_LEN, GET_INFO, GET_DEF = 1, *range(0x81, 0x88)
CAMERA_TERMINAL, STREAMING = 1, 1  # entity number; interface number
COMMIT = 2  # selector of a streaming interface
AE_MODE, EXPOSURE = 2, 4  # control selectors of a camera terminal

# selector: struct format, {request: value}; CUR is what is set
CONTROLS: dict[int, tuple[str, dict[int, int]]] = {
    AE_MODE: ("<B", {GET_CUR: 8, GET_RES: 9, GET_DEF: 8}),  # 1 manual, 8 aperture priority
    EXPOSURE: ("<I", {GET_CUR: 100, GET_MIN: 1, GET_MAX: 5000, GET_RES: 1, GET_DEF: 100}),
}


def drawn(width: int, height: int, number: int) -> Any:
    """(height, width, 3) uint8 BGR."""
    image = np.empty((height, width, 3), np.uint8)
    image[: height // 2] = (30, 30, 200)
    image[height // 2 :] = (30, 200, 30)
    left = number * width // PICTURES
    image[height // 2 - 8 : height // 2 + 8, left : left + width // PICTURES] = 255
    return image


def photographed(path: Path, width: int, height: int, number: int) -> Any:
    """The same of a file, with noise."""
    image = cv2.imread(str(path))
    if image is None:
        raise ValueError(f"{path} is no picture")
    image = cv2.resize(image, (width, height))
    noise = np.random.default_rng(number).normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


@cache
def encoded(shown: Path | None, size: tuple[int, int], number: int, form: int) -> bytes:
    """A picture in a format; made when it is first sent, so that the camera is soon there."""
    image = drawn(*size, number) if shown is None else photographed(shown, *size, number)
    if form == MJPEG:
        return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    y, cr, cb = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb).astype(float))
    packed = np.empty((*image.shape[:2], 2), np.uint8)
    # OpenCV's are of full range; ITU-R BT.601 has 16 to 235, and 16 to 240 for the colours
    packed[:, :, 0] = 16 + y * (219 / 255)
    packed[:, 0::2, 1] = 128 + (cb[:, 0::2] - 128) * (224 / 255)
    packed[:, 1::2, 1] = 128 + (cr[:, 0::2] - 128) * (224 / 255)
    return packed.tobytes()


def frame_descriptors(subtype: int) -> bytes:
    out = b""
    for index, (width, height) in enumerate(SIZES, start=1):
        size, bits = width * height * 2, width * height * 16
        fields = (index, 0, width, height, bits * 5, bits * 30, size, INTERVALS[0], len(INTERVALS))
        body = struct.pack("<BBHHIIIIB", *fields) + struct.pack(f"<{len(INTERVALS)}I", *INTERVALS)
        out += bytes([3 + len(body), 0x24, subtype]) + body
    return out


def configuration() -> bytes:
    """The configuration descriptor: one control interface, one streaming interface, one pipe."""
    guid = b"YUY2\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    formats = (
        bytes([11, 0x24, 6, MJPEG, len(SIZES), 1, 1, 0, 0, 0, 0])
        + frame_descriptors(7)
        + (bytes([27, 0x24, 4, YUYV, len(SIZES)]) + guid + bytes([16, 1, 0, 0, 0, 0]))
        + frame_descriptors(5)
        + bytes([6, 0x24, 0x0D, 1, 1, 4])
    )
    streaming = bytes([15, 0x24, 1, 2]) + struct.pack("<H", 15 + len(formats))
    streaming += bytes([0x81, 0, 3, 0, 0, 0, 1, 0, 0]) + formats
    has = (1 << (AE_MODE - 1)) | (1 << (EXPOSURE - 1))
    camera = bytes([18, 0x24, 2, CAMERA_TERMINAL, 1, 2, *[0] * 8, 3, has, 0, 0])
    units = camera + bytes([11, 0x24, 5, 2, 1, 0, 0, 2, 0, 0, 0, 9, 0x24, 3, 3, 1, 1, 0, 2, 0])
    control = bytes([13, 0x24, 1, 0, 1]) + struct.pack("<HI", 13 + len(units), 48_000_000)
    body = (
        bytes([8, 0x0B, 0, 2, 0x0E, 3, 0, 2, 9, 4, 0, 0, 0, 0x0E, 1, 0, 2])
        + (control + bytes([1, 1]) + units)
        + bytes([9, 4, 1, 0, 1, 0x0E, 2, 0, 0])
        + streaming
        + bytes([7, 5, 0x81, 2, 0, 2, 0])
    )
    return bytes([9, 2]) + struct.pack("<H", 9 + len(body)) + bytes([2, 1, 0, 0x80, 250]) + body


DEVICE = struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x200, 0xEF, 2, 1, 64, 0x1209, 1, 0x100, 1, 2, 3, 1)
CONFIGURATION = configuration()
STRINGS = {1: "Galago", 2: "Virtual Webcam", 3: "VW0001"}


class Webcam:
    """One plugged-in camera, from its making to `unplug`."""

    frozen = False
    hung = False
    tear_every = 0
    shown: Path | None = None

    def __init__(self) -> None:
        self._wire, kernels = socket.socketpair()
        self._changed = threading.Condition()  # also held around every message sent
        self._transfers: deque[tuple[int, int]] = deque()  # (sequence number, room)
        self.plugged = True
        self._agreed = struct.pack("<HBBI", 1, MJPEG, 1, INTERVALS[0])
        self._port = self._attach(kernels)
        for work in (self._answer, self._stream):
            threading.Thread(target=work, daemon=True).start()

    @staticmethod
    def _attach(kernels: socket.socket) -> int:
        for line in (VHCI / "status").read_text().splitlines():
            hub, port, state, *_ = line.split()
            if hub == "hs" and int(state) == FREE:
                words = f"{int(port)} {kernels.fileno()} {0x10002} {HIGH_SPEED}"
                (VHCI / "attach").write_text(words)
                kernels.close()  # the kernel keeps its own reference
                return int(port)
        raise RuntimeError("no free port")

    def unplug(self) -> None:
        (VHCI / "detach").write_text(str(self._port))
        with self._changed:
            self.plugged = False
            self._changed.notify_all()
        self._wire.close()

    def _answer(self) -> None:
        """Serve the kernel's requests until the cable is pulled."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                header = self._receive(48)
                command, number, _, way, endpoint = struct.unpack(">5I", header[:20])
                if command == UNLINK:
                    self._unlink(number, *struct.unpack(">I", header[20:24]))
                    continue
                (room,) = struct.unpack(">i", header[24:28])
                content = self._receive(room) if way == 0 else b""
                if endpoint:
                    with self._changed:
                        self._transfers.append((number, room))
                        self._changed.notify_all()
                else:
                    self._control(number, header[40:48], content)

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._wire.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def _reply(self, number: int, content: bytes = b"", *, status: int = 0, size: int = -1) -> None:
        length = len(content) if size < 0 else size
        head = struct.pack(">5I5i8x", SUBMITTED, number, 0, 0, 0, status, length, 0, 0, 0)
        with self._changed:
            self._wire.sendall(head + content)

    def _unlink(self, number: int, victim: int) -> None:
        with self._changed:
            waiting = [one for one in self._transfers if one[0] == victim]
            for one in waiting:
                self._transfers.remove(one)
            status = CONNRESET if waiting else 0
            self._wire.sendall(struct.pack(">5Ii24x", UNLINKED, number, 0, 0, 0, status))

    def _control(self, number: int, setup: bytes, content: bytes) -> None:
        kind, request, value, index, room = struct.unpack("<BBHHH", setup)
        if kind == 0x80 and request == 6:  # GET_DESCRIPTOR
            answer = self._descriptor(value >> 8, value & 255)
        elif kind in (0x80, 0x81, 0x82) and request == 0:  # GET_STATUS
            answer = b"\0\0"
        elif kind in (0, 1, 2):  # SET_CONFIGURATION, SET_INTERFACE, …_FEATURE
            answer = b""
        elif kind in (0x21, 0xA1) and index == STREAMING:
            answer = self._negotiate(value >> 8, request, content)
        elif kind in (0x21, 0xA1) and index == CAMERA_TERMINAL << 8:
            answer = self._turn(value >> 8, request, content)
        else:
            answer = None
        if answer is None:
            self._reply(number, status=STALL)
        else:
            self._reply(number, answer[:room], size=len(content) if content else -1)

    @staticmethod
    def _descriptor(kind: int, index: int) -> bytes | None:
        if kind == 3:
            text = STRINGS.get(index, "").encode("utf-16le") if index else b"\x09\x04"
            return bytes([2 + len(text), 3]) + text
        return {1: DEVICE, 2: CONFIGURATION}.get(kind)

    def _negotiate(self, selector: int, request: int, content: bytes) -> bytes:
        """VS_PROBE and VS_COMMIT: what is asked for is what it gets, where it has it."""
        if request == SET_CUR:
            Webcam.hung = Webcam.hung and selector != COMMIT
            _, form, frame, interval = struct.unpack("<HBBI", content[:8])
            interval = interval if interval in INTERVALS else INTERVALS[0]
            frame = min(max(frame, 1), len(SIZES))
            self._agreed = struct.pack("<HBBI", 1, form if form == YUYV else MJPEG, frame, interval)
            return b""
        if request in (GET_LEN, GET_INFO):
            return {GET_LEN: b"\x1a\0", GET_INFO: b"\3"}[request]
        width, height = SIZES[self._agreed[3] - 1]
        return self._agreed + struct.pack("<5HII", 0, 0, 0, 0, 0, width * height * 2, PAYLOAD)

    @staticmethod
    def _turn(selector: int, request: int, content: bytes) -> bytes | None:
        if selector not in CONTROLS:
            return None
        form, values = CONTROLS[selector]
        if request == SET_CUR:
            (values[GET_CUR],) = struct.unpack(form, content)
            return b""
        if request == GET_INFO:
            return b"\3"
        if request == GET_LEN:
            return struct.pack("<H", struct.calcsize(form))
        return struct.pack(form, values[request]) if request in values else None

    def _stream(self) -> None:
        """Send a picture when it is due and the kernel has asked for one, until unplugged."""
        number, due = 0, time.monotonic()
        with contextlib.suppress(OSError):
            while self._wait_for_transfer():
                _, form, frame, interval = struct.unpack("<HBBI", self._agreed)
                due = max(due + interval / 1e7, time.monotonic() - interval / 1e7)
                time.sleep(max(due - time.monotonic(), 0))
                if Webcam.frozen or Webcam.hung:
                    continue
                number += 1
                rate = 10_000_000 // interval
                which = number * 2 // rate % PICTURES
                content = encoded(Webcam.shown, SIZES[frame - 1], which, form)
                if Webcam.tear_every and number % Webcam.tear_every == 0:
                    content = content[: len(content) // 3]
                self._send(content, number & 1)

    def _wait_for_transfer(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._transfers or not self.plugged)
            return self.plugged

    def _send(self, content: bytes, parity: int) -> None:
        step = PAYLOAD - 2
        for start in range(0, len(content), step):
            with self._changed:
                if not self._changed.wait_for(lambda: self._transfers or not self.plugged, 1.0):
                    return  # it does not look any more
                if not self.plugged:
                    return
                # Taken and answered under one lock: an answer after an unlinking is an error, upon
                # which the kernel unplugs the camera.
                number, _ = self._transfers.popleft()
                last = start + step >= len(content)
                header = bytes([2, 0x80 | parity | (2 if last else 0)])
                self._reply(number, header + content[start : start + step])


def obey(fifo: Path, pictures: list[Path]) -> None:
    Webcam.shown = min(pictures, default=None)
    webcam = Webcam()
    while True:
        for line in fifo.read_text().splitlines():
            word, *rest = line.split()
            if word == "unplug" and webcam.plugged:
                webcam.unplug()
            if word in ("plug", "reset") and not webcam.plugged:
                webcam = Webcam()
            if word in ("hang", "reset"):
                Webcam.hung = word == "hang"
            if word in ("freeze", "go", "reset"):
                Webcam.frozen = word == "freeze"
            if word in ("tear", "reset"):
                Webcam.tear_every = int(rest[0]) if rest else 0
            if word == "show":
                (Webcam.shown,) = (path for path in pictures if path.stem == rest[0])


if __name__ == "__main__":
    subprocess.run(["modprobe", "-a", "vhci_hcd", "uvcvideo"], check=True)  # noqa: S607
    path = Path(sys.argv[1])
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    obey(path, [one for folder in sys.argv[2:] for one in Path(folder).glob("*.png")])
