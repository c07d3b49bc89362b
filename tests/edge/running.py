"""`galago run --config` in a process of its own, as a service starts it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HANG_S = 60.0  # what a wait may last at most before a test calls it a hang


@dataclass
class Daemon:
    """A running daemon; what it prints goes to files."""

    process: "subprocess.Popen[bytes]"
    folder: Path

    @property
    def said(self) -> str:
        return (self.folder / "err").read_text()

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.folder / "out").read_text().splitlines()]

    def until(self, what: Callable[[], object]) -> None:
        """Wait until something is true, while the daemon lives."""
        deadline = time.monotonic() + HANG_S
        while not what():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)

    def until_said(self, text: str) -> None:
        self.until(lambda: text in self.said)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(HANG_S)

    def kill(self) -> None:
        """Without a warning, as by the watchdog or for memory."""
        self.process.kill()
        self.process.wait(HANG_S)


@contextmanager
def daemons(home: Path, **environment: object) -> Iterator[Callable[[], Daemon]]:
    """What starts one on home/galago.toml; whatever still runs at the end is ended."""
    started: list[Daemon] = []

    def start() -> Daemon:
        command = [sys.executable, "-P", "-m", "galago.cli", "run", "--config"]
        variables = {name: str(value) for name, value in environment.items()}
        with (home / "out").open("wb") as out, (home / "err").open("wb") as err:
            process = subprocess.Popen(
                [*command, home / "galago.toml"],
                stdout=out,
                stderr=err,
                start_new_session=True,
                env=os.environ | variables,
            )
        started.append(Daemon(process, home))
        return started[-1]

    yield start
    for daemon in started:
        if daemon.process.poll() is None:
            daemon.kill()
