"""What machine this is, for whoever reads a figure: model, cores, versions, heat.

Everything is read from files that are there or not; what a machine does not tell is None.
"""

import ctypes
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

# Source: Raspberry Pi documentation, vcgencmd get_throttled.
_THROTTLED = {
    0: "undervoltage now",
    1: "frequency capped now",
    2: "throttled now",
    3: "soft temperature limit now",
    16: "undervoltage since boot",
    17: "frequency capped since boot",
    18: "throttled since boot",
    19: "soft temperature limit since boot",
}
_THROTTLED_FILES = (
    "devices/platform/soc/soc:firmware/get_throttled",
    "devices/platform/axi/axi:firmware/get_throttled",  # Pi 5
)

_CLOCK_ERROR_US = 16_000_000  # what the kernel's bound begins with, and never passes
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Machine:
    """`temperature_c` of the hottest zone; `throttling`: in words, None where nobody tells."""

    model: str
    architecture: str
    cores: int
    memory_mb: int | None
    system: str
    python: str
    opencv: str
    numpy: str
    temperature_c: float | None
    throttling: tuple[str, ...] | None

    def __str__(self) -> str:
        memory = f", {self.memory_mb} MB" if self.memory_mb else ""
        heat = "" if self.temperature_c is None else f", {self.temperature_c:.0f} °C"
        slow = ", ".join(self.throttling or ())
        return (
            f"{self.model}, {self.architecture}, {self.cores} cores{memory}, {self.system}, "
            f"Python {self.python}, OpenCV {self.opencv}, numpy {self.numpy}{heat}"
            + (f", {slow}" if slow else "")
        )


def this_machine(sys: Path = Path("/sys"), proc: Path = Path("/proc")) -> Machine:
    """Look at this machine; `sys` and `proc` are where the kernel tells of itself."""
    return Machine(
        model=model(proc),
        architecture=platform.machine(),
        cores=os.cpu_count() or 1,
        memory_mb=_memory_mb(proc),
        system=_system(),
        python=platform.python_version(),
        opencv=cv2.__version__,
        numpy=np.__version__,
        temperature_c=temperature_c(sys),
        throttling=throttling(sys),
    )


def model(proc: Path = Path("/proc")) -> str:
    """The board's name, else the processor's."""
    board = _read(proc / "device-tree/model").rstrip("\0")
    if board:
        return board
    names = [line for line in _read(proc / "cpuinfo").splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.processor() or "unknown"


def available_mb(proc: Path = Path("/proc")) -> float | None:
    """What programs could still be given without swapping. Source: proc_meminfo(5)."""
    kb = _field_kb(proc / "meminfo", "MemAvailable")
    return None if kb is None else round(kb / 1024, 1)


def resident_mb(proc: Path = Path("/proc")) -> float | None:
    """What this process has resident. Source: proc_pid_status(5), VmRSS."""
    kb = _field_kb(proc / "self/status", "VmRSS")
    return None if kb is None else round(kb / 1024, 1)


def clock_synchronised(run: Path = Path("/run")) -> bool | None:
    """Whether this machine's time has lately been had from elsewhere; None: no telling.

    By the kernel's own error bound, as timedatectl does: STA_UNSYNC may be set to keep the kernel
    from the clock chip. Where a sandbox forbids the question, by what systemd-timesyncd left.
    Source: adjtimex(2); systemd, ntp_synced(); systemd-timesyncd.service(8).
    """
    error_us = _clock_error_us()
    return _timesyncd(run) if error_us is None else error_us < _CLOCK_ERROR_US


def _timesyncd(run: Path) -> bool | None:
    folder = run / "systemd/timesync"
    return (folder / "synchronized").exists() if folder.is_dir() else None


def _memory_mb(proc: Path) -> int | None:
    kb = _field_kb(proc / "meminfo", "MemTotal")
    return None if kb is None else kb // 1024


def _field_kb(path: Path, name: str) -> int | None:
    lines = [line for line in _read(path).splitlines() if line.startswith(f"{name}:")]
    return int(lines[0].split()[1]) if lines else None


class _Timex(ctypes.Structure):
    """The beginning of struct timex, and room for the rest. Source: adjtimex(2)."""

    _fields_: ClassVar = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * 256),
    ]


def _clock_error_us() -> int | None:
    """By how much the kernel's clock may be wrong, in microseconds; asking needs no privilege."""
    timex = _Timex()
    try:
        answer = _LIBC.adjtimex(ctypes.byref(timex))
    except AttributeError:  # not Linux
        return None
    return None if answer < 0 else int(timex.maxerror)


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"


def temperature_c(sys: Path = Path("/sys")) -> float | None:
    """The hottest zone. Source: Linux, thermal sysfs API: millidegrees Celsius."""
    zones = [_read(zone) for zone in sys.glob("class/thermal/thermal_zone*/temp")]
    degrees = [int(zone) / 1000 for zone in zones if zone.strip().lstrip("-").isdigit()]
    return max(degrees, default=None)


def throttling(sys: Path = Path("/sys")) -> tuple[str, ...] | None:
    """Why a Pi is slower than it could be, in words; None where nobody tells.

    vcgencmd is not asked: it starts a process and needs /dev/vcio, for the same figure.
    """
    for name in _THROTTLED_FILES:
        if flags := _hex(_read(sys / name)):
            bits = int(flags, 16)
            return tuple(text for bit, text in _THROTTLED.items() if bits >> bit & 1)
    return _undervoltage(sys)


def _undervoltage(sys: Path) -> tuple[str, ...] | None:
    """What a kernel without Raspberry Pi's own patches tells. Source: Linux, raspberrypi-hwmon."""
    for chip in sys.glob("class/hwmon/hwmon*"):
        if _read(chip / "name").strip() == "rpi_volt":
            alarm = _read(chip / "in0_lcrit_alarm").strip()
            return (_THROTTLED[0],) if alarm == "1" else ()
    return None


def _hex(text: str) -> str:
    """The figure, "" where it is none."""
    return text.strip() if re.fullmatch(r"\s*(0x)?[0-9a-fA-F]+\s*", text) else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # some zones are there and refuse to be read
        return ""
