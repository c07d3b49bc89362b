"""What a machine tells of itself."""

import ctypes
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from galago.edge.machine import (
    _clock_error_us,
    _timesyncd,
    available_mb,
    clock_synchronised,
    resident_mb,
    this_machine,
    throttling,
)

# adjtimex and clock_adjtime. Source: Linux, asm/unistd_64.h and asm-generic/unistd.h.
_CLOCK_CALLS = {"x86_64": (159, 305), "aarch64": (171, 266)}

# Refuses both calls with EPERM, by a filter of the kernel's. Source: seccomp(2), linux/filter.h.
_SANDBOXED = """
import ctypes, struct, sys
from pathlib import Path
from galago.edge.machine import _clock_error_us, clock_synchronised
adjtimex, clock_adjtime = int(sys.argv[2]), int(sys.argv[3])
load, equal, answer = 0x20, 0x15, 0x06
steps = [(load, 0, 0, 0), (equal, 2, 0, adjtimex), (equal, 1, 0, clock_adjtime)]
steps += [(answer, 0, 0, 0x7FFF0000), (answer, 0, 0, 0x00050001)]
program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
libc = ctypes.CDLL(None, use_errno=True)
head = struct.pack("@HP", len(steps), ctypes.addressof(program))
no_new_privileges, set_seccomp, filter_mode = 38, 22, 2
assert libc.prctl(no_new_privileges, 1, 0, 0, 0) == 0
assert libc.prctl(set_seccomp, filter_mode, head) == 0, ctypes.get_errno()
print(_clock_error_us(), clock_synchronised(Path(sys.argv[1])))
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_pi_tells_its_name_heat_and_throttling(tmp_path: Path) -> None:
    """From the files that its kernel shows."""
    sys, proc = tmp_path / "sys", tmp_path / "proc"
    write(proc / "device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    write(proc / "meminfo", "MemTotal:        1892352 kB\nMemFree: 1 kB\n")
    write(sys / "class/thermal/thermal_zone0/temp", "61835\n")
    write(sys / "devices/platform/soc/soc:firmware/get_throttled", "50005\n")
    machine = this_machine(sys, proc)
    assert machine.model == "Raspberry Pi 4 Model B Rev 1.4"
    assert machine.memory_mb == 1848
    assert machine.temperature_c == 61.835
    assert machine.throttling == (
        "undervoltage now", "throttled now", "undervoltage since boot", "throttled since boot",
    )  # fmt: skip
    assert "61.8 °C" not in str(machine)
    assert "62 °C, undervoltage now" in str(machine)


def test_a_machine_that_tells_nothing_is_no_error(tmp_path: Path) -> None:
    """Unknown is None, and the line has no gap."""
    machine = this_machine(tmp_path, tmp_path)
    assert (machine.memory_mb, machine.temperature_c, machine.throttling) == (None, None, None)
    assert "None" not in str(machine)


@pytest.mark.parametrize("flags", ["", "\n", "0x\n", "no figure", "50005 and more"])
def test_what_is_no_figure_says_nothing(tmp_path: Path, flags: str) -> None:
    """A firmware that answers nonsense is as one that does not answer."""
    write(tmp_path / "devices/platform/soc/soc:firmware/get_throttled", flags)
    assert throttling(tmp_path) is None


def test_a_pi_that_is_well_says_so(tmp_path: Path) -> None:
    """No words, which is not the same as not knowing."""
    write(tmp_path / "devices/platform/axi/axi:firmware/get_throttled", "0x0\n")
    assert throttling(tmp_path) == ()


@pytest.mark.parametrize(("alarm", "words"), [("1\n", ("undervoltage now",)), ("0\n", ())])
def test_a_kernel_of_others_tells_of_the_voltage(
    tmp_path: Path, alarm: str, words: tuple[str, ...]
) -> None:
    """By the driver of its own for it, among the other sensors."""
    write(tmp_path / "class/hwmon/hwmon0/name", "cpu_thermal\n")
    write(tmp_path / "class/hwmon/hwmon1/name", "rpi_volt\n")
    write(tmp_path / "class/hwmon/hwmon1/in0_lcrit_alarm", alarm)
    assert throttling(tmp_path) == words


def test_memory_is_what_can_be_given_and_what_is_taken(tmp_path: Path) -> None:
    """In MiB, None where the kernel does not tell."""
    write(tmp_path / "meminfo", "MemTotal: 1892352 kB\nMemFree: 1024 kB\nMemAvailable: 51200 kB\n")
    write(tmp_path / "self/status", "Name:\tgalago\nVmHWM:\t 90000 kB\nVmRSS:\t 81920 kB\n")
    assert (available_mb(tmp_path), resident_mb(tmp_path)) == (50.0, 80.0)
    assert (available_mb(tmp_path / "no"), resident_mb(tmp_path / "no")) == (None, None)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux' own clock")
def test_the_kernel_says_whether_the_clock_is_synchronised(tmp_path: Path) -> None:
    """By its error bound, which is 16 s at most; a kernel that is asked needs no other witness."""
    error_us = _clock_error_us()
    if error_us is None:
        pytest.skip("adjtimex is forbidden here")
    assert 0 <= error_us <= 16_000_000
    assert clock_synchronised(tmp_path) == (error_us < 16_000_000)
    assert error_us == pytest.approx(_bound_by_another_way(), abs=1000)


def test_where_the_kernel_may_not_be_asked_timesyncd_is(tmp_path: Path) -> None:
    """It leaves a file when it has had the time; without it nobody knows."""
    assert _timesyncd(tmp_path) is None
    (tmp_path / "systemd/timesync").mkdir(parents=True)
    assert _timesyncd(tmp_path) is False
    (tmp_path / "systemd/timesync/synchronized").touch()
    assert _timesyncd(tmp_path) is True


@pytest.mark.skipif(platform.machine() not in _CLOCK_CALLS, reason="its system calls are numbered")
def test_a_sandbox_that_forbids_the_question_is_no_error(tmp_path: Path) -> None:
    """A real one, as ProtectClock= of systemd makes it: then timesyncd is asked."""
    (tmp_path / "systemd/timesync").mkdir(parents=True)
    answers = []
    for _ in range(2):
        command = [sys.executable, "-c", _SANDBOXED, str(tmp_path)]
        command += [str(number) for number in _CLOCK_CALLS[platform.machine()]]
        answers.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        (tmp_path / "systemd/timesync/synchronized").touch()
    assert answers == ["None False\n", "None True\n"]


def _bound_by_another_way() -> int:
    """`maxerror` of ntp_adjtime(3), read from the bytes of struct timex as they lie."""
    libc = ctypes.CDLL(None, use_errno=True)
    timex = (ctypes.c_long * 64)()
    if libc.ntp_adjtime(timex) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(timex[3])  # after modes with its padding, offset and freq
