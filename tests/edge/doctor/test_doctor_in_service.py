"""`galago doctor` on a machine with the service: systemd, the unit and the daemon are real."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.machine import Machine, needs_a_machine, needs_time
from tests.service.test_service import UNIT, configure, main_pid, start

STATUS = "/run/galago/status.json"
HIDDEN = "hunter2-of-the-broker"
GALAGO = "/opt/galago/bin/galago"
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", GALAGO)


@pytest.fixture(scope="module")
def booted(model_path: Path) -> Iterator[Machine]:
    """A machine with the service installed."""
    needs_time()
    needs_a_machine()
    with Machine() as machine:
        (machine.root / "etc/galago").mkdir(exist_ok=True)
        shutil.copy(model_path, machine.root / "etc/galago/model.tflite")
        machine.drop_in(UNIT, "[Service]\nRestartSec=100ms\n")
        yield machine


@pytest.fixture
def machine(booted: Machine) -> Iterator[Machine]:
    """The same, with the service stopped afterwards, and nothing told of it before."""
    yield booted
    booted.run("systemctl", "stop", UNIT)
    booted.run("systemctl", "reset-failed", UNIT)
    booted.run("journalctl", "--rotate")
    booted.run("journalctl", "--vacuum-time=1s")


def doctor(machine: Machine, *command: str) -> dict[str, dict[str, Any]]:
    """The findings by name."""
    ended = machine.ended(*(command or (GALAGO,)), "doctor", "--json")
    document, _ = json.JSONDecoder().raw_decode(ended.stdout)
    assert ended.returncode == (3 if document["level"] == "error" else 0), ended.stdout
    return {finding["name"]: finding for finding in document["findings"]}


def test_a_running_service_is_seen_and_left_in_peace(machine: Machine) -> None:
    """Its status lies where everybody may read it, while it runs and no longer."""
    start(machine)
    pid = main_pid(machine)
    found = doctor(machine)
    assert found["service"]["level"] == "ok"
    assert "looks at fake:bars" in found["service"]["what"]
    assert found["daemon-pace"]["level"] == found["golden-frames"]["level"] == "ok"
    assert found["service-deaths"]["level"] == "ok"
    assert main_pid(machine) == pid
    assert machine.run("stat", "--format=%a", STATUS) == "644\n"
    document = json.loads(machine.run("cat", STATUS))
    assert document["model"]["accelerated"] is True
    machine.run("systemctl", "stop", UNIT)
    assert "No such file" in machine.run("cat", STATUS)


def test_whoever_is_not_root_is_told_what_that_hides(machine: Machine) -> None:
    """The log, and the service's folder: neither passes for a good one."""
    machine.write("etc/galago/galago.toml", '[camera]\nsource = "fake:bars*9"\n')
    (machine.root / "var/lib/private/galago").mkdir(parents=True, exist_ok=True)
    (machine.root / "var/lib/private").chmod(0o700)
    if not (machine.root / "var/lib/galago").is_symlink():
        (machine.root / "var/lib/galago").symlink_to("private/galago")
    found = doctor(machine, *NOBODY)
    assert found["service-deaths"]["level"] == "note"
    assert found["model"]["level"] == "note"
    assert found["model"]["fix"].startswith("sudo ")
    assert "may not be looked into" in found["model"]["what"]


def test_a_service_that_dies_is_told_with_its_reason(machine: Machine) -> None:
    """A mistake in the configuration, and every death that it cost."""
    start(machine)
    machine.write("etc/galago/galago.toml", "[camra]\n")
    machine.run("systemctl", "kill", "--signal=KILL", UNIT)
    machine.wait_for(lambda: machine.properties(UNIT, "NRestarts")["NRestarts"] not in {*"012"})
    machine.run("systemctl", "stop", UNIT)
    found = doctor(machine)
    assert "unknown key" in found["configuration-1"]["what"]
    assert found["service-deaths"]["level"] == "error"
    assert "status=2" in found["service-deaths"]["what"]
    assert "camra" in found["service-deaths"]["what"]


def test_a_drop_in_that_keeps_it_from_starting_is_named(machine: Machine) -> None:
    """A group that this system lacks, and hardening that hides the processor."""
    configure(machine, "fake:bars*forever")
    lines = "[Service]\nSupplementaryGroups=no-such-group\nProcSubset=pid\nRestartSec=30\n"
    file = machine.drop_in(UNIT, lines)
    try:
        machine.run("systemctl", "start", UNIT)
        time.sleep(1)
        found = doctor(machine)
    finally:
        file.unlink()
        machine.run("systemctl", "daemon-reload")
    assert "no-such-group" in found["service-group-unknown"]["what"]
    assert "a group of the unit is missing" in found["service"]["what"]
    assert found["service-proc"]["level"] == "error"


def test_its_archive_has_the_log_and_no_secret(machine: Machine) -> None:
    """From a real journal, with real drop-ins."""
    file = machine.drop_in(UNIT, f"[Service]\nEnvironment=BROKER={HIDDEN}\n")
    try:
        start(machine)
        machine.run("systemd-cat", "--identifier=galago", "echo", HIDDEN)
        ended = machine.ended(GALAGO, "doctor", "--bundle", "/root/support.zip")
    finally:
        file.unlink()
        machine.run("systemctl", "daemon-reload")
    assert "10 files" in ended.stdout
    unpack = "import zipfile; z = zipfile.ZipFile('/root/support.zip')\n"
    unpack += "for name in z.namelist(): print(name, z.read(name).decode())"
    text = machine.run("/opt/galago/bin/python", "-c", unpack)
    assert "looks at fake:bars" in text
    assert "WatchdogSec=30" in text
    assert "Environment=…" in text
    assert HIDDEN not in text
