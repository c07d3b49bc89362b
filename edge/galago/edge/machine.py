"""What machine this is, for whoever reads a figure: model, cores, versions, heat.

Everything is read from files that are there or not; what a machine does not tell is None.
"""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

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
        model=_model(proc),
        architecture=platform.machine(),
        cores=os.cpu_count() or 1,
        memory_mb=_memory_mb(proc),
        system=_system(),
        python=platform.python_version(),
        opencv=cv2.__version__,
        numpy=np.__version__,
        temperature_c=_temperature_c(sys),
        throttling=_throttling(sys),
    )


def _model(proc: Path) -> str:
    board = _read(proc / "device-tree/model").rstrip("\0")
    if board:
        return board
    names = [line for line in _read(proc / "cpuinfo").splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.processor() or "unknown"


def _memory_mb(proc: Path) -> int | None:
    lines = [line for line in _read(proc / "meminfo").splitlines() if line.startswith("MemTotal")]
    return int(lines[0].split()[1]) // 1024 if lines else None


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"


def _temperature_c(sys: Path) -> float | None:
    """The hottest zone. Source: Linux, thermal sysfs API: millidegrees Celsius."""
    zones = [_read(zone) for zone in sys.glob("class/thermal/thermal_zone*/temp")]
    degrees = [int(zone) / 1000 for zone in zones if zone.strip().lstrip("-").isdigit()]
    return max(degrees, default=None)


def _throttling(sys: Path) -> tuple[str, ...] | None:
    for name in _THROTTLED_FILES:
        if flags := _read(sys / name).strip():
            bits = int(flags, 16)
            return tuple(text for bit, text in _THROTTLED.items() if bits >> bit & 1)
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # some zones are there and refuse to be read
        return ""
