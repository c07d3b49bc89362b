"""What the user writes to choose a camera: `kind:rest?key=value&…`.

    file:CLIP[?pace=max&loop=1]                      a video, at its own frame rate
    dir:FOLDER[?fps=10&pace=max&loop=1]              the images of a folder, by name
    fake:STEPS[?size=640x480&fps=30&seed=0&loop=1]   a script (see script.py); pace=max for fps

- Everything unknown is refused: kind, key, value, and a key given twice.
- A message never repeats more of a source than the part it is about, since a later kind's source
  may hold a password.
- `rest` ends at the first `?`; there is no escape.

    with open_camera("dir:frames?fps=5") as camera:
        for frame in camera:
            show(frame.pixels)
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from galago.edge.camera.base import Camera
from galago.edge.camera.fake import FakeCamera
from galago.edge.camera.file import VideoFile
from galago.edge.camera.folder import ImageFolder
from galago.edge.camera.hint import nearest
from galago.edge.camera.script import parse_script, prepare
from galago.edge.camera.steps import Size
from galago.errors import UsageError

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_INTEGER = re.compile(r"[0-9]{1,9}")
_SIZE = re.compile(r"([1-9][0-9]{0,3})x([1-9][0-9]{0,3})")
_MAX_FPS = 1000


@dataclass(frozen=True, slots=True)
class Source:
    """A source taken apart: `text` as written, `keys` known to the kind, values not yet judged."""

    text: str
    kind: str
    rest: str
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """How to open one kind of source, and the keys that it takes."""

    open: Callable[[Source], Camera]
    keys: tuple[str, ...]
    example: str


def open_camera(source: str) -> Camera:
    """Open the camera that `source` names; close it with `with` or `close()`.

    Raises:
        UsageError: the source is not one that this version can open.
        CameraError: it names something that is missing, unreadable or without a frame.
    """
    parsed = parse(source)
    return KINDS[parsed.kind].open(parsed)


def parse(source: str) -> Source:
    """Take a source apart, without looking at what it names.

    Raises:
        UsageError: the kind or a key is unknown, or the form is wrong.
    """
    kind, colon, tail = source.partition(":")
    if kind in TO_COME or source.startswith("/dev/"):
        raise UsageError(
            f"this version cannot open {kind if kind in TO_COME else 'usb'} cameras yet:"
            f" expected one of {_forms()}"
        )
    if not colon:
        raise UsageError(
            f"a camera source starts with its kind, received {source!r}: expected one of {_forms()}"
        )
    if kind not in KINDS:
        raise UsageError(
            f"unknown camera kind {kind!r}: expected one of {_forms()}{nearest(kind, KINDS)}"
        )
    rest, mark, query = tail.partition("?")
    if not rest:
        raise UsageError(f"{kind}: needs something after it, such as {KINDS[kind].example}")
    return Source(source, kind, rest, _keys(kind, query) if mark else {})


def _forms() -> str:
    return ", ".join(f"{kind}:" for kind in KINDS)


def _keys(kind: str, query: str) -> dict[str, str]:
    known = KINDS[kind].keys
    keys: dict[str, str] = {}
    for part in query.split("&"):
        key, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"{kind}: expected key=value after '?', received {part!r}")
        if key not in known:
            raise UsageError(
                f"{kind}: unknown key {key!r}: expected {', '.join(known)}{nearest(key, known)}"
            )
        if key in keys:
            raise UsageError(f"{kind}: the key {key!r} is given twice: leave one")
        keys[key] = value
    return keys


# --- values ---------------------------------------------------------------------------------------


def _refused(source: Source, key: str, expected: str) -> UsageError:
    return UsageError(f"{source.kind}: {key} must be {expected}, received {source.keys[key]!r}")


def _paced(source: Source) -> bool:
    if source.keys.get("pace", "max") != "max":
        raise _refused(source, "pace", "max (leave it out for the usual pace)")
    return "pace" not in source.keys


def _loop(source: Source) -> bool:
    value = source.keys.get("loop", "0")
    if value not in ("0", "1"):
        raise _refused(source, "loop", "0 or 1")
    return value == "1"


def _fps(source: Source, default: float) -> float:
    value = source.keys.get("fps")
    if value is None:
        return default
    if not _NUMBER.fullmatch(value) or not 0 < float(value) <= _MAX_FPS:
        raise _refused(source, "fps", f"frames per second, above 0 and up to {_MAX_FPS}")
    return float(value)


def _size(source: Source) -> Size | None:
    value = source.keys.get("size")
    if value is None:
        return None
    match = _SIZE.fullmatch(value)
    if not match:
        raise _refused(source, "size", "WIDTHxHEIGHT in pixels, such as 640x480")
    return int(match[1]), int(match[2])


def _seed(source: Source) -> int:
    value = source.keys.get("seed", "0")
    if not _INTEGER.fullmatch(value):
        raise _refused(source, "seed", "a whole number from 0 up")
    return int(value)


# --- kinds ----------------------------------------------------------------------------------------


def _open_file(source: Source) -> Camera:
    paced, loop = _paced(source), _loop(source)
    return VideoFile(Path(source.rest), source=source.text, paced=paced, loop=loop)


def _open_dir(source: Source) -> Camera:
    fps, paced, loop = _fps(source, 10.0), _paced(source), _loop(source)
    return ImageFolder(Path(source.rest), source=source.text, fps=fps, paced=paced, loop=loop)


def _open_fake(source: Source) -> Camera:
    paced = _paced(source)
    if not paced and "fps" in source.keys:
        raise UsageError("fake: pace=max has no fps, received both: leave one of the two")
    steps = parse_script(source.rest)
    size, seed = _size(source), _seed(source)
    fps, loop = _fps(source, 30.0) if paced else None, _loop(source)
    ready = prepare(steps, size=size, seed=seed)
    return FakeCamera(ready, source=source.text, fps=fps, loop=loop)


# A new kind is one file beside file.py, one `_open_…` above, one line here, and none in TO_COME.
KINDS: Mapping[str, Kind] = {
    "file": Kind(_open_file, ("pace", "loop"), "file:clip.mp4"),
    "dir": Kind(_open_dir, ("fps", "pace", "loop"), "dir:frames/"),
    "fake": Kind(_open_fake, ("size", "fps", "pace", "seed", "loop"), "fake:bars*30"),
}
TO_COME = ("picamera2", "usb", "rtsp")
