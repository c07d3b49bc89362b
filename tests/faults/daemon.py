"""The daemon as a service runs it, what it says of itself, and somebody who starts it again."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

# Root writes where it may not; a daemon that is to notice a lost permission must not be able to.
_WITHOUT_RIGHTS = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner")

START_TIMEOUT_S = 60.0


class Daemon:
    """`galago run --config`; `port` of its page, `lines` that it has said on standard error."""

    def __init__(self, config: Path, port: int, environment: dict[str, str]) -> None:
        self._config, self.port, self._environment = config, port, environment
        self.lines: list[str] = []
        self.starts = 0
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        if self._reader is not None:
            self._reader.join(10)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until its page answers."""
        command = [sys.executable, "-P", "-m", "galago.cli", "run", "--config", str(self._config)]
        if os.geteuid() == 0:
            command = [*_WITHOUT_RIGHTS, *command]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | self._environment,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        self.starts += 1
        self.wait_for(lambda: self.status() is not None, START_TIMEOUT_S)

    def kill(self) -> None:
        """As power would be lost, but for what the kernel still writes."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(60)

    def wait_for_end(self, timeout_s: float) -> None:
        """Until it has ended by itself."""
        assert self._process is not None
        self._process.wait(timeout_s)

    def hang_up(self) -> None:
        """Ask for a reload."""
        os.kill(self.pid, signal.SIGHUP)

    @property
    def ended(self) -> int | None:
        """Its exit status, if it has ended."""
        assert self._process is not None
        return self._process.poll()

    def status(self) -> dict[str, Any] | None:
        """The status document; None if it gives none now."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/api/status", timeout=5
            ) as answer:
                document: dict[str, Any] = json.load(answer)
        except (OSError, ValueError):
            return None
        return document

    def wait_for(self, happens: Any, timeout_s: float) -> None:
        """Ask again and again.

        Raises:
            AssertionError: it did not happen in time, or the daemon has ended; with its last lines.
        """
        deadline = time.monotonic() + timeout_s
        while not happens():
            last = "\n".join(self.lines[-20:])
            assert self.ended is None, f"the daemon has ended with {self.ended}:\n{last}"
            assert time.monotonic() < deadline, f"not within {timeout_s:g} s:\n{last}"
            time.sleep(0.05)

    def resources(self) -> tuple[float, int, int]:
        """Its resident memory in MB, its open files, its threads; its page's are not counted."""
        process = Path("/proc") / str(self.pid)
        pages = int((process / "statm").read_text().split()[1])
        threads = len(list((process / "task").iterdir()))
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, len(os.listdir(process / "fd")), threads  # noqa: PTH208

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        with process.stderr as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))
