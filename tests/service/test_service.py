"""The service as systemd runs it: started, sandboxed, watched, brought back.

systemd is real, in a container that shows this machine's own files; so is the daemon.
"""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.machine import Machine, needs_a_machine, needs_time

UNIT = "galago.service"
WATCHDOG_S = 3

# Shorter than the unit's own, so that nobody waits.
QUICKER = f"""
[Service]
WatchdogSec={WATCHDOG_S}
TimeoutAbortSec=1
RestartSec=100ms
"""

CONFIGURATION = """
device = "porch"

[model]
file = "/etc/galago/model.tflite"

[camera]
source = "{source}"

[web]
enabled = false
"""


@pytest.fixture(scope="module")
def booted(model_path: Path) -> Iterator[Machine]:
    """A machine with the service installed, and waited for less long."""
    needs_a_machine()
    with Machine() as machine:
        (machine.root / "etc/galago").mkdir(exist_ok=True)
        shutil.copy(model_path, machine.root / "etc/galago/model.tflite")
        machine.drop_in(UNIT, QUICKER)
        yield machine


@pytest.fixture
def machine(booted: Machine) -> Iterator[Machine]:
    """The same, with the service stopped before and after."""
    yield booted
    booted.run("systemctl", "stop", UNIT)
    booted.run("systemctl", "reset-failed", UNIT)


def configure(machine: Machine, source: str) -> None:
    machine.write("etc/galago/galago.toml", CONFIGURATION.format(source=source))


def start(machine: Machine, source: str = "fake:bars*forever?fps=30&noise=3") -> float:
    """Start and wait until it says that it is ready; seconds that took."""
    configure(machine, source)
    began = time.monotonic()
    ended = machine.ended("systemctl", "start", UNIT)
    assert ended.returncode == 0, ended.stdout + machine.journal(UNIT)
    return time.monotonic() - began


def main_pid(machine: Machine) -> str:
    return machine.properties(UNIT, "MainPID")["MainPID"]


def since(machine: Machine) -> str:
    """A cursor of the journal, for `--after-cursor`."""
    return machine.run("journalctl", "--lines=0", "--show-cursor").split("cursor: ")[1].strip()


def said(machine: Machine, cursor: str) -> str:
    return machine.journal(UNIT, f"--after-cursor={cursor}")


def wait_for_another(machine: Machine, pid: str, timeout_s: float = 30.0) -> float:
    """Wait until systemd has started it anew and it is ready; seconds that took."""
    began = time.monotonic()
    while time.monotonic() < began + timeout_s:
        found = machine.properties(UNIT, "MainPID", "ActiveState")
        if found["ActiveState"] == "active" and found["MainPID"] not in {"0", pid}:
            return time.monotonic() - began
        time.sleep(0.02)
    pytest.fail(f"not back after {timeout_s:g} s: {machine.journal(UNIT)}")


def test_it_becomes_active_once_the_golden_frames_have_passed(machine: Machine) -> None:
    """With acceleration: the sandbox leaves /proc/cpuinfo, and the interpreter needs no W+X."""
    cursor = since(machine)
    start(machine)
    machine.wait_for(lambda: "golden frames passed" in said(machine, cursor))
    assert "WITHOUT" not in said(machine, cursor)
    found = machine.properties(UNIT, "ActiveState", "StatusText", "NRestarts")
    assert found["ActiveState"] == "active"
    assert found["StatusText"]
    assert (machine.root / "var/lib/private/galago/galago.db").stat().st_size > 0


def test_the_journal_gets_no_events_and_no_traceback(machine: Machine) -> None:
    """Lines are for people; standard output goes nowhere."""
    cursor = since(machine)
    start(machine)
    machine.run("systemctl", "stop", UNIT)
    journal = said(machine, cursor)
    assert '"label"' not in journal
    assert "Traceback" not in journal
    assert "stopped by a signal" in journal


def test_the_sandbox_holds_and_lets_the_camera_live(machine: Machine) -> None:
    """Every trial of tests/service/probe.py, in the service's place."""
    probe = "/opt/tree/tests/service/probe.py /var/lib/galago/probe.json"
    path = machine.drop_in(
        UNIT,
        "[Service]\nType=oneshot\nRestart=no\nExecStart=\n"
        f"Environment=LD_LIBRARY_PATH=/opt/python/lib\n"
        f"ExecStart=/opt/galago/bin/python {probe}\n",
    )
    machine.run("mknod", "-m", "666", "/dev/tun", "c", "10", "200")
    ended = machine.ended("systemctl", "start", UNIT)
    assert ended.returncode == 0, ended.stdout + machine.journal(UNIT)
    found = json.loads((machine.root / "var/lib/private/galago/probe.json").read_text())
    path.unlink()
    machine.run("systemctl", "daemon-reload")
    allowed = {name for name, result in found.items() if result == "ok"}
    assert allowed == {
        "write its state",
        "write its cache",
        "write its run folder",
        "write a temporary file",
        "read /proc/cpuinfo",
        "open /dev/null",
        "netlink",
        "bind itself to a core",
    }
    assert found["open /dev/tun"] == "EPERM"
    assert found["write and execute memory"] == "EPERM"
    assert found["user"] == "its own"
    assert found["groups"].split()[0] == "44"  # video, in every Debian: base-passwd


