"""What systemd hears: real datagrams on a real socket."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from galago.edge.service.notify import STATUS_EVERY_S, Notifier


class Listener:
    """systemd's side of the socket."""

    def __init__(self, address: str) -> None:
        self.environment = {"NOTIFY_SOCKET": address}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(0)

    def heard(self) -> list[str]:
        """All that has come since it was last asked."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(65536).decode())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    """A socket in the file system, and one in the abstract namespace."""
    path = request.param == "path"
    listener = Listener(str(tmp_path / "notify") if path else f"@galago-test-{os.getpid()}")
    yield listener
    listener.close()


def test_a_life_is_told_from_ready_to_stopping(listener: Listener) -> None:
    """Each message is one datagram with the assignments of the protocol."""
    notifier = Notifier(listener.environment)
    notifier.ready("looks at fake:bars")
    assert notifier.alive()
    notifier.takes_longer(2.5)
    notifier.stopping("stopped by a signal")
    assert listener.heard() == [
        "READY=1\nSTATUS=looks at fake:bars",
        "WATCHDOG=1\n",
        "EXTEND_TIMEOUT_USEC=2500000",
        "STOPPING=1\nSTATUS=stopped by a signal",
    ]


def test_a_reload_carries_the_monotonic_time(listener: Listener) -> None:
    """Systemd wants to know that it is answered for this reload, not for one before."""
    before_us = time.monotonic_ns() // 1000
    Notifier(listener.environment).reloading()
    lines = listener.heard()[0].split("\n")
    assert lines[0] == "RELOADING=1"
    name, value = lines[1].split("=")
    assert name == "MONOTONIC_USEC"
    assert before_us <= int(value) <= time.monotonic_ns() // 1000
    assert lines[2].startswith("STATUS=")


def test_status_that_comes_too_soon_is_told_with_the_next_sign_of_life(listener: Listener) -> None:
    """The last word is never lost, and a label that flickers makes no storm."""
    notifier = Notifier(listener.environment)
    notifier.ready("starts")
    for number in range(1000):
        notifier.status(f"picture {number}")
    assert listener.heard() == ["READY=1\nSTATUS=starts"]
    time.sleep(STATUS_EVERY_S)
    notifier.alive()
    notifier.alive()
    assert listener.heard() == ["WATCHDOG=1\nSTATUS=picture 999", "WATCHDOG=1\n"]


def test_the_same_status_is_told_once(listener: Listener) -> None:
    """However often it is said, and however long after."""
    notifier = Notifier(listener.environment)
    notifier.status("cat")
    time.sleep(STATUS_EVERY_S)
    notifier.status("cat")
    assert listener.heard() == ["STATUS=cat"]


def test_status_cannot_say_anything_else(listener: Listener) -> None:
    """A line's end in a label would begin an assignment; a long one is cut between characters."""
    Notifier(listener.environment).status("cat\nMAINPID=1\r\n" + "…" * 4000)
    (message,) = listener.heard()
    assert message.startswith("STATUS=cat MAINPID=1 …")
    assert "\n" not in message
    assert len(message.encode()) < 600


@pytest.mark.parametrize(
    "address", ["", "vsock:2:1234", "notify", "/nowhere/notify", "/" + "x" * 200]
)
def test_without_a_listener_nothing_happens(address: str) -> None:
    """No socket, another kind of address, one that is gone or cannot be: silence."""
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.ready("looks")
    notifier.reloading()
    notifier.status("cat")
    notifier.alive()
    notifier.stopping("bye")


def test_a_listener_that_does_not_read_stops_nobody(listener: Listener) -> None:
    """Once its queue is full, signs of life are refused, and heard again when there is room."""
    notifier = Notifier(listener.environment)
    refused = next(n for n in range(100_000) if not notifier.alive())
    assert len(listener.heard()) == refused
    assert notifier.alive()


def test_systemd_notify_of_a_real_process(listener: Listener) -> None:
    """The address comes from the environment."""
    line = "from galago.edge.service.notify import Notifier; Notifier().ready('up')"
    command = [sys.executable, "-P", "-c", line]
    subprocess.run(command, check=True, env=os.environ | listener.environment)
    assert listener.heard() == ["READY=1\nSTATUS=up"]
