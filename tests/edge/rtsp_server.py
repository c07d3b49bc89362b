"""A real RTSP server and a real cable, for tests and bench/rtsp_outage.py.

- The server is GStreamer's, in a process of the system's Python, which ends with its standard
  input: it never outlives whoever started it.
- Its picture is 320x240 at 15 per second, H.264. Below: red, green and blue, from the left. Above:
  when the picture was made, monotonic milliseconds mod 2**16, in 16 blocks, white for 1.
- The cable is a pair of virtual network cards, its far end in a network namespace of its own.

    with serving() as server:
        camera = open_camera(server.url)
"""

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

WIDTH, HEIGHT, FPS, BITS = 320, 240, 15, 16
PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0"
    " gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly"
)

_PYTHON = "/usr/bin/python3"  # Debian's packages are for Debian's Python
_MISSING = 77  # exit status for a missing package
_PIPELINE = (
    "( appsrc name=source is-live=true do-timestamp=true format=time"
    f" caps=video/x-raw,format=RGB,width={WIDTH},height={HEIGHT},framerate={FPS}/1"
    " ! videoconvert ! video/x-raw,format=I420"
    f" ! x264enc tune=zerolatency sliced-threads=false threads=1 key-int-max={FPS} bitrate=1000"
    " ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)
_BELOW = (b"\xff\0\0" * 107 + b"\0\xff\0" * 107 + b"\0\0\xff" * 106) * (HEIGHT // 2)


class MissingError(RuntimeError):
    """What a test needs is not on this machine; the message says what."""


@dataclass(frozen=True)
class Server:
    """One that serves `url`; killing `process` is pulling its plug."""

    process: subprocess.Popen[str]
    address: str
    port: int

    @property
    def url(self) -> str:
        return f"rtsp://{self.address}:{self.port}/porch"


@contextmanager
def serving(
    address: str = "127.0.0.1",
    port: int = 0,
    login: tuple[str, str, str] | None = None,
    inside: str | None = None,
) -> Iterator[Server]:
    """Serve at an address and port (0: a free one), until the block ends.

    `login`: "basic" or "digest", a user and a password. `inside`: a network namespace.
    """
    if not Path(_PYTHON).exists():
        raise MissingError(f"{_PYTHON}, with {PACKAGES}")
    enter = ["ip", "netns", "exec", inside] if inside else []
    command = [*enter, _PYTHON, __file__, address, str(port), *(login or ())]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline().strip()
            if process.poll() == _MISSING or not said:
                raise MissingError(f"the packages {PACKAGES}")
            yield Server(process, address, int(said))
        finally:
            process.kill()


def made_ms(row: Any) -> int:
    """Read when a picture was made from one row of its upper half, (320, 3) uint8."""
    width = WIDTH // BITS
    return sum(1 << bit for bit in range(BITS) if row[bit * width + width // 2].mean() > 128)


def age_ms(time_ns: int, row: Any) -> int:
    """By how much `time_ns` is later than the picture was made; negative if it is earlier."""
    half = 1 << (BITS - 1)
    return (time_ns // 1_000_000 - made_ms(row) + half) % (1 << BITS) - half


Place: TypeAlias = Literal["camera", "here", "between"]
PLACES: tuple[Place, ...] = ("camera", "here", "between")
NOBODY = "02:00:00:00:00:99"


@dataclass(frozen=True)
class Cable:
    """Two network cards: `near` here at NEAR, `far` in the namespace `inside` at FAR."""

    inside: str
    near: str
    far: str

    def pull(self, place: Place) -> None:
        """Pull it out at the camera, here (then the route goes too), or behind a switch between.

        Behind a switch both cards stay connected, and what they send is lost.
        """
        if place == "between":
            self._ip_of_both("neighbour", "replace", "lladdr", NOBODY, "nud", "permanent")
        else:
            self._link(place, "down")

    def put_back(self, place: Place) -> None:
        if place == "between":
            self._ip_of_both("neighbour", "delete")
        else:
            self._link(place, "up")

    def _link(self, place: Place, state: str) -> None:
        if place == "here":
            _ip("link", "set", self.near, state)
        else:
            _ip("-n", self.inside, "link", "set", self.far, state)

    def _ip_of_both(self, what: str, verb: str, *rest: str) -> None:
        _ip(what, verb, FAR, "dev", self.near, *rest)
        _ip("-n", self.inside, what, verb, NEAR, "dev", self.far, *rest)


# RFC 5737: addresses that belong to nobody. A machine may use them all the same: see _is_free.
NETWORK, NEAR, FAR = "198.51.100.0/30", "198.51.100.1", "198.51.100.2"


@contextmanager
def cable() -> Iterator[Cable]:
    """Lay a cable to a network namespace, and take both away again."""
    if os.geteuid() != 0:
        raise MissingError("root, to make a network namespace")
    name = f"galago{os.getpid()}"
    laid = Cable(inside=name, near=f"gn{os.getpid()}", far=f"gf{os.getpid()}")
    try:
        if not _is_free(NETWORK):
            raise MissingError(f"a network {NETWORK} that this machine does not use itself")
        _ip("netns", "add", name)
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingError(f"iproute2 and the right to make a network namespace: {error}") from None
    try:
        _ip("link", "add", laid.near, "type", "veth", "peer", "name", laid.far, "netns", name)
        _ip("address", "add", f"{NEAR}/30", "dev", laid.near)
        _ip("-n", name, "address", "add", f"{FAR}/30", "dev", laid.far)
        laid.put_back("here")
        laid.put_back("camera")
        yield laid
    finally:
        for words in (("link", "delete", laid.near), ("netns", "delete", name)):
            subprocess.run(["ip", *words], check=False, capture_output=True)  # noqa: S607


def _is_free(network: str) -> bool:
    """Whether no route but the default one leads there: a cable must not cut the machine off."""
    routes = [_ip("-4", "route", "show", "to", way, network) for way in ("match", "root")]
    return all(line.startswith("default") for line in "".join(routes).splitlines())


def _ip(*words: str) -> str:
    command = ["ip", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _picture() -> bytes:
    made = time.monotonic_ns() // 1_000_000
    blocks = (b"\xff" if made >> bit & 1 else b"\0" for bit in range(BITS))
    return b"".join(block * (3 * WIDTH // BITS) for block in blocks) * (HEIGHT // 2) + _BELOW


def _serve(address: str, port: str, *login: str) -> None:
    try:
        gi = importlib.import_module("gi")
        gi.require_version("Gst", "1.0")
        gi.require_version("GstRtspServer", "1.0")
        gst, glib, rtsp, kinds = (
            importlib.import_module(f"gi.repository.{name}")
            for name in ("Gst", "GLib", "GstRtspServer", "GstRtsp")
        )
    except (ImportError, ValueError):
        sys.exit(_MISSING)
    gst.init(None)
    if not all(gst.ElementFactory.find(part) for part in ("appsrc", "x264enc", "rtph264pay")):
        sys.exit(_MISSING)
    server = rtsp.RTSPServer(address=address, service=port)
    factory = rtsp.RTSPMediaFactory(launch=_PIPELINE, shared=True)
    factory.connect("media-configure", lambda _, media: _feed(gst, glib, media))
    server.get_mount_points().add_factory("/porch", factory)
    if login:
        _lock(rtsp, kinds, server, factory, *login)
    server.attach(None)
    print(server.get_bound_port(), flush=True)  # noqa: T201 - this is how it says that it is ready
    loop = glib.MainLoop()
    glib.io_add_watch(0, glib.IO_HUP, lambda *_: loop.quit())
    loop.run()


def _feed(gst: Any, glib: Any, media: Any) -> None:
    source = media.get_element().get_by_name("source")

    def push() -> bool:
        buffer = gst.Buffer.new_wrapped(_picture())
        return bool(source.emit("push-buffer", buffer) == gst.FlowReturn.OK)

    timer = glib.timeout_add(1000 // FPS, push)
    media.connect("unprepared", lambda _: glib.source_remove(timer))


def _lock(  # noqa: PLR0913, PLR0917 - GStreamer's four objects, and a login
    rtsp: Any, kinds: Any, server: Any, factory: Any, way: str, user: str, password: str
) -> None:
    token = rtsp.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth = rtsp.RTSPAuth()
    if way == "digest":
        auth.set_supported_methods(kinds.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    else:
        auth.add_basic(auth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = rtsp.RTSPPermissions()
    for right in ("access", "construct"):
        permissions.add_permission_for_role("viewer", f"media.factory.{right}", True)  # noqa: FBT003
    factory.set_permissions(permissions)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
