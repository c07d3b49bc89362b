"""What systemd is told: ready, alive, reloading, stopping, and a line of status for people.

- Without systemd, or with another kind of service, every call does nothing.
- Nothing here raises, and nothing waits: what systemd has no room for is told the next time.
- Status costs nothing while it stays the same, and is sent once in STATUS_EVERY_S at most.

    notifier = Notifier()
    notifier.ready("looks at picamera2")

Source: sd_notify(3), which describes the protocol for those who do not link libsystemd.
"""

import os
import socket
import threading
import time
from collections.abc import Mapping

STATUS_EVERY_S = 1.0

_NS = 1_000_000_000
_STATUS_ROOM = 512  # bytes; systemd reads a page in all, people a line


class Notifier:
    """Sends datagrams to the address in $NOTIFY_SOCKET. Safe for several threads.

    Children inherit the address as well; the unit says NotifyAccess=main, so nobody heeds them. No
    socket is kept: a message a second is worth no state.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._lock = threading.Lock()  # of the status: what is said last is what stays
        self._status = self._told = b""
        self._status_due_ns = 0

    @property
    def is_heard(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """The daemon does its work: for the first time, or again after `reloading`."""
        self._say(status)
        self._send(b"READY=1\n" + self._new_status(at_once=True))

    def reloading(self, status: str = "reading its configuration anew") -> None:
        """The configuration is read anew; `ready` ends this, whatever came of it."""
        now_us = time.monotonic_ns() // 1000
        self._say(status)
        self._send(b"RELOADING=1\nMONOTONIC_USEC=%d\n" % now_us + self._new_status(at_once=True))

    def stopping(self, status: str) -> None:
        """The daemon is about to leave."""
        self._say(status)
        self._send(b"STOPPING=1\n" + self._new_status(at_once=True))

    def status(self, text: str) -> None:
        """One line for `systemctl status`; what comes too soon is told with the next sign of life.

        A line's end would begin another assignment: it becomes a space.
        """
        self._say(text)
        if status := self._new_status():
            self._send(status)

    def alive(self) -> bool:
        """The watchdog's sign of life; whether it was heard."""
        return self._send(b"WATCHDOG=1\n" + self._new_status())

    def takes_longer(self, seconds: float) -> None:
        """Starting, reloading or stopping goes on, for so long from now at most."""
        self._send(b"EXTEND_TIMEOUT_USEC=%d" % round(seconds * 1e6))

    def _say(self, status: str) -> None:
        line = " ".join(status.split()).encode(errors="replace")[:_STATUS_ROOM]
        self._status = line.decode(errors="ignore").encode()  # no half of a character at its end

    def _new_status(self, *, at_once: bool = False) -> bytes:
        """The assignment of what has not been told; nothing while it is too soon."""
        if not self._address:
            return b""
        with self._lock:
            now, status = time.monotonic_ns(), self._status
            if status == self._told or (now < self._status_due_ns and not at_once):
                return b""
            self._told, self._status_due_ns = status, now + round(STATUS_EVERY_S * _NS)
        return b"STATUS=" + status

    def _send(self, message: bytes) -> bool:
        if not self._address:
            return True
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
                ours.settimeout(0)
                ours.sendto(message, self._address)
        except OSError:  # full, for a moment; or a systemd that executes itself anew
            return False
        return True


def _address(text: str) -> bytes:
    """Of a path, or with an @ in the abstract namespace; other kinds are not for this machine."""
    if text.startswith("@"):
        return b"\0" + os.fsencode(text[1:])
    return os.fsencode(text) if text.startswith("/") else b""
