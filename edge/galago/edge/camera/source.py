"""What the user writes to choose a camera: `kind:rest?key=value&…`.

    picamera2[:N][?size=640x480&fps=30&…]            a camera of the Pi, by its number
    usb:N or /dev/v4l/by-id/…[?size=640x480&…]       a USB camera
    rtsp://[USER:PASSWORD@]HOST/PATH[#key=value&…]   a network camera; its own `?` is the URL's
    file:CLIP[?pace=max&loop=1]                      a video, at its own frame rate
    dir:FOLDER[?fps=10&pace=max&loop=1]              the images of a folder, by name
    fake:STEPS[?size=640x480&fps=30&noise=0&loop=1]  a script (see script.py); pace=max for fps

- Everything unknown is refused: kind, key, value, and a key given twice. Every kind takes
  `patience=SECONDS`, how long it may be silent before it counts as lost.
- A message never repeats more of a source than the part it is about: it may hold a password.
- `rest` ends at the first `?`; there is no escape.

    with open_camera("dir:frames?fps=5") as camera:
        for frame in camera:
            show(frame.pixels)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from galago.edge.camera import fake, file, folder, picamera, rtsp, usb
from galago.edge.camera.base import Camera
from galago.edge.camera.keys import Source
from galago.edge.camera.rtspaddress import shown as shown_rtsp
from galago.edge.hint import nearest
from galago.errors import UsageError


@dataclass(frozen=True, slots=True)
class Kind:
    """How to open one kind of source, and the keys that it takes.

    `default`: what stands for the part behind the colon where the user leaves it out. `mark`: what
    stands before the keys. `shown`: the source as it may be printed.
    """

    open: Callable[[Source], Camera]
    keys: tuple[str, ...]
    example: str
    default: str = ""
    mark: str = "?"
    shown: Callable[[str], str] = str


# A new kind is one file beside file.py and one line here.
KINDS: Mapping[str, Kind] = {
    "picamera2": Kind(picamera.open_source, picamera.KEYS, "picamera2:0", default="0"),
    "usb": Kind(usb.open_source, usb.KEYS, "usb:0"),
    "file": Kind(file.open_source, file.KEYS, "file:clip.mp4"),
    "dir": Kind(folder.open_source, folder.KEYS, "dir:frames/"),
    "fake": Kind(fake.open_source, fake.KEYS, "fake:bars*30"),
    "rtsp": Kind(rtsp.open_source, rtsp.KEYS, "rtsp://host/path", mark="#", shown=shown_rtsp),
    "rtsps": Kind(rtsp.open_source, rtsp.KEYS, "rtsps://host/path", mark="#", shown=shown_rtsp),
}


def open_camera(source: str) -> Camera:
    """Open the camera that `source` names; close it with `with` or `close()`.

    Raises:
        UsageError: the source is not one that this version can open.
        CameraError: it names something that is missing, unreadable or without a frame.
    """
    parsed = parse(source)
    patience_s = parsed.patience()
    camera = KINDS[parsed.kind].open(parsed)
    if patience_s is not None:
        camera.patience_s = patience_s
    return camera


def parse(source: str) -> Source:
    """Take a source apart, without looking at what it names.

    Raises:
        UsageError: the kind or a key is unknown, or the form is wrong.
    """
    if source.startswith("/dev/"):
        source = f"usb:{source}"
    kind, colon, tail = source.partition(":")
    bare, mark, query = kind.partition("?")
    if not colon and bare in KINDS and KINDS[bare].default:  # picamera2, picamera2?fps=10
        kind, colon, tail = bare, ":", f"{KINDS[bare].default}{mark}{query}"
    if not colon:
        raise UsageError(
            f"a camera source starts with its kind, received {source!r}: expected one of {_forms()}"
        )
    if kind not in KINDS:
        raise UsageError(
            f"unknown camera kind {kind!r}: expected one of {_forms()}{nearest(kind, KINDS)}"
        )
    rest, mark, query = tail.partition(KINDS[kind].mark)
    if not rest:
        raise UsageError(f"{kind}: needs something after it, such as {KINDS[kind].example}")
    return Source(KINDS[kind].shown(source), kind, rest, _keys(kind, query) if mark else {})


def _forms() -> str:
    return ", ".join(f"{kind}:" for kind in KINDS)


def _keys(kind: str, query: str) -> dict[str, str]:
    known = (*KINDS[kind].keys, "patience")
    keys: dict[str, str] = {}
    if KINDS[kind].mark == "#" and "@" in query:  # it is then the end of a password
        raise UsageError(f"{kind}: keys start at '#': write one in a password as %23")
    for part in query.split("&"):
        key, equals, value = part.partition("=")
        if not equals:
            raise UsageError(
                f"{kind}: expected key=value after {KINDS[kind].mark!r}, received {part!r}"
            )
        if key not in known:
            raise UsageError(
                f"{kind}: unknown key {key!r}: expected {', '.join(known)}{nearest(key, known)}"
            )
        if key in keys:
            raise UsageError(f"{kind}: the key {key!r} is given twice: leave one")
        keys[key] = value
    return keys
