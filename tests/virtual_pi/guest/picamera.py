"""The command `galago`, with picamera2 on libcamera's virtual camera: runs in the guest.

Its memory is the kernel's own: from /dev/dma_heap, as on a Pi, or from /dev/udmabuf where the
kernel has no such heap (Debian's for arm64).

    ExecStart=/opt/galago/bin/python3 /opt/test/guest/picamera.py run --config …

Source: linux/udmabuf.h, linux/fcntl.h.
"""

import ctypes
import fcntl
import importlib
import mmap
import os
import struct
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, "/opt/test/stand_ins")

_UDMABUF_CREATE = 0x40187542  # _IOW('u', 0x42, struct udmabuf_create)
_CLOSE_ON_EXEC = 1


class MemoryHeap:
    """picamera2's DmaHeap, from /dev/udmabuf."""

    isValid = True  # noqa: N815 - picamera2's name

    def __init__(self) -> None:
        self._device = os.open("/dev/udmabuf", os.O_RDWR | os.O_CLOEXEC)

    def alloc(self, name: str, size: int) -> Any:
        """A buffer of at least that size."""
        size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        memory = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(memory, size)
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        wanted = struct.pack("IIQQ", memory, _CLOSE_ON_EXEC, 0, size)
        buffer = ctypes.CDLL(None, use_errno=True).ioctl(
            self._device, ctypes.c_ulong(_UDMABUF_CREATE), wanted
        )
        os.close(memory)
        if buffer < 0:
            raise OSError(ctypes.get_errno(), "UDMABUF_CREATE")
        return importlib.import_module("picamera2.dma_heap").UniqueFD(buffer)

    def close(self) -> None:
        """Buffers that it gave live on."""
        os.close(self._device)


if __name__ == "__main__":
    importlib.import_module("virtual_camera").install()
    if not Path("/dev/dma_heap/vidbuf_cached").exists():
        memory: Any = importlib.import_module("picamera2.allocators.dmaallocator")
        memory.DmaHeap = MemoryHeap
    from galago.cli import main

    sys.exit(main(sys.argv[1:]))
