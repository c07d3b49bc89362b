"""The disk of the virtual machine: Debian 13 with the camera's locked packages, bootable.

- Made once, in about a minute, and kept in .cache/virtual_pi until this file or the lock changes.
- Packages are unpacked, not installed: no maintainer script runs. What the scripts would have done
  and a test needs is done here. It tests our programs, not Debian's packaging.
- The archive is the one this machine's apt is set up for; wheels come from its pip's index.
- Root logs in with a key that is made here and never leaves the cache; there is no password.

Run it to make the image and nothing else: python -m tests.virtual_pi.image
"""

import gzip
import hashlib
import lzma
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".cache" / "virtual_pi"
LOCK = REPOSITORY / "locks" / "edge.txt"

# command: the package that brings it, on Debian and its kin
TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "cpio": "cpio",
    "depmod": "kmod",
    "mke2fs": "e2fsprogs",
    "ssh": "openssh-client",
}

_SUITE = "trixie"
_PYTHON = "3.13"  # that suite's
_DISK_SIZE = "3G"  # sparse: what is free costs nothing
_STEP_S = 900.0  # the longest step downloads 150 MB
_PACKAGES = (
    "base-files base-passwd bash dash coreutils util-linux mount login passwd procps grep sed mawk"
    " findutils tar gzip hostname libc-bin libpam-modules libpam-runtime ncurses-bin e2fsprogs"
    " systemd-sysv systemd libnss-systemd udev dbus kmod iproute2 openssh-server busybox-static"
    " linux-image-amd64 python3 python3-minimal libpython3-stdlib libstdc++6"
)
# What waits for a network or for scripts that never ran, and what nobody looks at.
_MASKED = (
    "systemd-networkd-wait-online.service systemd-hwdb-update.service"
    " systemd-journal-catalog-update.service systemd-firstboot.service first-boot-complete.target"
    " ldconfig.service sshd-keygen.service getty@tty1.service console-getty.service"
    " apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer"
    " e2scrub_reap.service"
)
# Sources: PEP 600; glibc of Debian 13 is 2.41
_PLATFORMS = ("2_35", "2_34", "2_31", "2_28", "2_27", "2_17")

_FILES = {
    "etc/shadow": "",
    "etc/gshadow": "",
    "etc/machine-id": "",
    "etc/hostname": "virtual-pi\n",
    "etc/hosts": "127.0.0.1 localhost virtual-pi\n",
    "etc/fstab": "/dev/vda / ext4 defaults,noatime 0 1\n",
    "etc/nsswitch.conf": (
        "passwd: files systemd\ngroup: files systemd\nshadow: files\nhosts: files\n"
    ),
    "etc/ssh/sshd_config": "UsePAM no\nSubsystem sftp internal-sftp\n",
    "etc/systemd/network/10-all.network": (
        "[Match]\nName=en* eth*\n[Network]\nAddress=10.0.2.15/24\nDHCP=no\n"
        "IPv6AcceptRA=no\nLinkLocalAddressing=no\n"
    ),
}

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

    @property
    def disk(self) -> Path:
        """The root file system, qcow2."""
        return self.folder / "disk.qcow2"

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
        """The private key that root's account answers to."""
        return self.folder / "key"


def missing() -> str:
    """What this machine lacks to make and run the image, with the remedy; or ""."""
    lacking = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if lacking:
        return f"not installed: {', '.join(lacking)} (Debian: apt install {' '.join(lacking)})"
    if os.geteuid():
        return "the image's files belong to root, so that making it needs root"
    return ""


def build() -> Image:
    """The image, made where it is missing.

    Raises:
        subprocess.SubprocessError: a step failed or hung; its output is in the error or on stderr.
    """
    digest = hashlib.sha256(Path(__file__).read_bytes() + LOCK.read_bytes()).hexdigest()[:16]
    ready = CACHE / digest
    if not ready.exists():
        shutil.rmtree(CACHE, ignore_errors=True)  # of an older file or lock, or interrupted
        work = CACHE / "work"
        work.mkdir(parents=True)
        _make(work)
        work.rename(ready)
    return Image(ready)


def _make(work: Path) -> None:
    root = work / "root"
    _unpack(root)
    _configure(root, work)
    _install_wheels(root)
    _make_initrd(root, work)
    _make_disk(root, work)
    shutil.rmtree(root)


def _unpack(root: Path) -> None:
    include = ",".join(_PACKAGES.split())
    no_extras = '--aptopt=APT::Install-Recommends "false"'
    # --variant=extract: download and unpack, run nothing of the packages
    _run(
        *("mmdebstrap", "--quiet", "--mode=root", "--variant=extract", "--arch=amd64"),
        *(f"--include={include}", no_extras, _SUITE, root, *_mirror()),
    )
    for part in ("man", "doc", "locale", "info"):
        shutil.rmtree(root / "usr" / "share" / part, ignore_errors=True)
    for cache in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / cache, ignore_errors=True)


