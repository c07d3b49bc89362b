"""The disks of the virtual machine: Debian, bootable, made by script in about half a minute.

- Made once, and kept in .cache/virtual_pi until what it is made of changes: the files here and the
  locks. Each architecture and variant is kept by itself.
- Nobody writes to an image afterwards: a virtual machine writes into a layer of its own.
- Root and the user `pi` log in with a key that is made here and never leaves the cache.

    image = build("arm64", "bare")

Run it to make an image and nothing else: python -m tests.virtual_pi.image arm64 galago
"""

import fcntl
import gzip
import hashlib
import lzma
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from tests.virtual_pi import debian, environment
from tests.virtual_pi.debian import STEP_S, Debian, run

Arch: TypeAlias = Literal["amd64", "arm64"]
Variant: TypeAlias = Literal["bare", "galago", "cloud-init", "firstrun"]

CACHE = Path(__file__).parents[2] / ".cache" / "virtual_pi"

_CAMERAS = "python3-libcamera libcamera-ipa python3-prctl libturbojpeg0 libarchive13"
_TRIXIE = Debian("trixie", "3.13", "amd64", packages=_CAMERAS)
_DEBIANS: dict[Variant, Debian] = {
    "bare": _TRIXIE,
    "galago": _TRIXIE,
    "cloud-init": replace(
        _TRIXIE,
        packages=f"{_CAMERAS} cloud-init netplan.io",
        boot_partition=True,
        cloud_init=True,
    ),
    "firstrun": Debian("bookworm", "3.11", "amd64", boot_partition=True),
}

_DISK_SIZE = "3G"  # sparse: what is free costs nothing

# command: the package that brings it, on Debian and its kin
_TOOLS = {
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "cpio": "cpio",
    "depmod": "kmod",
    "mke2fs": "e2fsprogs",
    "ssh": "openssh-client",
    "mkfs.vfat": "dosfstools",
    "mcopy": "mtools",
}
_TOOLS_OF: dict[Arch, dict[str, str]] = {
    "amd64": {"qemu-system-x86_64": "qemu-system-x86"},
    "arm64": {"qemu-system-aarch64": "qemu-system-arm"},
}

# i6300esb, the watchdog, because a Pi's is built into its kernel: systemd finds it at once.
_FIRST_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "ext4", "i6300esb")
_INIT = """#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc p /proc; $B mount -t sysfs s /sys; $B mount -t devtmpfs d /dev
while read -r module; do $B insmod /modules/$module; done < /modules/order
i=0; while [ ! -b /dev/vda ] && [ $i -lt 200 ]; do $B sleep 0.05; i=$((i+1)); done
$B mount -t ext4 -o rw,noatime /dev/vda /root || { echo "initrd: no disk"; $B poweroff -f; }
$B mount --move /dev /root/dev; $B umount /sys; $B umount /proc
exec $B switch_root /root /lib/systemd/systemd
"""


