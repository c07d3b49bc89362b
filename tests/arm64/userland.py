"""A Pi's programs on this processor, one at a time: a root file system seen through an emulator.

- Commands run in namespaces of their own: no network, no process but theirs, and what they write
  lies in memory and is gone afterwards. Only one folder is this machine's, under its own name.
- Galago is the wheel, unpacked beside the locked packages, and `/opt/galago/bin/python` starts it.
- No setting of this machine is touched: what stands there for Python is a script that starts the
  emulator, so that Galago's own child processes run as well, without binfmt_misc.
- They see the /proc/cpuinfo and the processor folder of a Pi instead of this machine's.

Why the last: LiteRT's XNNPACK asks there what it runs on. Given this machine's own /sys beside its
own /proc/cpuinfo it crashes (SIGSEGV); without any /sys it is silently left out, and with it all
that makes inference fast, so that other kernels would be compared than the ones a Pi runs.

    pi = Userland(build(TRIXIE), TRIXIE, PI_4, wheel, folder)
    pi.answer("verify", folder / "model.tflite", "--json")
"""

import json
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.arm64.root import PACKAGES, Release

_HANG_S = 240.0  # an emulated second is twenty of a Pi's

_ENTER = """
qemu=$1 home=$2 lower=$3 folder=$4
shift 4
mount -t tmpfs tmpfs "$home/memory"
cd "$home/memory"
mkdir upper work root
mount -t overlay -o "lowerdir=$lower,upperdir=upper,workdir=work" overlay root
cd root
mkdir -p opt/galago ".$folder"
touch qemu
mount --bind "$(command -v "$qemu")" qemu
mount --bind "$home/galago" opt/galago
mount --bind "$folder" ".$folder"
mount --rbind /dev dev
mount -t proc proc proc
mount --bind "$home/cpuinfo" proc/cpuinfo
[ ! -d "$home/sys" ] || mount --bind "$home/sys" sys
exec env -i PATH=/opt/galago/bin:/usr/bin:/bin HOME=/tmp LANG=C.UTF-8 "$(command -v chroot)" . "$@"
"""

_PYTHON = """#!/bin/busybox sh
exec /qemu -cpu {processor} -0 "$0" /usr/bin/python{version} "$@"
"""

_CORE = """processor\t: {number}
BogoMIPS\t: 108.00
Features\t: {features}
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x{variant}
CPU part\t: 0x{part}
CPU revision\t: {revision}

"""
_CORES = 4


@dataclass(frozen=True)
class Processor:
    """A Pi's cores: the emulator's name for them, and what Linux says of them there.

    `knows_cores`: the machine has a processor folder in /sys; all have, but for a test.
    """

    name: str
    emulated: str
    part: str
    variant: str
    revision: str
    features: str
    knows_cores: bool = True

    @property
    def cpuinfo(self) -> str:
        """/proc/cpuinfo."""
        return "".join(
            _CORE.format(
                number=number,
                features=self.features,
                variant=self.variant,
                part=self.part,
                revision=self.revision,
            )
            for number in range(_CORES)
        )


_ARMV8 = "fp asimd evtstrm crc32 cpuid"
_ARMV8_2 = (
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop"
    " asimddp"
)
_ARMV7 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm crc32"

# Source: Arm's technical reference manuals (MIDR_EL1) and what Pis print.
PI_3 = Processor("Pi 3, Zero 2 W", "cortex-a53", "d03", "0", "4", _ARMV8)
PI_4 = Processor("Pi 4", "cortex-a72", "d08", "0", "3", _ARMV8)
PI_5 = Processor("Pi 5", "cortex-a76", "d0b", "4", "1", _ARMV8_2)
# The emulator of 32-bit programs has no core of a Pi but the first's: its newest takes the place.
PI_3_32 = Processor("Pi 3, 32-bit", "max", "d03", "0", "4", _ARMV7)


class Userland:
    """One release on one processor, with the wheel.

    `folder`: what both machines see, under the same name.
    """

    def __init__(
        self, root: Path, release: Release, processor: Processor, wheel: Path, folder: Path
    ) -> None:
        self.release, self.processor = release, processor
        self._root, self._folder = root, folder
        self._home = folder / f"{release.name} {processor.emulated} {processor.knows_cores}"
        if not self._home.exists():
            self._install(wheel)

    def run(self, *words: object) -> "subprocess.CompletedProcess[str]":
        """Run Python there with the given arguments."""
        emulator = {"arm64": "qemu-aarch64-static", "armhf": "qemu-arm-static"}
        command = (
            *("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"),
            *("sh", "-euc", _ENTER, "sh", emulator[self.release.architecture], self._home),
            *(self._root, self._folder, "/opt/galago/bin/python", "-P", *words),
        )
        return subprocess.run(
            [str(word) for word in command],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_HANG_S,
        )

    def galago(self, *words: object) -> "subprocess.CompletedProcess[str]":
        """Run the command there."""
        return self.run("-m", "galago.cli", *words)

    def answer(self, *words: object) -> Any:
        """Run the command there and return the one JSON document that it prints."""
        done = self.galago(*words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def _install(self, wheel: Path) -> None:
        """What a device has in /opt/galago: an environment that sees the system's packages."""
        site = self._home / f"galago/lib/python{self.release.python}/site-packages"
        site.mkdir(parents=True)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
        (site / "packages.pth").write_text(f"/{PACKAGES}\n")
        settings = "home = /usr/bin\ninclude-system-site-packages = true\n"
        (self._home / "galago/pyvenv.cfg").write_text(settings)
        python = self._home / "galago/bin/python"
        python.parent.mkdir()
        python.write_text(
            _PYTHON.format(processor=self.processor.emulated, version=self.release.python)
        )
        python.chmod(0o755)
        (self._home / "memory").mkdir()
        (self._home / "cpuinfo").write_text(self.processor.cpuinfo)
        if self.processor.knows_cores:
            cores = self._home / "sys/devices/system/cpu"
            cores.mkdir(parents=True)
            for name in ("possible", "present"):
                (cores / name).write_text(f"0-{_CORES - 1}\n")
