"""The whole examination, and how it is shown."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from galago.edge.doctor import examination
from galago.edge.doctor.examination import Check, Report, examine
from galago.edge.doctor.finding import Finding, Group, error, note, ok, warning
from galago.edge.doctor.patient import Patient
from galago.edge.doctor.report import WIDTH, as_text
from tests.conftest import Outcome
from tests.edge.doctor.parts import House, levels

HANG_S = 120.0

LONG = "a cable that is much longer than what anyone would want to read in one line of a terminal"
REPORT = Report(
    (
        Group("camera", (ok("seen", "one is seen"), note("number", "a number", "a name"))),
        Group("disk", (ok("root", "can be written"), error("full", LONG, f"sudo rm {LONG}"))),
        Group("network", (warning("name", "has no address", "getent hosts broker.lan"),)),
    ),
    {"galago": "0.1.0", "model": "Raspberry Pi 5", "architecture": "aarch64", "memory_mb": 4000},
)


def test_the_worst_comes_first_and_fits_the_terminal() -> None:
    """Then one line for each group that is well, and a count."""
    text = as_text(REPORT)
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[0] == "galago 0.1.0 on Raspberry Pi 5, aarch64, 4000 MB"
    assert [line.split()[0] for line in lines if line[:1].isupper()] == ["ERROR", "WARNING", "NOTE"]
    assert "  → getent hosts broker.lan" in lines
    assert [line for line in lines if line.startswith("ok")] == ["ok  camera         one is seen"]
    assert lines[-1] == "1 error, 1 warning, 1 note; 2 checks are well"


def test_all_shows_also_what_is_well_beside_what_is_not() -> None:
    """For whoever wants to see everything."""
    assert "ok  disk           can be written" in as_text(REPORT, everything=True)


def test_a_command_is_never_cut_in_two() -> None:
    """A path that is longer than the terminal stays whole, to be copied."""
    path = f"/dev/v4l/by-id/{'x' * 90}"
    report = Report((Group("camera", (error("camera", "away", f"ls {path}"),)),), {})
    assert any(line.endswith(path) for line in as_text(report).splitlines())


def test_the_document_has_what_others_rely_on() -> None:
    """Level, findings with name, level, what and fix, and the machine."""
    document = json.loads(json.dumps(REPORT.to_dict()))
    assert set(document) == {"level", "findings", "machine"}
    assert document["level"] == "error"
    assert document["findings"][0] == {
        "group": "disk",
        "name": "full",
        "level": "error",
        "what": LONG,
        "fix": f"sudo rm {LONG}",
    }
    assert [found["level"] for found in document["findings"]][1:3] == ["warning", "note"]


def test_a_check_that_breaks_keeps_no_other_from_looking(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told of, and so is one whose libraries are missing."""

    def breaks(_: Patient) -> Iterator[Finding]:
        yield ok("first", "well")
        raise RuntimeError("no more")

    def lacks(_: Patient) -> Iterator[Finding]:
        raise ModuleNotFoundError("No module named 'cv2'")

    checks = (Check("a", breaks), Check("b", lacks), Check("c", lambda _: iter([ok("c", "well")])))
    monkeypatch.setattr(examination, "CHECKS", checks)
    found = levels(examine(house.patient()).findings)
    assert found == {"a-unknown": "warning", "b-unknown": "note", "first": "ok", "c": "ok"}


def test_every_finding_that_is_wrong_has_a_fix_and_is_one_line(house: House) -> None:
    """On a machine where nothing is as it should be."""
    house.has("/proc/device-tree/model", "Raspberry Pi Zero W Rev 1.1\0")
    house.has("/proc/mounts", "/dev/mmcblk0p2 / ext4 ro 0 0\n")
    house.has("/proc/meminfo", "MemAvailable: 1000 kB\n")
    house.has("/etc/group", "video:x:44:\n")
    house.configured('[camera]\nsource = "usb:77"\n[loop]\nrate = "x"')
    report = examine(house.patient("usb:77"))
    assert report.level == "error"
    for finding in report.findings:
        assert finding.fix or finding.level in {"ok", "note"}, finding
        assert "\n" not in finding.what + finding.fix
        assert finding.what == finding.what.strip() != ""
    assert len({finding.name for finding in report.findings}) == len(report.findings)


def test_the_command_ends_with_3_where_something_is_wrong(
    galago: Callable[..., Outcome], tmp_path: Path
) -> None:
    """And says in one line what."""
    bundle = tmp_path / "support.zip"
    outcome = galago("doctor", "--camera", "usb:99", "--bundle", bundle)
    assert outcome.code == 3
    assert "no camera at /dev/video99" in outcome.out
    assert outcome.err.splitlines()[-1].startswith("galago: ")
    assert "camera" in outcome.err.splitlines()[-1]
    assert bundle.stat().st_size > 1000


def test_the_command_answers_in_json(galago: Callable[..., Outcome], tmp_path: Path) -> None:
    """One document, whatever was found; a script camera is no error."""
    config = tmp_path / "galago.toml"
    config.write_text('[camera]\nsource = "fake:bars*9"\n[web]\nenabled = false')
    outcome = galago("doctor", "--config", config, "--json")
    document = json.loads(outcome.out)
    found = {one["name"]: one for one in document["findings"]}
    assert "fake:bars*9 gives 640x480" in found["camera"]["what"]
    assert found["configuration"]["level"] == "ok"
    assert outcome.code == (3 if document["level"] == "error" else 0)
    assert document["machine"]["galago"]


def test_a_workstation_that_is_not_posix_gets_its_answer(tmp_path: Path) -> None:
    """As Windows, which has no groups, no file locks and no systemd."""
    code = """
import os, sys
for name in ("pwd", "grp", "fcntl", "resource"):
    sys.modules[name] = None
del os.geteuid, os.getuid
from galago.cli import main
sys.exit(main(["doctor", "--bundle", sys.argv[1]]))
"""
    command = [sys.executable, "-P", "-c", code, str(tmp_path / "support.zip")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=HANG_S)
    assert "Traceback" not in done.stderr
    assert "accelerated" in done.stdout
    assert "fault of Galago" not in done.stdout
    assert (tmp_path / "support.zip").exists()
