"""Closing, shared by every camera: once, from any thread, and at once.

- `close()` may be called any number of times.
- Whoever waits in `_wait` returns as soon as another thread closes the camera.
"""

import threading
from time import monotonic_ns
from typing import Self

from galago.edge.camera.base import PATIENCE_S

_NS = 1_000_000_000


class Closing:
    """The part of a camera that ends it. A device's own `close` calls this one first."""

    detail = ""
    noisy = False
    patience_s = PATIENCE_S

    def __init__(self, source: str) -> None:
        self.source = source
        self._closed = threading.Event()

    def close(self) -> None:
        """End every wait; no frame comes after this."""
        self._closed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wait(self, seconds: float) -> bool:
        """Wait for `seconds` (math.inf: until closed); False as soon as the camera is closed."""
        return not self._closed.wait(min(max(seconds, 0.0), threading.TIMEOUT_MAX))

    def _wait_until(self, time_ns: int) -> bool:
        """Wait until monotonic `time_ns`, as `_wait` does."""
        return self._wait((time_ns - monotonic_ns()) / _NS)
