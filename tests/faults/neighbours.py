"""Those the daemon speaks to, each a process of its own that can be made to hang; and bad guests.

Something frozen by SIGSTOP still has its port open: the kernel accepts, and nobody answers.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from tests.ports import free_port

GUESTS = 20
VIEWERS = 4

_HOOK = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Hook).serve_forever()
"""


class Neighbour:
    """A server on a loopback port."""

    def __init__(self, command: list[str], port: int) -> None:
        self.port = port
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            time.sleep(0.05)
        raise AssertionError(f"it does not listen: {self._command}")

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """It accepts and never answers."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)


def web_service() -> Neighbour:
    """Takes what is posted."""
    port = free_port()
    return Neighbour([sys.executable, "-c", _HOOK, str(port)], port)


def broker(folder: Path) -> Neighbour | None:
    """mosquitto; None where it is not installed."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    program = shutil.which("mosquitto", path=path)
    if program is None:
        return None
    port = free_port()
    file = folder / "mosquitto.conf"
    file.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    return Neighbour([program, "-c", str(file)], port)


@contextmanager
def guests(port: int) -> Iterator[None]:
    """Four who look, and twenty who mean no good: silent, slow, and with endless headers."""
    stop = threading.Event()
    with ExitStack() as stack:
        threads = [threading.Thread(target=_look, args=(port, stop)) for _ in range(VIEWERS)]
        threads += [
            threading.Thread(target=_annoy, args=(port, kind % 3, stop)) for kind in range(GUESTS)
        ]
        for thread in threads:
            thread.start()
            stack.callback(thread.join, 10)
        stack.callback(stop.set)
        yield


def _look(port: int, stop: threading.Event) -> None:
    while not stop.is_set():
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as viewer:
            viewer.settimeout(1)
            viewer.sendall(b"GET /live.mjpeg HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while not stop.is_set() and viewer.recv(65536):
                pass
        stop.wait(0.2)


def _annoy(port: int, kind: int, stop: threading.Event) -> None:
    while not stop.is_set():
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as guest:
            guest.settimeout(1)
            if kind == 0:
                guest.sendall(b"GET / HT")
                stop.wait(5)
            elif kind == 1:
                for byte in b"GET /api/status HTTP/1.1\r\nHost: localhost\r\n":
                    guest.sendall(bytes([byte]))
                    stop.wait(0.1)
            else:
                guest.sendall(b"GET / HTTP/1.1\r\n" + b"X: " + b"x" * 200_000)
                stop.wait(0.5)
        stop.wait(0.05)
