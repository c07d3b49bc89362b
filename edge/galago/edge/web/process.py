"""The status page as a process of its own, kept alive beside the loop.

- Nothing in the daemon waits for the page, and no fault of it reaches the daemon: a page that dies
  is started again, later each time, and `web.failed` says why.
- It ends with the daemon, also when that is killed: the link's end is the page's end.
- The address is taken here, so that it is the same after a restart; while somebody else has it,
  it is tried again.
- Any address but the machine's own needs a password.

    with Page(config.web, folder, live, reporter.document, health) as page:
        print(page.address)
"""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, monotonic_ns
from typing import Any, Self

from galago.edge.health import Health
from galago.edge.live import Live
from galago.edge.tell import tell
from galago.edge.vitals.document import Status
from galago.edge.web.link import Link
from galago.edge.web.password import Hash
from galago.edge.web.settings import WebSettings
from galago.errors import UsageError

NAME = "web.failed"

_BACK_OFF_S = (1.0, 2.0, 5.0, 15.0, 60.0)
_WELL_S = 30.0  # a page that has lived so long is no longer one that keeps dying
_END_S = 3.0
_BACKLOG = 64
# What the system may hold for a viewer, inherited by each connection. By itself it takes megabytes:
# a slow viewer would be shown pictures of half a minute ago.
_SEND_BUFFER = 128 * 1024
# glibc gives every thread memory of its own to allocate from, OpenBLAS every core: the page has no
# use for either.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"}


class Page:
    """Listens from `__enter__` to `__exit__`, or tries to.

    `live`, `status`: what is asked when somebody looks, in a thread of this object's.

    Raises:
        UsageError: the settings would show the camera to everybody, or the password cannot be read.
    """

    def __init__(
        self,
        settings: WebSettings,
        folder: Path,
        live: Live,
        status: Callable[[], Status],
        health: Health,
    ) -> None:
        self._settings, self._live, self._status, self._health = settings, live, status, health
        self._told = {"folder": str(folder.resolve()), **_told(settings)}
        self._stop = threading.Event()
        self._serving = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="web", daemon=True)
        self._listener: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str | None:
        """Where to look, such as http://127.0.0.1:8080/; None while there is no such place."""
        listener = self._listener
        return None if listener is None else _url(listener, self._settings)

    def wait(self, timeout_s: float) -> bool:
        """Whether the page serves, after at most so many seconds; for those who look at once."""
        return self._serving.wait(timeout_s)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        process = self._process
        if process is not None:
            _end(process)
        self._thread.join(_END_S)

    def _keep(self) -> None:
        """One life of the page after the other."""
        failures = 0
        while not self._stop.is_set():
            born = monotonic()
            cause = self._live_once()
            if self._stop.is_set():
                break
            failures = 1 if monotonic() - born > _WELL_S else failures + 1
            self._report(cause)
            self._stop.wait(_BACK_OFF_S[min(failures, len(_BACK_OFF_S)) - 1])
        if self._listener is not None:
            self._listener.close()

    def _live_once(self) -> str:
        """Start the page and answer it until it ends; returns why that was."""
        try:
            self._listener = self._listener or _listen(self._settings)
            ours, theirs = socket.socketpair()
            with ours:
                with theirs:
                    process = _start(self._listener, theirs)
                return self._serve(process, ours)
        except OSError as error:
            return _worded(error, self._settings)

    def _serve(self, process: subprocess.Popen[bytes], end: socket.socket) -> str:
        self._process = process
        if self._stop.is_set():  # `__exit__` came before there was a process to end
            _end(process)
        link = Link(end, self._live, self._status, self._served)
        try:
            link.run(self._told)
        finally:
            self._serving.clear()
            _see_off(process)
            self._process = None
        return link.cause or f"the page has ended by itself (exit status {process.returncode})"

    def _served(self) -> None:
        if not self._serving.is_set():
            tell(f"the page is at {self.address}")
        self._serving.set()
        self._report(None)

    def _report(self, cause: str | None) -> None:
        self._health.report_anew(NAME, cause, monotonic_ns())


def _told(settings: WebSettings) -> dict[str, Any]:
    """The settings as the page gets them.

    Raises:
        UsageError: they would show the camera to everybody.
    """
    password = settings.password.read() if settings.password else None
    if password is not None:
        Hash.parse(password)
    elif not settings.is_private:
        raise UsageError(
            f"web.host = {settings.host!r} would show the camera to everybody in reach of it: "
            "expected a password (`galago config password` makes its hash for web.password), or "
            'host = "127.0.0.1"'
        )
    if (settings.certificate is None) != (settings.key is None):
        raise UsageError("https needs both web.certificate and web.key: one of them is missing")
    return {
        "password": password,
        "certificate": _text(settings.certificate),
        "key": _text(settings.key),
        "rate": settings.rate,
        "own": settings.is_private,
    }


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _listen(settings: WebSettings) -> socket.socket:
    found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # After a restart of the daemon, the old one's connections still linger.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        if family == socket.AF_INET6 and settings.host == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _start(listener: socket.socket, theirs: socket.socket) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-P", "-m", "galago.edge.web"]
    descriptors = (listener.fileno(), theirs.fileno())
    return subprocess.Popen(  # noqa: S603 - our own module
        [*words, *map(str, descriptors)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # the daemon's own standard output is for events
        env=os.environ | _ENVIRONMENT,
        pass_fds=descriptors,
        start_new_session=True,  # Ctrl-C is for the daemon, which then ends the page
    )


def _see_off(process: subprocess.Popen[bytes]) -> None:
    """Wait for a page that has lost its link, and so ends by itself unless it hangs."""
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _url(listener: socket.socket, settings: WebSettings) -> str | None:
    try:
        host, port = listener.getsockname()[:2]
    except OSError:  # closed
        return None
    scheme = "https" if settings.certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"


def _worded(error: OSError, settings: WebSettings) -> str:
    place = f"{settings.host} port {settings.port}"
    reason = (error.strerror or str(error)).lower()
    if isinstance(error, PermissionError):
        return f"the page may not listen at {place}: {reason}; choose a web.port from 1024 up"
    return f"the page cannot listen at {place}: {reason}; it is tried again"
