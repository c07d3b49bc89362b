"""A virtual Pi as `galago deploy` sees it: over ssh, as the user pi, and what has become of it.

- The command is this tree's own, in a process of its own; the programs ssh and scp that come first
  in its path know the guest, and nobody else's keys.

    pi = Pi(vm, folder)
    done = pi.deploy("porch.tflite", pi.address, "--config", "galago.toml")
    assert done.state == "deployed"
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.virtual_pi.vm import VM

HANG_S = 1500.0  # an emulated processor, a busy machine
UNIT = "galago.service"
CONFIGURATION = """
device = "porch"

[model]
probation_pictures = {pictures}
probation_min = {minutes}

[camera]
source = "{source}"

[loop]
rate = {rate}

[web]
enabled = false
"""
RATE = 10
# Each new document, as (seconds the daemon is up, pictures looked at).
_WATCH = """
import json, sys, time
seen, until = [], time.monotonic() + float(sys.argv[1])
while time.monotonic() < until:
    try:
        found = json.load(open("/run/galago/status.json"))
    except (OSError, ValueError):
        found = None
    if found and (not seen or seen[-1][1] != found["loop"]["frames"]):
        seen.append((found["uptime_s"], found["loop"]["frames"]))
    time.sleep(0.05)
json.dump(seen, open("/tmp/watched.json", "w"))
"""


@dataclass(frozen=True)
class Done:
    """What `galago deploy --json` has left."""

    code: int
    document: dict[str, Any]
    said: str
    seconds: float

    @property
    def state(self) -> str:
        """Of its one host."""
        (host,) = self.document["hosts"]
        return str(host["state"])

    @property
    def reason(self) -> str:
        """Of its one host."""
        return str(self.document["hosts"][0]["reason"])

    @property
    def steps(self) -> dict[str, str]:
        """State by step, without notes."""
        steps = self.document["hosts"][0]["steps"]
        return {step["step"]: step["state"] for step in steps if step["state"] != "note"}


class Pi:
    """A guest, and a user's ssh that knows it; `folder` is for that."""

    def __init__(self, vm: VM, folder: Path) -> None:
        self.vm = vm
        self.address = f"pi@{vm.name}"
        self.variables = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
        for name in ("ssh", "scp"):
            script = folder / name
            command = f'exec {shutil.which(name)} -F {shlex.quote(str(vm.ssh_config))} "$@"'
            script.write_text(f"#!/bin/sh\n{command}\n")
            script.chmod(0o755)

    def deploy(self, *words: object) -> Done:
        """Run `galago deploy WORDS… --json`."""
        began = time.monotonic()
        command = [sys.executable, "-P", "-m", "galago.cli", "deploy", *map(str, words), "--json"]
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANG_S,
            env=self.variables,
        )
        seconds = time.monotonic() - began
        document = json.loads(done.stdout) if done.stdout else {}
        return Done(done.returncode, document, done.stderr, seconds)

    def status(self) -> dict[str, Any]:
        """What the daemon says of itself; nothing where it does not run."""
        text = self.vm.ended("cat /run/galago/status.json").stdout
        document: dict[str, Any] = json.loads(text) if text else {}
        return document

    @property
    def serving(self) -> str | None:
        """The sha256 of the model that looks."""
        status = self.status()
        return status["model"]["sha256"] if status else None

    def state(self) -> dict[str, Any]:
        """What is remembered of the models."""
        path = "/var/lib/private/galago/models/state.json"
        document: dict[str, Any] = json.loads(self.vm.run(f"cat {path}"))
        return document

    def main_pid(self) -> str:
        """Of the service."""
        return self.vm.run(f"systemctl show --value -p MainPID {UNIT}").strip()

    def wait_until_confirmed(self) -> None:
        """Until the model that looks is no longer on probation."""
        self.vm.wait_for(lambda: self.state()["trial"] is None, 300.0)

    def watch(self, seconds: float) -> None:
        """Begin to write down how many pictures have been looked at."""
        words = shlex.join(["python3", "-c", _WATCH, str(seconds)])
        self.vm.run("rm -f /tmp/watched.json")
        self.vm.spawn(words)

    def gap_s(self) -> float:
        """The longest time without answers, from what was watched: pictures that are missing.

        Documents come every two seconds, and within that time pictures come at RATE, or none do.
        """
        self.vm.wait_for(lambda: self.vm.ended("test -e /tmp/watched.json").returncode == 0, 300.0)
        rows = json.loads(self.vm.run("cat /tmp/watched.json"))
        assert rows == sorted(rows), "the daemon was started anew"
        gaps = ((b[0] - a[0]) - (b[1] - a[1]) / RATE for a, b in pairwise(rows))
        return float(max(gaps))


def configuration(
    path: Path, source: str = "fake:bars*forever?fps=10&noise=3", minutes: float = 0.05
) -> Path:
    """Write a galago.toml; the probation is short."""
    path.write_text(CONFIGURATION.format(pictures=20, minutes=minutes, source=source, rate=RATE))
    return path
