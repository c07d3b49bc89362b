"""A child process that may crash, hang or grow, so that this one does not.

- `run` always returns by its deadline, reads no more than MAX_OUTPUT from the child, and leaves no
  process behind: the child has a session of its own, and the whole of it is killed.
- `confine` is for the child to call before it touches what it does not trust: from then on it gets
  only so much memory and time, writes to no file, leaves no core, and cannot take it back.

Where the system has no such limits (Windows; memory on macOS) only the deadline holds.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

MAX_OUTPUT = 64 << 10

# Thread pools that libraries start at import cost memory, and here none is of use.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: exit status (minus the signal's number), what it said on both streams.

    `late`: it was killed at its deadline. `output` is longer than MAX_OUTPUT if it said too much.
    """

    status: int
    output: bytes
    late: bool

    @property
    def signal_name(self) -> str:
        """The signal that ended it, as SIGSEGV; "" if it ended by itself."""
        if self.status >= 0:
            return ""
        try:
            return signal.Signals(-self.status).name
        except ValueError:  # a real-time signal
            return f"signal {-self.status}"


def run(command: Sequence[str], content: bytes, deadline_s: float) -> Ended:
    """Start `command`, give it `content` on standard input, and see how it ends."""
    ends = time.monotonic() + deadline_s
    with subprocess.Popen(  # noqa: S603 - the caller's own module, in our own interpreter
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # a second pipe that nobody empties could stop the child
        start_new_session=True,  # Ctrl-C is for the parent: a killed child looks like a crash
        env={**os.environ, **_ONE_THREAD},
    ) as child:
        try:
            output = _exchange(child, content, deadline_s)
            # What is left of the time is for its exit; one that says too much is not waited for.
            spare = ends - time.monotonic() if len(output) <= MAX_OUTPUT else 0
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0, spare))
        finally:
            _kill(child)
    return Ended(child.returncode, output, late=time.monotonic() >= ends)


def confine(*, memory: int, cpu_s: int) -> None:
    """Limit this process: `memory` bytes more than it holds now, `cpu_s` of processor time in all.

    Memory is what it could write to (RLIMIT_DATA), which bounds what is resident. Past it an
    allocation fails, past the time comes SIGXCPU.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - missing on Windows

    _lower(resource.RLIMIT_CPU, cpu_s)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_CORE, 0)
    with suppress(FileNotFoundError):  # no /proc on macOS, which would not heed the limit either
        _lower(resource.RLIMIT_DATA, _data_bytes() + memory)


def _lower(which: int, value: int) -> None:
    import resource  # noqa: PLC0415

    _, hard = resource.getrlimit(which)
    allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
    # At the hard limit of time comes SIGKILL, which says nothing: it stands one second later.
    later = which == resource.RLIMIT_CPU and (hard == resource.RLIM_INFINITY or allowed < hard)
    resource.setrlimit(which, (allowed, allowed + later))


def _data_bytes() -> int:
    """What the kernel counts against RLIMIT_DATA, and the stack."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - not a path of ours
        pages = int(file.read().split()[5])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _exchange(child: "subprocess.Popen[bytes]", content: bytes, deadline_s: float) -> bytes:
    """Write, then read to the end or the limit, whichever comes first."""
    stdin, stdout = _pipe(child.stdin), _pipe(child.stdout)
    timer = threading.Timer(deadline_s, _kill, (child,))
    timer.start()
    try:
        with suppress(BrokenPipeError):  # it died before it had read all: its output says why
            stdin.write(content)
        with suppress(BrokenPipeError):
            stdin.close()
        return stdout.read(MAX_OUTPUT + 1)
    finally:
        timer.cancel()
        timer.join()  # from here on it can be reaped: its number is no longer aimed at


def _kill(child: "subprocess.Popen[bytes]") -> None:
    """End the child and whatever it has started; one that was reaped is left alone."""
    if child.returncode is not None:
        return
    if sys.platform == "win32":
        child.kill()
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("a child without pipes")
    return stream
