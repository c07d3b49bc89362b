"""Figures of the service, with the unit as it is: how exposed, how soon there, how soon back.

    python -m tests.service MODEL

Root and systemd-nspawn. systemd's own times are part of the figures: WatchdogSec=, RestartSec=.
"""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.service.machine import Machine
from tests.service.test_service import UNIT, configure, main_pid
from tests.service.test_units import installed, systemd_analyze

ROUNDS = 5
FPS = 200


def main() -> None:
    """Print a table."""
    with Machine() as machine:
        (machine.root / "etc/galago").mkdir(exist_ok=True)
        shutil.copy(sys.argv[1], machine.root / "etc/galago/model.tflite")
        configure(machine, f"fake:bars*forever?fps={FPS}&noise=3")
        figures = {
            "start to ready": [start(machine) for _ in range(ROUNDS)],
            "stop": [stop(machine) for _ in range(ROUNDS)],
            "kill -9 to ready": [back(machine, "-KILL") for _ in range(ROUNDS)],
            "frozen to ready": [back(machine, "-STOP")],
        }
        version = machine.run("systemctl", "--version").split()[1]
    lines = [
        exposure(),
        f"systemd {version}",
        "| | median s | worst s |",
        "|---|---|---|",
    ]
    for name, seconds in figures.items():
        lines.append(f"| {name} | {statistics.median(seconds):.2f} | {max(seconds):.2f} |")
    print("\n".join(lines))  # noqa: T201


def exposure() -> str:
    """What systemd-analyze says of the unit alone; beside it, it would find all drop-ins."""
    with tempfile.TemporaryDirectory() as folder:
        unit = installed(Path(folder))
        said = systemd_analyze("security", "--offline=true", "--no-pager", unit)
    return said.stdout.splitlines()[-1].lstrip("→ ")


def start(machine: Machine) -> float:
    """Seconds until READY=1; stopped before."""
    machine.run("systemctl", "stop", UNIT)
    return timed(machine, "start")


def stop(machine: Machine) -> float:
    """Seconds until it is gone; started before."""
    machine.run("systemctl", "start", UNIT)
    time.sleep(1)
    return timed(machine, "stop")


def back(machine: Machine, signal: str) -> float:
    """Seconds from a signal until another process is ready."""
    machine.run("systemctl", "start", UNIT)
    time.sleep(1)
    pid, began = main_pid(machine), time.monotonic()
    machine.run("kill", signal, pid)
    machine.wait_for(lambda: is_back(machine, pid), timeout_s=120)
    return time.monotonic() - began


def is_back(machine: Machine, former: str) -> bool:
    """Whether another process than the former is ready."""
    found = machine.properties(UNIT, "MainPID", "ActiveState")
    return found["ActiveState"] == "active" and found["MainPID"] not in {"0", former}


def timed(machine: Machine, verb: str) -> float:
    """Seconds that systemctl takes."""
    began = time.monotonic()
    machine.run("systemctl", verb, UNIT)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
