"""Board, power, heat, disk: what the kernel's files tell."""

import os
from pathlib import Path

import pytest

from galago.edge.doctor import board, disk
from galago.edge.doctor.finding import Level
from tests.edge.doctor.parts import House, levels, named

PI = "Raspberry Pi 4 Model B Rev 1.4\0"
FLAGS = "/sys/devices/platform/soc/soc:firmware/get_throttled"


@pytest.fixture
def pi(house: House) -> House:
    """A Raspberry Pi."""
    house.has("/proc/device-tree/model", PI)
    return house


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("0", {"power": "ok"}),
        ("50005", {"power": "error", "throttled": "warning"}),
        ("50000", {"power": "warning", "throttled": "warning"}),
        ("80008", {"throttled": "warning"}),
    ],
)
def test_power_and_heat_flags_are_read(pi: House, flags: str, expected: dict[str, Level]) -> None:
    """As the Pi's firmware keeps them since the boot."""
    pi.has(FLAGS, flags)
    found = levels(board.look(pi.patient()))
    assert {name: found[name] for name in found if name in {"power", "throttled"}} == expected


def test_a_pi_whose_kernel_does_not_tell_says_so(pi: House) -> None:
    """It does not pass for one that is well."""
    assert levels(board.look(pi.patient()))["power"] == "note"


def test_a_pc_is_not_asked_for_its_supply(house: House) -> None:
    """Nor warned about its clock, which is nobody's camera's."""
    found = levels(board.look(house.patient()))
    assert "power" not in found
    assert found["clock"] in {"ok", "note"}


def test_heat_is_told_from_where_a_pi_slows_down(pi: House) -> None:
    """80 °C."""
    pi.has("/sys/class/thermal/thermal_zone0/temp", "84123\n")
    assert levels(board.look(pi.patient()))["heat"] == "warning"
    pi.has("/sys/class/thermal/thermal_zone0/temp", "61000\n")
    assert levels(board.look(pi.patient()))["heat"] == "ok"


def test_memory_that_is_not_counted_has_its_line_for_cmdline_txt(pi: House) -> None:
    """As Raspberry Pi's firmware has it."""
    pi.has("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids\n")
    found = named(board.look(pi.patient()), "memory-counted")
    assert found.level == "note"
    assert "cgroup_enable=memory" in found.fix
    pi.has("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n")
    assert "memory-counted" not in levels(board.look(pi.patient()))


def test_little_memory_is_told(pi: House) -> None:
    """Before the kernel ends somebody."""
    pi.has("/proc/meminfo", "MemTotal: 512000 kB\nMemAvailable: 40000 kB\n")
    assert levels(board.look(pi.patient()))["memory"] == "warning"


def test_a_board_that_is_too_old_is_named(house: House) -> None:
    """A Pi Zero W has no interpreter; a Zero 2 W has."""
    house.has("/proc/device-tree/model", "Raspberry Pi Zero W Rev 1.1\0")
    assert levels(board.look(house.patient()))["board-old"] == "warning"
    house.has("/proc/device-tree/model", "Raspberry Pi Zero 2 W Rev 1.0\0")
    assert "board-old" not in levels(board.look(house.patient()))


@pytest.mark.parametrize(
    ("free_mb", "level"), [(50, "error"), (300, "warning"), (501, "ok"), (90_000, "ok")]
)
def test_room_on_the_disk(free_mb: float, level: str) -> None:
    """Below what pictures leave to others they are not kept any more."""
    assert disk.judge_room(free_mb, keep_free_mb=500).level == level


@pytest.mark.parametrize(
    ("root", "name", "level"),
    [
        ("/dev/mmcblk0p2 / ext4 rw,noatime 0 0", "root", "ok"),
        ("/dev/mmcblk0p2 / ext4 ro,noatime 0 0", "root-read-only", "error"),
        ("overlayroot / overlay rw,lowerdir=/l 0 0", "root-overlay", "warning"),
    ],
)
def test_a_root_that_is_not_written(root: str, name: str, level: str) -> None:
    """Read-only by a failing card; or an overlay in memory, which forgets."""
    mounts = f"proc /proc proc rw 0 0\n{root}\ntmpfs /run tmpfs rw 0 0\n"
    assert levels(disk.judge_mounts(mounts, is_pi=True)) == {name: level}


def test_a_card_that_fails_is_told_before_it_is_lost(pi: House) -> None:
    """ext4 counts the errors that it meets."""
    pi.has("/sys/fs/ext4/mmcblk0p2/errors_count", "0\n")
    assert "disk-errors-mmcblk0p2" not in levels(disk.look(pi.patient()))
    pi.has("/sys/fs/ext4/mmcblk0p2/errors_count", "3\n")
    assert levels(disk.look(pi.patient()))["disk-errors-mmcblk0p2"] == "error"


def test_a_folder_that_is_not_there_is_on_its_parents_disk(tmp_path: Path) -> None:
    """As before the service's first start."""
    assert disk.existing(tmp_path / "var" / "lib" / "galago") == tmp_path
    assert os.access(disk.existing(Path("/nowhere/at/all")), os.F_OK)
