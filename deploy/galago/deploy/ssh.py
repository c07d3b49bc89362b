"""Another machine, over the system's own ssh and scp.

- Keys, agent, known hosts, ports and jump hosts are those of the user's ssh. No password passes
  through here.
- One connection serves a whole visit: what has to be typed or touched, has to be once. Not on
  Windows, whose ssh cannot share one.
- Where there is no terminal nobody is asked anything.
- Every wait has a deadline; a machine that has gone silent is given up after about 20 seconds.
- The other machine's shell sees each word as it was given.
- Ctrl-C ends the command that runs, not the connection: there is a way left to clear up.

    with Connection(Address.parse("pi@porch")) as porch:
        print(porch.run("uname", "-m").out)
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from galago.deploy.address import Address
from galago.deploy.remedies import explained
from galago.errors import DeviceError

ANSWER_S = 60.0
_CONNECT_S = 15
_ALIVE_S, _ALIVE_TIMES = 5, 4
_LOGIN_S = 180.0  # sshd itself waits for two minutes: sshd_config(5), LoginGraceTime
_SLOWEST = 50_000  # bytes a second: a line worse than this is no line
_LOST = 255  # ssh(1): its own failures; no command of ours ends so
_POLL_S = 0.02
_CAN_SHARE = os.name != "nt"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended there, and what it has said on both streams."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The last line of what it has said, for a message."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1] if lines else f"it ended with {self.code} and said nothing"


class Connection:
    """A machine that can be told to do things, from `with` to its end."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._programs = {name: _program(name) for name in ("ssh", "scp")}
        self._folder = Path(tempfile.mkdtemp(prefix="galago-"))  # 0700
        self._log, self._said = self._folder / "log", self._folder / "said"
        self._options = _options(self._folder / "shared")
        self._shared: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            if _CAN_SHARE:
                self._connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._shared is not None:
            _end(self._shared)
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, *words: str, stdin: Path | None = None, deadline_s: float = ANSWER_S) -> Ended:
        """Run a command there to its end.

        Raises:
            DeviceError: it could not be run, or has not ended in time; not that it failed.
        """
        lines: list[str] = []
        ended = self.follow(words, lines.append, stdin=stdin, deadline_s=deadline_s)
        return Ended(ended.code, "\n".join(lines), ended.err)

    def follow(
        self,
        words: Sequence[str],
        take: Callable[[str], None],
        *,
        stdin: Path | None = None,
        deadline_s: float = ANSWER_S,
    ) -> Ended:
        """The same; `take` gets each line of its standard output when it comes."""
        command = [self._programs["ssh"], *self._options, "-T", "--", str(self.address)]
        return self._call([*command, shlex.join(words)], take, stdin, deadline_s)

    def send(self, paths: Sequence[Path], folder: str) -> None:
        """Copy files and folders into a folder there.

        Raises:
            DeviceError: not all of it has arrived.
        """
        command = [self._programs["scp"], *self._options, "-q", "-r", "--"]
        command += [*map(str, paths), self.address.place(f"{folder}/")]
        ended = self._call(command, lambda _: None, None, ANSWER_S + size_of(paths) / _SLOWEST)
        if ended.code:
            raise DeviceError(f"not all was copied: {explained(ended.err, self.address)}")

    def _connect(self) -> None:
        """Log in, and wait until others can use the connection."""
        # Of an option that is there twice, ssh takes the first.
        command = [self._programs["ssh"], "-o", "ControlMaster=yes", *self._options]
        command += ["-E", str(self._log), "-N", "-T", "--", str(self.address)]
        with self._said.open("wb") as said, _deaf_to_interrupts():
            # A question for a touch goes to standard error, and only where that is a terminal.
            self._shared = subprocess.Popen(  # noqa: S603 - to an address that was checked
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None if _has_terminal() else said,
            )
        deadline = time.monotonic() + _LOGIN_S
        while not (self._folder / "shared").exists():
            if self._shared.poll() is not None:
                raise DeviceError(self._why(""))
            if time.monotonic() > deadline:
                raise DeviceError(f"not logged in after {_LOGIN_S:.0f} s")
            time.sleep(_POLL_S)

    def _call(
        self,
        command: list[str],
        take: Callable[[str], None],
        stdin: Path | None,
        deadline_s: float,
    ) -> Ended:
        if self._shared is not None and self._shared.poll() is not None:
            raise DeviceError(self._why("Connection closed by the other machine"))
        with self._said.open("wb") as said, _source(stdin) as source:
            code = _read_to_end(command, source, said.fileno(), take, deadline_s)
        words = self._said.read_text("utf-8", errors="replace")
        if code is None:
            raise DeviceError(f"{command[-1]} did not end within {deadline_s:.0f} s")
        if code == _LOST or (self._shared is not None and self._shared.poll() is not None):
            raise DeviceError(self._why(""))
        return Ended(code, "", words)

    def _why(self, words: str) -> str:
        logged = self._log.read_text("utf-8", errors="replace") if self._log.exists() else ""
        said = self._said.read_text("utf-8", errors="replace") if self._said.exists() else ""
        return explained(f"{said}\n{logged}\n{words}", self.address)


def size_of(paths: Sequence[Path]) -> int:
    """The bytes of files, and of all files in folders."""
    found = (one for path in paths for one in (path, *path.rglob("*")))
    return sum(one.stat().st_size for one in found if one.is_file())


def _read_to_end(
    command: list[str],
    source: int,
    errors: int,
    take: Callable[[str], None],
    deadline_s: float,
) -> int | None:
    """The exit code; None: it had to be ended because it was late."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        child.kill()

    child = subprocess.Popen(  # noqa: S603 - ssh or scp, to an address that was checked
        command,
        stdin=source,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    timer = threading.Timer(deadline_s, give_up)
    timer.start()
    try:
        for line in child.stdout or ():
            take(line.rstrip("\r\n"))
        child.wait()
    finally:
        timer.cancel()
        timer.join()
        child.kill()  # nothing, where it has ended
        child.wait()
        if child.stdout:
            child.stdout.close()
    return None if late.is_set() else child.returncode


def _options(shared: Path) -> list[str]:
    """For ssh and scp alike; what the user's configuration says of these is for logins by hand."""
    options = {
        "BatchMode": "no" if _has_terminal() else "yes",
        "ConnectTimeout": _CONNECT_S,
        "ServerAliveInterval": _ALIVE_S,
        "ServerAliveCountMax": _ALIVE_TIMES,
        "LogLevel": "ERROR",
        "ClearAllForwardings": "yes",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "PermitLocalCommand": "no",
        "RemoteCommand": "none",
        "RequestTTY": "no",
    }
    if _CAN_SHARE:
        options |= {"ControlMaster": "no", "ControlPersist": "no", "ControlPath": str(shared)}
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise DeviceError(f"there is no {name} on this machine: install OpenSSH's client")
    return found


@contextmanager
def _source(path: Path | None) -> Iterator[int]:
    if path is None:
        yield subprocess.DEVNULL
        return
    with path.open("rb") as file:
        yield file.fileno()


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """What is started in here does not hear Ctrl-C, nor does what it starts: a jump host's ssh."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(5.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
