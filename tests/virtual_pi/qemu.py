"""How QEMU is called and spoken to: its command line, its monitor."""

import json
import os
import platform
import re
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.virtual_pi.image import Arch, Image

MONITOR_S = 120.0  # saving a snapshot writes the guest's memory

_CONSOLES: dict[Arch, str] = {"amd64": "ttyS0", "arm64": "ttyAMA0"}
# A Cortex-A72 is a Pi 4's. Nehalem: the oldest that today's numpy runs on, and quickest to emulate.
_MACHINES: dict[Arch, str] = {
    "amd64": "qemu-system-x86_64 -M q35 -cpu Nehalem",
    "arm64": "qemu-system-aarch64 -M virt -cpu cortex-a72",
}
_HARDWARE = {"x86_64": "amd64", "aarch64": "arm64"}


def is_accelerated(arch: Arch) -> bool:
    """Whether KVM here is the processor's own, and for that architecture.

    /dev/kvm alone proves nothing: where it is made of software, a stock kernel does not come up.
    """
    if not os.access("/dev/kvm", os.W_OK) or Path("/sys/module/kvm_pvm").exists():
        return False
    if _HARDWARE.get(platform.machine()) != arch:
        return False
    flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    return arch == "arm64" or re.search(r"^flags.*\b(vmx|svm)\b", flags, re.MULTILINE) is not None


def machine(arch: Arch, memory_mb: int) -> list[str]:
    """Processor, memory, console. One CPU: with two, one boot in eighteen of QEMU 7.2 crashed."""
    words = _MACHINES[arch]
    if is_accelerated(arch):
        words = f"{words.rsplit(' ', 1)[0]} host -accel kvm"
    else:
        words += " -accel tcg,tb-size=512"
    words += f" -smp 1 -m {memory_mb} -display none -nodefaults -serial stdio"
    return [*words.split(), "-device", "virtio-rng-pci"]


def kernel(image: Image, *, panic_s: int, append: str) -> list[str]:
    """The kernel and its line. `panic_s`: -1 reboots at once, 0 stays as it is."""
    line = f"root=/dev/vda rw console={_CONSOLES[image.arch]} net.ifnames=0 panic={panic_s}"
    line = f"{line} quiet audit=0 mitigations=off {append}".strip()
    return ["-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", line]


def disks(root: str, others: Sequence[Path]) -> list[str]:
    """`root` in the form of -drive's options: /dev/vda; the others, raw, follow it."""
    words = []
    drives = [root, *(f"format=raw,file={other}" for other in others)]
    for number, drive in enumerate(drives):
        words += ["-drive", f"if=none,id=d{number},{drive}"]
        words += ["-device", f"virtio-blk-pci,drive=d{number}"]
    return words


def network(port: int) -> list[str]:
    """This machine's loopback reaches the guest's ssh at `port`; the guest reaches nothing."""
    forward = f"user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"
    return ["-netdev", forward, "-device", "virtio-net-pci,netdev=n0"]


def monitor(path: Path, command: str) -> str:
    """Give a command to QEMU's monitor; what it answers, which is nothing where all is well.

    Raises:
        RuntimeError: it refuses the command.
    """
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(MONITOR_S)
        wire.connect(str(path))
        with wire.makefile("rw", encoding="utf-8") as talk:
            talk.readline()  # its greeting
            _ask(talk, "qmp_capabilities")
            return str(_ask(talk, "human-monitor-command", {"command-line": command})).strip()


def _ask(talk: Any, execute: str, arguments: dict[str, str] | None = None) -> Any:
    talk.write(json.dumps({"execute": execute, "arguments": arguments or {}}) + "\n")
    talk.flush()
    while line := talk.readline():
        answer = json.loads(line)
        if "return" in answer:
            return answer["return"]
        if "error" in answer:
            raise RuntimeError(f"QEMU refuses {execute}: {answer['error']['desc']}")
    raise RuntimeError(f"QEMU ended instead of answering {execute}")
