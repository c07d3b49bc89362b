"""The machine: power, heat, clock, memory, kernel."""

import platform
import struct
from collections.abc import Iterator, Sequence

from galago.edge.doctor.finding import Finding, error, note, ok, warning
from galago.edge.doctor.patient import Patient

_HOT_C = 80.0  # a Pi holds itself back from here on. Source: Raspberry Pi documentation
_LITTLE_MB = 60.0
_CMDLINE = "/boot/firmware/cmdline.txt"
_32_BITS = 4


def look(patient: Patient) -> Iterator[Finding]:
    """By what the kernel tells."""
    # Needs numpy and OpenCV, which may be what is wrong.
    from galago.edge import machine  # noqa: PLC0415

    sys, proc, run = patient.at("/sys"), patient.at("/proc"), patient.at("/run")
    yield ok("board", f"{machine.model(proc)}, {platform.machine()}")
    yield from judge_power(machine.throttling(sys), is_pi=patient.is_pi)
    yield from judge_heat(machine.temperature_c(sys))
    is_camera = patient.is_pi or patient.is_installed
    yield judge_clock(machine.clock_synchronised(run), matters=is_camera)
    yield from judge_memory(machine.available_mb(proc))
    yield from _counted(patient)
    yield from _mixed(patient)


def judge_power(flags: Sequence[str] | None, *, is_pi: bool) -> Iterator[Finding]:
    """`flags` as galago.edge.machine.throttling tells."""
    if flags is None:
        if is_pi:
            yield note(
                "power",
                "this kernel does not tell whether the supply is strong enough",
                "vcgencmd get_throttled",
            )
        return
    under = [flag for flag in flags if flag.startswith("undervoltage")]
    held = [flag for flag in flags if flag not in under]
    if under:
        say = error if "undervoltage now" in under else warning
        yield say(
            "power",
            f"{under[0]}: the supply or its cable is too weak, which also damages cards",
            "the official power supply of this Pi and a short cable; nothing else on its USB",
        )
    if held:
        yield warning(
            "throttled",
            f"{', '.join(held)}",
            "a heat sink or fan, and a strong supply; or less to do: max_cpu = 0.5 under [loop]",
        )
    if not flags:
        yield ok("power", "enough voltage, not held back since boot")


def judge_heat(celsius: float | None) -> Iterator[Finding]:
    """Of the hottest zone."""
    if celsius is None:
        return
    if celsius >= _HOT_C:
        yield warning(
            "heat",
            f"{celsius:.0f} °C: a Pi slows itself down from {_HOT_C:.0f} °C on",
            "a heat sink or fan, shade; or less to do: max_cpu = 0.5 under [loop]",
        )
    else:
        yield ok("heat", f"{celsius:.0f} °C")


def judge_clock(synchronised: bool | None, *, matters: bool = True) -> Finding:
    """Whether the times of events can be believed. `matters`: this machine has some."""
    if synchronised is None:
        return note("clock", "whether the clock is right cannot be asked here", "timedatectl")
    if synchronised:
        return ok("clock", "set from the network")
    return (warning if matters else note)(
        "clock",
        "the clock is not set from the network: times of events may be wrong",
        "sudo timedatectl set-ntp true; without a network, a clock chip (RTC)",
    )


def judge_memory(available_mb: float | None) -> Iterator[Finding]:
    """What could still be given."""
    if available_mb is None:
        return
    if available_mb < _LITTLE_MB:
        yield warning(
            "memory",
            f"{available_mb:.0f} MB of memory are left",
            "end what else runs: ps aux --sort=-rss | head; a desktop alone takes 300 MB",
        )
    else:
        yield ok("memory", f"{available_mb:.0f} MB of memory are left")


def _counted(patient: Patient) -> Iterator[Finding]:
    """Raspberry Pi's firmware switches the counting of memory off. Source: cgroups(7)."""
    folder = "/sys/fs/cgroup/cgroup.controllers"
    if not patient.at(folder).exists() or "memory" in patient.read(folder).split():
        return
    what = "the kernel does not count the service's memory: its limit, MemoryMax=, is not kept"
    fix = "a kernel, or a container, with the memory controller of cgroups"
    if patient.is_pi:
        fix = f"sudo sed -i '1s/$/ cgroup_enable=memory/' {_CMDLINE}, then reboot"
    if patient.is_pi or patient.is_installed:
        yield note("memory-counted", what, fix)


def _mixed(patient: Patient) -> Iterator[Finding]:
    """A kernel of 64 bits below programs of 32, as Raspberry Pi OS 32-bit has it since 2023."""
    if struct.calcsize("P") == _32_BITS and platform.machine() in {"aarch64", "x86_64"}:
        yield note(
            "bits",
            f"the kernel says {platform.machine()}, but the system is one of 32 bits",
            "write a 64-bit Raspberry Pi OS to the card, which is faster",
        )
    if patient.is_pi and any(name in patient.board for name in ("Pi 2", "Zero W", "Model B Plus")):
        yield warning(
            "board-old",
            f"{patient.board} is too slow, or too old for the interpreter",
            "a Raspberry Pi 3, 4, 5 or Zero 2 W",
        )
