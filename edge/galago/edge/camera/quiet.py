"""OpenCV's own warnings, off while Galago asks something whose answer may be no.

Galago says in one line what is wrong; OpenCV's lines beside it name its source files. Only
OpenCV's own logger is meant. What FFMPEG itself prints can only be set in the environment, before
the first video of the process: that is the user's to decide (OPENCV_FFMPEG_LOGLEVEL).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2

_SILENT = 0

# OpenCV 4.6 has the two functions in cv2 itself, 5.0 in cv2.utils.logging.
_logging: Any = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging


@contextmanager
def opencv_quiet() -> Iterator[None]:
    """Silence OpenCV's logger inside the block, and put the level back."""
    level = _logging.getLogLevel()
    _logging.setLogLevel(_SILENT)
    try:
        yield
    finally:
        _logging.setLogLevel(level)
