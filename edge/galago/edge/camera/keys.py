"""A camera source taken apart, and the values of its keys.

- Every value is judged before a device is touched; what is wrong is one line that names the key.
- A message never repeats more of a source than the part it is about, since it may hold a password.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from galago.bundle.preprocess import Size
from galago.edge.hint import nearest
from galago.errors import UsageError

MAX_FPS = 1000

_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
_INTEGER = re.compile(r"[0-9]{1,9}")
_SIZE = re.compile(r"([1-9][0-9]{0,3})x([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class Source:
    """A source taken apart: `text` as written, less credentials; values of `keys` not yet judged.

    `rest` is what the kind needs to find its device, credentials included: it is never printed.
    """

    text: str
    kind: str
    rest: str = field(repr=False)
    keys: Mapping[str, str] = field(repr=False)

    def refused(self, key: str, expected: str) -> UsageError:
        """The error for a key with a wrong value."""
        return UsageError(f"{self.kind}: {key} must be {expected}, received {self.keys[key]!r}")

    def number(
        self, key: str, low: float, high: float, default: float | None = None
    ) -> float | None:
        """A number from `low` to `high`, both allowed."""
        value = self.keys.get(key)
        if value is None:
            return default
        if not _NUMBER.fullmatch(value) or not low <= float(value) <= high:
            raise self.refused(key, f"a number from {low:g} to {high:g}")
        return float(value)

    def integer(self, key: str, default: int = 0) -> int:
        """A whole number from 0 up."""
        value = self.keys.get(key)
        if value is None:
            return default
        if not _INTEGER.fullmatch(value):
            raise self.refused(key, "a whole number from 0 up")
        return int(value)

    def choice(self, key: str, allowed: tuple[str, ...]) -> str | None:
        """One of some words."""
        value = self.keys.get(key)
        if value is not None and value not in allowed:
            raise self.refused(key, f"one of {', '.join(allowed)}{nearest(value, allowed)}")
        return value

    def flag(self, key: str) -> bool:
        """0 or 1; 0 where it is not given."""
        value = self.keys.get(key, "0")
        if value not in ("0", "1"):
            raise self.refused(key, "0 or 1")
        return value == "1"

    def fps(self) -> float | None:
        """Frames per second, above 0."""
        value = self.keys.get("fps")
        if value is None:
            return None
        if not _NUMBER.fullmatch(value) or not 0 < float(value) <= MAX_FPS:
            raise self.refused("fps", f"frames per second, above 0 and up to {MAX_FPS}")
        return float(value)

    def size(self, key: str = "size") -> Size | None:
        """Width and height in pixels."""
        value = self.keys.get(key)
        if value is None:
            return None
        match = _SIZE.fullmatch(value)
        if not match:
            raise self.refused(key, "WIDTHxHEIGHT in pixels, such as 640x480")
        return int(match[1]), int(match[2])

    def patience(self) -> float | None:
        """Seconds without a frame before the camera counts as lost."""
        return self.number("patience", 0.1, 86400)

    def paced(self) -> bool:
        """Whether it keeps its own pace; `pace=max` is as fast as it is taken."""
        if self.keys.get("pace", "max") != "max":
            raise self.refused("pace", "max (leave it out for the usual pace)")
        return "pace" not in self.keys
