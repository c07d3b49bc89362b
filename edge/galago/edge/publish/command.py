"""A program that is started for each event: no shell, one at a time, not for ever.

- Its arguments are filled from the event, its standard input is the event as JSON.
- When its time is over, it and all that it has started are asked to end, and then ended.
- It gets none of the daemon's environment but what any program needs, and what it says is thrown
  away, but for the end of its complaints.
"""

import json
import os
import signal
import subprocess
import threading
from contextlib import suppress
from time import monotonic

from galago.edge.publish.courier import DeliveryError, RefusedError
from galago.edge.publish.placeholders import fill
from galago.edge.publish.settings import CommandSettings
from galago.edge.record import StoredEvent

_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
_GRACE_S = 2.0  # from SIGTERM to SIGKILL
_POLL_S = 0.02
_MOST_KEPT = 4096  # bytes of its complaints
_MOST_PIECES = 64  # at a time
_MOST_SAID = 200  # characters of them


class Command:
    """Runs one program."""

    def __init__(self, settings: CommandSettings) -> None:
        self._argv, self._timeout_s = settings.argv, settings.timeout_s

    def __call__(self, event: StoredEvent, stop: threading.Event) -> None:
        """Run it for one event; raises as `Messenger` wants it."""
        text = event.to_json()
        argv = [fill(argument, json.loads(text)) for argument in self._argv]
        with _started(argv) as process:
            complaints = _Complaints(process)
            _hand_over(process, text)
            ended = _wait(process, self._timeout_s, stop, complaints)
            _end(process)
        if not ended and stop.is_set():
            raise DeliveryError(f"{argv[0]} was ended with the daemon")
        if not ended:
            raise RefusedError(f"{argv[0]} was ended after {self._timeout_s:g} s")
        if process.returncode:
            raise RefusedError(f"{argv[0]} {_fate(process.returncode)}{complaints.said()}")


class _Complaints:
    """What a program says on standard error: read, so that it never waits for room; the end kept.

    Without a thread: a grandchild may keep the pipe open for ever.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._pipe = process.stderr
        self._kept = b""
        if self._pipe is not None:
            os.set_blocking(self._pipe.fileno(), False)

    def read(self) -> None:
        """Take what there is."""
        if self._pipe is None:
            return
        with suppress(BlockingIOError):
            for _ in range(_MOST_PIECES):
                piece = os.read(self._pipe.fileno(), _MOST_KEPT)
                if not piece:
                    break
                self._kept = (self._kept + piece)[-_MOST_KEPT:]

    def said(self) -> str:
        """The last line."""
        lines = self._kept.decode(errors="replace").strip().splitlines()
        return f": {lines[-1][:_MOST_SAID]}" if lines else ""


def _started(argv: list[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - the program that the user has configured
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise DeliveryError(f"{argv[0]} cannot be started: {error}") from error


def _hand_over(process: subprocess.Popen[bytes], text: str) -> None:
    """Write its standard input; an event is far less than a pipe holds, so nobody waits."""
    if process.stdin is None:
        return
    with suppress(OSError), process.stdin as stdin:  # it may have ended, or not read it
        stdin.write(text.encode() + b"\n")


def _wait(
    process: subprocess.Popen[bytes],
    timeout_s: float,
    stop: threading.Event,
    complaints: _Complaints,
) -> bool:
    """Wait for its end; False: its time is over, or the daemon's."""
    deadline = monotonic() + timeout_s
    ended = stopped = False
    while not (ended or stopped or monotonic() > deadline):
        stopped = stop.wait(_POLL_S)
        ended = process.poll() is not None
        complaints.read()
    return ended


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it, if it goes on, with all that is in its group."""
    if process.poll() is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)
    # Also where it has obeyed: what it has started may not have.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _fate(code: int) -> str:
    if code > 0:
        return f"left with {code}"
    names = {signal_.value: signal_.name for signal_ in signal.Signals}
    return f"was ended by {names.get(-code, f'signal {-code}')}"
