"""Other programs, run with an end in sight; what they say becomes one line when they fail.

- They end with us, whatever ends us: a run that comes after a killed one has the folder to itself.
  Only the system's package manager is left to finish.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from galago.errors import DeviceError

# prctl(2), PR_SET_PDEATHSIG, by a program of util-linux, which every Debian has.
_ENDS_WITH_US = ["setpriv", "--pdeathsig=KILL"] if shutil.which("setpriv") else []


def run(*command: str | Path, timeout_s: float, outlives: bool = False, **variables: str) -> str:
    """Run to its end; returns standard output.

    Raises:
        DeviceError: it failed, is missing, or took too long; with the last that it said.
    """
    done = ended(*command, timeout_s=timeout_s, outlives=outlives, **variables)
    if done.returncode:
        raise DeviceError(f"{_named(command)} failed: {last_line(done.stderr or done.stdout)}")
    return done.stdout


def ended(
    *command: str | Path, timeout_s: float, outlives: bool = False, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """The same, whatever its exit status. `outlives`: it goes on if we are killed.

    Raises:
        DeviceError: it is missing, or took too long.
    """
    try:
        return subprocess.run(  # noqa: S603 - our own commands
            [*([] if outlives else _ENDS_WITH_US), *(str(word) for word in command)],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            env=_environment(variables),
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(f"{_named(command)} did not end within {timeout_s:.0f} s") from error
    except OSError as error:
        raise DeviceError(f"{_named(command)} cannot be run: {error.strerror}") from error


def last_line(text: str) -> str:
    """The last line that says something; programs name the cause at the end."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The caller's, less what would lead a Python or pip elsewhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PIP_", "VIRTUAL_ENV"))
    }
    return {**kept, "LC_ALL": "C.UTF-8", **variables}


def _named(command: tuple[str | Path, ...]) -> str:
    """Enough of a command to know it by."""
    return " ".join(str(word) for word in command)[:120]
