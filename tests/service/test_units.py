"""The units as systemd reads them: no complaint, no unknown key, exposure as promised."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.service.machine import UNITS

EXPOSURE = 2.0  # of 10, as issue and README have it

# Newer than some systemd that is served, and so in a file of their own.
NEWER = {"restart-steps.conf": 254}


def systemd_analyze(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is missing (Debian: apt install systemd)")
    return subprocess.run(
        [program, *arguments], check=False, capture_output=True, text=True, timeout=60
    )


def version() -> int:
    return int(systemd_analyze("--version").stdout.split()[1])


def installed(folder: Path, *drop_ins: str) -> Path:
    """The units in a folder, with programs that are on this machine in place of Galago's."""
    for path in UNITS.glob("*.service"):
        text = path.read_text()
        for program in ("/opt/galago/bin/galago", "/usr/local/sbin/galago-reboot"):
            text = text.replace(f"={program}", "=/bin/true")
        (folder / path.name).write_text(text)
    added = folder / "galago.service.d"
    added.mkdir()
    for name in drop_ins:
        shutil.copy(UNITS / "galago.service.d" / name, added)
    return folder / "galago.service"


def drop_ins() -> list[str]:
    return sorted(path.name for path in (UNITS / "galago.service.d").glob("*.conf"))


@pytest.mark.parametrize("name", [None, *drop_ins()])
def test_systemd_has_no_complaint(name: str | None, tmp_path: Path) -> None:
    """Of the unit, and with each of its companions; unknown keys are only said, at exit 0."""
    if name in NEWER and version() < NEWER[name]:
        pytest.skip(f"{name} is for systemd {NEWER[name]}, this is {version()}")
    unit = installed(tmp_path, *([name] if name else []))
    ended = systemd_analyze("verify", "--man=no", unit, unit.with_name("galago-reboot.service"))
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def test_a_complaint_would_be_seen(tmp_path: Path) -> None:
    """The test above can fail."""
    unit = installed(tmp_path)
    (unit.parent / "galago.service.d" / "wrong.conf").write_text("[Service]\nProtectHomee=yes\n")
    assert "Unknown key" in systemd_analyze("verify", unit).stderr


@pytest.mark.parametrize("names", [(), ("gpio.conf", "udmabuf.conf", "secrets.conf")])
def test_exposure_is_what_the_readme_says(names: tuple[str, ...], tmp_path: Path) -> None:
    """By systemd's own measure; the network is open, for cameras, brokers and the page."""
    unit = installed(tmp_path, *names)
    limit = f"--threshold={EXPOSURE * 10:.0f}"
    ended = systemd_analyze("security", "--offline=true", limit, "--no-pager", unit)
    assert ended.returncode == 0, ended.stdout[-200:]


@pytest.mark.parametrize("key", ["PrivateDevices", "PrivateUsers", "ProcSubset"])
def test_what_would_break_the_camera_is_left_out(key: str, tmp_path: Path) -> None:
    """Each of them would lower the figure."""
    checks = json.loads(
        systemd_analyze(
            "security", "--offline=true", "--json=short", "--no-pager", installed(tmp_path)
        ).stdout
    )
    assert next(check for check in checks if check["json_field"] == key)["set"] is False


def test_shell_understands_the_reboot_script() -> None:
    """It runs when nobody is there to read an error."""
    subprocess.run(["/bin/sh", "-n", UNITS / "galago-reboot"], check=True)
