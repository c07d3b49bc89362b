"""What real picamera2 lacks to open libcamera's virtual camera, which it was never meant for.

Nothing of picamera2's or Galago's own work is replaced: threads, requests, memory, mapping and
closing are the real ones. Kernel devices are stood in for by kernel.c.
"""

import importlib
from types import SimpleNamespace
from typing import Any

libcamera: Any = importlib.import_module("libcamera")


def install() -> None:
    """Let this process's picamera2 open the virtual camera."""
    importlib.import_module("picamera2").Picamera2._get_raw_modes = _raw_modes
    memory: Any = importlib.import_module("picamera2.allocators.dmaallocator")
    memory.libcamera = SimpleNamespace(FrameBuffer=_FrameBuffer)
    # libcamera 0.4's virtual camera never writes it, and picamera2 drops what is not a success.
    libcamera.FrameMetadata.status = property(lambda _: libcamera.FrameMetadata.Status.Success)


def _raw_modes(_picam2: object) -> list[dict[str, Any]]:
    """The virtual camera has no sensor behind it: asked for raw modes, libcamera gives None."""
    return [{"format": "NV12", "size": (640, 480)}]


class _FrameBuffer:
    """Makes a buffer of two planes, as the virtual camera fills them, of picamera2's one.

    A Pi takes NV12 in one piece, which is all that picamera2's memory provides.
    """

    Plane = libcamera.FrameBuffer.Plane

    def __new__(cls, planes: list[Any]) -> Any:
        [luma] = planes  # picamera2 knows it by its descriptor: it stays
        chroma = cls.Plane()
        chroma.fd, chroma.offset, chroma.length = luma.fd, luma.length * 2 // 3, luma.length // 3
        luma.length = chroma.offset
        return libcamera.FrameBuffer([luma, chroma])