def test_a_frozen_loop_is_killed_and_comes_back(machine: Machine) -> None:
    """The process stands still, as in a driver that hangs: no frame, no sign of life."""
    start(machine)
    pid, cursor = main_pid(machine), since(machine)
    machine.run("kill", "-STOP", pid)
    took = wait_for_another(machine, pid)
    assert "Watchdog timeout" in said(machine, cursor)
    assert took < 3 * WATCHDOG_S + 20


def test_a_watchdog_kill_says_where_each_thread_was(machine: Machine) -> None:
    """SIGABRT ends in a traceback of all threads, and no core file of hundreds of megabytes."""
    needs_time()
    start(machine)
    pid, cursor = main_pid(machine), since(machine)
    machine.run("kill", "-ABRT", pid)
    wait_for_another(machine, pid)
    assert "Fatal Python error: Aborted" in said(machine, cursor)


def test_a_stalled_camera_is_waited_for_then_reopened_then_the_service_restarts(
    machine: Machine,
) -> None:
    """Longer than the watchdog allows, but not longer than the camera may take."""
    needs_time()
    cursor = since(machine)
    patience = WATCHDOG_S + 1
    start(machine, f"fake:bars*30,stall*forever?patience={patience}")
    pid = main_pid(machine)
    wait_for_another(machine, pid, timeout_s=4 * patience + 20)
    journal = said(machine, cursor)
    assert "camera.stalled: " in journal
    assert "(opening it again)" in journal
    assert "status=4" in journal
    assert "Watchdog timeout" not in journal


def test_a_killed_daemon_comes_back(machine: Machine) -> None:
    """With nothing left of the former one."""
    start(machine)
    pid = main_pid(machine)
    machine.run("kill", "-KILL", pid)
    wait_for_another(machine, pid)
    assert not (machine.root / f"proc/{pid}").exists()


def test_a_reload_is_followed_by_the_same_process(machine: Machine) -> None:
    """A mistake in the file changes nothing, and the journal says what it is."""
    start(machine)
    pid, cursor = main_pid(machine), since(machine)
    machine.write("etc/galago/galago.toml", "[camra]\n")
    machine.run("systemctl", "reload", UNIT)
    deadline = time.monotonic() + 20
    while "camra" not in said(machine, cursor) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "camra" in said(machine, cursor)
    assert main_pid(machine) == pid
    assert machine.properties(UNIT, "ActiveState")["ActiveState"] == "active"


def test_stopping_takes_less_than_it_may(machine: Machine) -> None:
    """Nobody is killed, and the result is success."""
    start(machine)
    began = time.monotonic()
    machine.run("systemctl", "stop", UNIT)
    assert time.monotonic() - began < 20
    found = machine.properties(UNIT, "Result", "ActiveState")
    assert found == {"Result": "success", "ActiveState": "inactive"}


def test_a_camera_that_is_away_is_tried_for_ever(machine: Machine) -> None:
    """More often than systemd's own limit of five, and it comes back when the camera does."""
    needs_time()
    configure(machine, "dir:/nowhere")
    machine.run("systemctl", "start", "--no-block", UNIT)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if int(machine.properties(UNIT, "NRestarts")["NRestarts"]) > 6:
            break
        time.sleep(0.1)
    else:
        pytest.fail(machine.journal(UNIT))
    configure(machine, "fake:bars*forever")
    wait_for_another(machine, "0")


def test_a_slow_pace_is_no_hang(machine: Machine) -> None:
    """A picture now and then, by configuration: the pause is excused for as long as it lasts."""
    needs_time()
    configure(machine, "fake:bars*forever")
    path = machine.root / "etc/galago/galago.toml"
    path.write_text(f"{path.read_text()}\n[loop]\nrate = {0.5 / WATCHDOG_S}\n")
    cursor = since(machine)
    assert machine.ended("systemctl", "start", UNIT).returncode == 0
    time.sleep(3 * WATCHDOG_S)
    assert "Watchdog timeout" not in said(machine, cursor)
