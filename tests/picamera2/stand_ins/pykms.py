"""Stands in for kms++'s Python bindings, which picamera2 imports to draw on a screen.

Neither Debian nor PyPI has them, and nothing here draws: any pixel format is its own name.
"""


class _AnyName(type):
    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class PixelFormat(metaclass=_AnyName):
    """`PixelFormat.BGR888` and the like, by which picamera2 makes a table when it is imported."""