def _mirror() -> Sequence[str]:
    """The archive that apt is set up for here; nothing where apt does not know one of Debian's."""
    if not shutil.which("apt-get"):
        return ()
    wanted = ("Origin: Debian", "Created-By: Packages")
    found = _run("apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted).split()
    return found[:1]


def _configure(root: Path, work: Path) -> None:
    for name in ("bin", "sbin", "lib"):
        if not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    for link, target in (("awk", "mawk"), ("python3", f"python{_PYTHON}")):
        (root / "usr/bin" / link).unlink(missing_ok=True)
        (root / "usr/bin" / link).symlink_to(target)
    for name, text in _FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    _make_accounts(root)
    _make_keys(root, work)
    _choose_units(root)


def _make_accounts(root: Path) -> None:
    masters = root / "usr/share/base-passwd"
    passwd = (masters / "passwd.master").read_text().replace("root:*:", "root::", 1)
    group = (masters / "group.master").read_text()
    passwd += "sshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n"
    passwd += "messagebus:x:106:106::/nonexistent:/usr/sbin/nologin\n"
    (root / "etc/passwd").write_text(passwd)
    (root / "etc/group").write_text(group + "messagebus:x:106:\n")


def _make_keys(root: Path, work: Path) -> None:
    make_key = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f")
    _run(*make_key, work / "key")
    _run(*make_key, root / "etc/ssh/ssh_host_ed25519_key")
    folder = root / "root/.ssh"
    folder.mkdir(mode=0o700)
    shutil.copy(work / "key.pub", folder / "authorized_keys")
    (root / "root").chmod(0o700)


def _choose_units(root: Path) -> None:
    units = root / "etc/systemd/system"
    wanted = units / "multi-user.target.wants"
    wanted.mkdir(parents=True, exist_ok=True)
    for unit in ("systemd-networkd.service", "ssh.service"):
        (wanted / unit).unlink(missing_ok=True)
        (wanted / unit).symlink_to(f"/usr/lib/systemd/system/{unit}")
    for unit in _MASKED.split():
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    default = units / "default.target"
    default.unlink(missing_ok=True)
    default.symlink_to("/usr/lib/systemd/system/multi-user.target")


def _install_wheels(root: Path) -> None:
    """What the camera's lock says, for the guest's Python, fetched by this machine's pip."""
    target = root / f"usr/local/lib/python{_PYTHON}/dist-packages"
    platforms = (f"--platform=manylinux_{version}_x86_64" for version in _PLATFORMS)
    _run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--root-user-action=ignore"),
        *("--target", target, f"--python-version={_PYTHON}", "--implementation=cp", *platforms),
        *("--only-binary=:all:", "--require-hashes", "-r", LOCK),
    )


def _make_initrd(root: Path, work: Path) -> None:
    """Busybox and the modules up to the disk: Debian's own initrd would need a running system."""
    (kernel,) = (path.name for path in (root / "lib/modules").iterdir())
    _run("depmod", "-b", root, kernel)
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
        timeout=_STEP_S,
    )
    (work / "initrd.img").write_bytes(gzip.compress(archive.stdout, 1))


def _modules(root: Path, kernel: str) -> list[Path]:
    """The files of the modules that a virtio disk and ext4 need, in the order of loading."""
    found: dict[Path, None] = {}
    for name in ("virtio_pci", "virtio_blk", "virtio_net", "ext4"):
        for line in _run("modprobe", "-d", root, "-S", kernel, "--show-depends", name).splitlines():
            verb, *rest = line.split()
            if verb == "insmod":
                found[Path(rest[0])] = None
    return list(found)


def _copy_module(path: Path, folder: Path) -> str:
    content = path.read_bytes()
    name = path.name.removesuffix(".xz")
    (folder / name).write_bytes(lzma.decompress(content) if path.suffix == ".xz" else content)
    return name


def _make_disk(root: Path, work: Path) -> None:
    raw = work / "disk.raw"
    _run("truncate", "-s", _DISK_SIZE, raw)
    # the guest's checker is newer than the host's maker, and must not refuse its features
    _run("mke2fs", "-q", "-t", "ext4", "-L", "rootfs", "-d", root, raw)
    _run("qemu-img", "convert", "-O", "qcow2", raw, work / "disk.qcow2")
    raw.unlink()


def _run(*words: object) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_STEP_S,
    )
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.stdout.write(f"{missing() or build().folder}\n")
