"""Asking a program of the system: it answers in time, or it is as if it were not there."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

DEADLINE_S = 10.0  # of systemctl on a Pi Zero 2 W that is busy booting


@dataclass(frozen=True, slots=True)
class Answer:
    """`said` on standard output, and on standard error."""

    status: int
    said: str
    complained: str


def as_root() -> str:
    """How to call this very command as root, whose path has no environments."""
    root_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    here = Path(sys.prefix) / "bin" / "galago"
    program = "galago" if shutil.which("galago", path=root_path) or not here.exists() else here
    return f"sudo {program} doctor"


def ask(*command: str, deadline_s: float = DEADLINE_S) -> Answer | None:
    """Run a command in English; None where it is missing, or does not end."""
    try:
        done = subprocess.run(  # noqa: S603 - of our own words
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=deadline_s,
            env=os.environ | {"LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Answer(done.returncode, done.stdout, done.stderr)