@dataclass(frozen=True)
class Image:
    """What a virtual machine boots from: a folder that nobody writes to afterwards."""

    folder: Path
    arch: Arch

    @property
    def disk(self) -> Path:
        """The root file system: ext4 in a sparse file, without partitions."""
        return self.folder / "disk.raw"

    @property
    def kernel(self) -> Path:
        """The stock Debian kernel."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """As little as mounts the disk."""
        return self.folder / "initrd.img"

    @property
    def key(self) -> Path:
        """The private key that root and `pi` answer to."""
        return self.folder / "key"


def missing(arch: Arch = "amd64") -> str:
    """What this machine lacks to make and run an image, with the remedy; or ""."""
    tools = _TOOLS | _TOOLS_OF[arch]
    lacking = sorted({package for tool, package in tools.items() if not shutil.which(tool)})
    if lacking:
        return f"not installed: {', '.join(lacking)} (Debian: apt install {' '.join(lacking)})"
    if os.geteuid():
        return "the image's files belong to root, so that making it needs root"
    return ""


def build(arch: Arch = "amd64", variant: Variant = "bare") -> Image:
    """The image, made where it is missing.

    bare: Debian 13 as a Raspberry Pi has it, without anything of ours.
    galago: the same, with an environment in /opt/galago for the working tree in /opt/tree.
    cloud-init: bare, with cloud-init reading from a boot partition, as Raspberry Pi OS 13.
    firstrun: Debian 12 with a boot partition and no cloud-init, as Raspberry Pi OS 12.
    The last two do not start without a second disk with the label `bootfs`: tests/virtual_pi/fat.py

    Raises:
        RuntimeError, subprocess.SubprocessError: a step failed or hung; its output is in the error.
    """
    ready = CACHE / f"{arch}-{variant}-{_digest(variant)}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one maker at a time, the others find it made
        if not ready.exists():
            for old in CACHE.glob(f"{arch}-{variant}-*"):  # of other files, or interrupted
                shutil.rmtree(old)
            work = CACHE / f"{arch}-{variant}-work"
            work.mkdir()
            _make(replace(_DEBIANS[variant], arch=arch), variant, work)
            work.rename(ready)
    return Image(ready, arch)


def _digest(variant: Variant) -> str:
    made_of = [Path(__file__), Path(debian.__file__)]
    if variant == "galago":
        made_of += [Path(environment.__file__), *environment.MADE_OF]
    content = b"".join(path.read_bytes() for path in made_of)
    return hashlib.sha256(content).hexdigest()[:16]


def _make(system: Debian, variant: Variant, work: Path) -> None:
    root = work / "root"
    system.unpack(root)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", work / "key")
    system.configure(root, work / "key.pub")
    if variant == "galago":
        environment.install(system, root)
    environment.compile_python(system, root, work)
    _make_initrd(root, work)
    run("truncate", "-s", _DISK_SIZE, work / "disk.raw")
    run("mke2fs", "-q", "-t", "ext4", "-L", "rootfs", "-d", root, work / "disk.raw")
    shutil.rmtree(root)


def _make_initrd(root: Path, work: Path) -> None:
    """Busybox and the modules up to the disk: Debian's own initrd would need a running system."""
    (kernel,) = (path.name for path in (root / "lib/modules").iterdir())
    run("depmod", "-b", root, kernel)
    shutil.copy(root / f"boot/vmlinuz-{kernel}", work / "vmlinuz")
    tree = work / "initrd"
    for folder in ("bin", "dev", "proc", "sys", "root", "modules"):
        (tree / folder).mkdir(parents=True)
    shutil.copy(root / "usr/bin/busybox", tree / "bin")
    order = [_copy_module(path, tree / "modules") for path in _modules(root, kernel)]
    (tree / "modules/order").write_text("\n".join(order) + "\n")
    (tree / "init").write_text(_INIT)
    (tree / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    archive = subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc"],  # noqa: S607 - where Debian has it
        cwd=tree,
        input=names.encode(),
        capture_output=True,
        check=True,
        timeout=STEP_S,
    )
    (work / "initrd.img").write_bytes(gzip.compress(archive.stdout, 1))


def _modules(root: Path, kernel: str) -> list[Path]:
    """The files of the modules that are loaded first, in the order of loading."""
    found: dict[Path, None] = {}
    for name in _FIRST_MODULES:
        for line in run("modprobe", "-d", root, "-S", kernel, "--show-depends", name).splitlines():
            verb, *rest = line.split()
            if verb == "insmod":
                found[Path(rest[0])] = None
    return list(found)


def _copy_module(path: Path, folder: Path) -> str:
    content = path.read_bytes()
    name = path.name.removesuffix(".xz")
    (folder / name).write_bytes(lzma.decompress(content) if path.suffix == ".xz" else content)
    return name


def _main(arch: Arch, variant: Variant) -> None:
    began = time.monotonic()
    said = missing(arch) or str(build(arch, variant).folder)
    sys.stdout.write(f"{said}\n{time.monotonic() - began:.1f} s\n")


if __name__ == "__main__":
    words = dict(enumerate(sys.argv))
    (_arch,) = [one for one in get_args(Arch) if one == words.get(1, "amd64")]
    (_variant,) = [one for one in get_args(Variant) if one == words.get(2, "bare")]
    _main(_arch, _variant)
