"""What happens to a camera in its life, played on the service in a virtual machine.

- Each scene ends when all is well again, fails where it does not become so, and returns how long
  it took, in seconds of the host, which is busy or idle as it happens.
"""

import re
import time
from dataclasses import dataclass

from tests.virtual_pi.service import RECOVERY_S, UNIT, WEBCAM, Service
from tests.virtual_pi.vm import BOOT_S, VM

# name: what the webcam does, and what mends it; nothing: it is mended by what the service does.
WEBCAM_FAULTS = {
    "unplugged": ("unplug", "plug"),
    "frozen": ("freeze", "go"),
    "hanging until it is opened anew": ("hang", ""),
    "sending nothing but torn pictures": ("tear 1", "tear 0"),
}

# What freezes a machine: the command that does it.
FREEZES = {
    "the kernel panics": "echo c > /proc/sysrq-trigger",
    "systemd crashes": "kill -SEGV 1",
}

_UNWATCHED_S = 20.0  # nobody logs in for so long after the service is active
_WATCHDOG_FILE = "/etc/systemd/system.conf.d/galago-watchdog.conf"


@dataclass(frozen=True)
class PowerOn:
    """Seconds from the switch: to the service being active, to its first event, to a login.

    The event's time is by the guest's clock, which is set from a clock of whole seconds.
    """

    active_s: float
    event_s: float
    login_s: float
    label: str

    def __str__(self) -> str:
        return f"active after {self.active_s:.1f} s, first event after {self.event_s:.1f} s"


@dataclass(frozen=True)
class Recovery:
    """Seconds from the fault to its being told, and from its mending to its being over."""

    noticed_s: float
    back_s: float

    def __str__(self) -> str:
        return f"noticed after {self.noticed_s:.1f} s, over after {self.back_s:.1f} s"


def power_on(vm: VM) -> PowerOn:
    """Switch on a machine with the service enabled, and look at it when it has long been serving.

    systemd's lines on the console are all that is seen of it before.
    """
    vm.run(f"systemctl enable --quiet webcam {UNIT} && sync")
    vm.cut()
    vm.append = "systemd.show_status=1"
    began, clock = time.monotonic(), time.time()
    vm.power_on()
    _wait_for_console(vm, rf"Started \S*{re.escape(UNIT)}")
    active_s = time.monotonic() - began
    time.sleep(_UNWATCHED_S)
    login_s = time.monotonic() - began
    vm.wait_until_up()
    vm.append = ""
    event = Service(vm).events()[0]
    return PowerOn(active_s, event["time_ms"] / 1000 - clock, login_s, event["label"])


def suffer(service: Service, fault: str, mending: str = "") -> Recovery:
    """Let the webcam fail and be mended; the state of health comes and goes."""
    began = time.monotonic()
    service.webcam(fault)
    service.wait_for_journal("camera.stalled: usb")
    noticed_s = time.monotonic() - began
    if mending:
        began = time.monotonic()
        service.webcam(mending)
    service.wait_for_journal("camera.stalled: over")
    service.wait_for_frames()
    return Recovery(noticed_s, time.monotonic() - began)


def come_back_elsewhere(service: Service) -> tuple[str, str]:
    """Unplug the webcam and plug it in again while another program keeps its old number taken.

    Returns its device before and after.
    """
    before = service.vm.run(f"readlink -f {WEBCAM}").strip()
    service.vm.spawn(f"exec 9<>{before}; sleep 600")
    suffer(service, "unplug", "plug")
    return before, service.vm.run(f"readlink -f {WEBCAM}").strip()


def freeze_the_loop(service: Service) -> Recovery:
    """Stop the daemon as it is, and wait until systemd has started another."""
    pid, began = service.pid(), time.monotonic()
    service.vm.run(f"kill -STOP {pid}")
    service.wait_for_journal("Watchdog timeout")
    noticed_s = time.monotonic() - began
    service.vm.wait_for(lambda: service.pid() not in (0, pid), RECOVERY_S)
    service.wait_for_frames()
    return Recovery(noticed_s, time.monotonic() - began)


def watch_the_machine(service: Service) -> None:
    """Set the hardware watchdog as systemd/README.md says, and start the service with each boot."""
    service.vm.write(_WATCHDOG_FILE, "[Manager]\nRuntimeWatchdogSec=14\n")
    service.vm.run("systemctl daemon-reexec")
    service.vm.run(f"systemctl enable --quiet webcam {UNIT} && sync")


def freeze_the_machine(service: Service, how: str) -> float:
    """Freeze all of it, and wait until it serves again; seconds from the one to the other."""
    boot = _boot_id(service.vm)
    began = time.monotonic()
    service.vm.spawn(f"sleep 1; {how}")
    service.vm.wait_for(lambda: _boot_id(service.vm) not in ("", boot), RECOVERY_S + BOOT_S)
    service.wait_for_frames()
    return time.monotonic() - began


def _boot_id(vm: VM) -> str:
    vm.hang_up()  # an old connection would wait for the machine that was
    return vm.ended("cat /proc/sys/kernel/random/boot_id", timeout_s=20.0).stdout.strip()


def _wait_for_console(vm: VM, pattern: str) -> None:
    deadline = time.monotonic() + BOOT_S
    while not re.search(pattern, vm.console()):
        if not vm.is_on or time.monotonic() > deadline:
            raise AssertionError(f"no {pattern!r} on the console:\n{vm.console()[-3000:]}")
        time.sleep(0.1)
