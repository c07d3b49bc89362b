"""What daemon and page say to each other, over one pair of sockets.

- The daemon speaks first: the settings, one JSON document.
- Then the page asks, one line each, and the daemon answers each with one message.
- A message is its length, four bytes big-endian, and so many bytes.
- The end of the stream is the end of the other: neither outlives it as what it was.

    page: serving             it listens now         (no answer)
    page: failed CAUSE        it cannot, and goes    (no answer)
    page: status              → the status document, JSON
    page: picture             → capture time and a JPEG, or nothing: no picture came in time
"""

import struct
from dataclasses import dataclass
from typing import Final

SERVING: Final = b"serving"
FAILED: Final = b"failed"
STATUS: Final = b"status"
PICTURE: Final = b"picture"

LENGTH: Final = struct.Struct(">I")
MAX_LINE: Final = 1000  # of a cause: it comes from another process
MAX_MESSAGE: Final = 8 * 2**20

_AGE: Final = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of now: `time_ms` UTC since 1970, at capture; `jpeg` at most 640 pixels wide."""

    time_ms: int
    jpeg: bytes

    def pack(self) -> bytes:
        """As one message's content."""
        return _AGE.pack(self.time_ms) + self.jpeg

    @classmethod
    def unpack(cls, message: bytes) -> "Shot | None":
        """The picture of a message; None where there was none."""
        if len(message) <= _AGE.size:
            return None
        return cls(_AGE.unpack_from(message)[0], message[_AGE.size :])


def framed(content: bytes) -> bytes:
    """A message with its length before it."""
    return LENGTH.pack(len(content)) + content
