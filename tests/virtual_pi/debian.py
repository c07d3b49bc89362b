"""The root file system of the virtual machine: Debian, unpacked and set up from outside.

- Packages are unpacked, not installed: no maintainer script runs, and no other machine's program.
  What the scripts would have done and a test needs is done here. It tests our programs, not
  Debian's packaging.
- The archive is the one that this machine's apt is set up for.
- As on Raspberry Pi OS there is a user `pi`, who is in the group video and may use sudo without a
  password, and no package of ours. Python has no pip and no ensurepip.
- Root and `pi` log in with the image's key; nobody has a password.
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STEP_S = 900.0  # the longest step downloads 150 MB

_PACKAGES = (
    "base-files base-passwd bash dash coreutils util-linux mount login passwd procps grep sed mawk"
    " findutils tar gzip hostname libc-bin libpam-modules libpam-runtime ncurses-bin e2fsprogs"
    " systemd-sysv systemd libnss-systemd udev dbus kmod iproute2 openssh-server openssh-client"
    " sudo busybox-static tzdata python3 python3-minimal libpython3-stdlib libstdc++6 v4l-utils"
    " dosfstools"
)
# What waits for a network or for scripts that never ran, and what nobody looks at.
_MASKED = (
    "systemd-networkd-wait-online.service systemd-hwdb-update.service"
    " systemd-journal-catalog-update.service systemd-firstboot.service first-boot-complete.target"
    " ldconfig.service sshd-keygen.service getty@tty1.service console-getty.service"
    " serial-getty@.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer"
    " fstrim.timer e2scrub_reap.service"
)
_ENABLED = "systemd-networkd.service ssh.service"

_FILES = {
    "etc/gshadow": "",
    "etc/machine-id": "",
    "etc/hostname": "virtual-pi\n",
    "etc/hosts": "127.0.0.1 localhost virtual-pi\n",
    "etc/fstab": "/dev/vda / ext4 defaults,noatime 0 1\n",
    "etc/nsswitch.conf": (
        "passwd: files systemd\ngroup: files systemd\nshadow: files\nhosts: files\n"
    ),
    "etc/ssh/sshd_config": (
        "UsePAM no\nAcceptEnv LANG LC_*\nSubsystem sftp /usr/lib/openssh/sftp-server\n"
    ),
    "etc/sudoers.d/010_pi-nopasswd": "pi ALL=(ALL) NOPASSWD: ALL\n",
    "etc/pam.d/common-auth": "auth required pam_unix.so\n",
    "etc/pam.d/common-account": "account required pam_unix.so\n",
    "etc/pam.d/common-password": "password required pam_unix.so yescrypt\n",
    "etc/pam.d/common-session": "session required pam_unix.so\n",
    "etc/pam.d/common-session-noninteractive": "session required pam_unix.so\n",
    "etc/systemd/network/10-all.network": (
        "[Match]\nName=en* eth*\n[Network]\nAddress=10.0.2.15/24\nDHCP=no\n"
        "IPv6AcceptRA=no\nLinkLocalAddressing=no\n"
    ),
    # What Raspberry Pi OS calls the memory that its cameras share.
    "etc/udev/rules.d/60-dma-heap.rules": (
        'SUBSYSTEM=="dma_heap", KERNEL=="system", SYMLINK+="dma_heap/vidbuf_cached",'
        ' GROUP="video", MODE="0660"\n'
        'SUBSYSTEM=="misc", KERNEL=="udmabuf", GROUP="video", MODE="0660"\n'
    ),
    "etc/modules-load.d/cameras.conf": "udmabuf\n",
}
# Sources: /etc/fstab of Raspberry Pi OS, whose disk has a PARTUUID; Debian 13's
# stage2/04-cloud-init/files/99_raspberry-pi.cfg of RPi-Distro/pi-gen.
_BOOT_PARTITION = "LABEL=bootfs /boot/firmware vfat defaults 0 2\n"
_NO_CLOUD = """datasource_list: [ NoCloud, None ]
datasource:
  NoCloud:
    seedfrom: file:///boot/firmware
ssh_deletekeys: false
ssh_genkeytypes: []
"""

_USERS = {
    "sshd": "105:65534::/run/sshd:/usr/sbin/nologin",
    "messagebus": "106:106::/nonexistent:/usr/sbin/nologin",
    "pi": "1000:1000::/home/pi:/bin/bash",
}
_GROUPS_OF_PI = ("adm", "sudo", "video", "users", "plugdev")


@dataclass(frozen=True)
class Debian:
    """A release for an architecture: `python` is that release's, `arch` is Debian's word."""

    suite: str
    python: str
    arch: str
    packages: str = ""
    boot_partition: bool = False
    cloud_init: bool = False

    def unpack(self, root: Path) -> None:
        """Download and unpack what the virtual machine has, into a new folder."""
        self.fetch(root, f"{_PACKAGES} linux-image-{self.arch} {self.packages}")
        for part in ("man", "doc", "locale", "info"):
            shutil.rmtree(root / "usr/share" / part, ignore_errors=True)
        for cache in ("var/cache/apt", "var/lib/apt/lists"):
            shutil.rmtree(root / cache, ignore_errors=True)

    def fetch(self, root: Path, packages: str) -> None:
        """Download and unpack packages, and what they depend on, into a new folder."""
        no_extras = '--aptopt=APT::Install-Recommends "false"'
        # --variant=extract: download and unpack, run nothing of the packages
        run(
            *("mmdebstrap", "--quiet", "--mode=root", "--variant=extract", f"--arch={self.arch}"),
            *(f"--include={','.join(packages.split())}", no_extras, self.suite, root, *_mirror()),
        )

    def configure(self, root: Path, public_key: Path) -> None:
        """Do what the packages' scripts would have done, as far as it is needed."""
        for name in ("bin", "sbin", "lib", "lib64"):
            _merge(root, name)
        (root / "opt").mkdir(exist_ok=True)
        python = f"python{self.python}"
        for name, target in (("awk", "mawk"), ("python3", python), ("nc", "nc.openbsd")):
            link(root / "usr/bin" / name, target)
        for name, text in _FILES.items():
            write(root / name, text)
        (root / "etc/sudoers.d/010_pi-nopasswd").chmod(0o440)
        _make_accounts(root)
        _make_keys(root, public_key)
        _choose_units(root)
        self._add_boot_partition(root)

    def _add_boot_partition(self, root: Path) -> None:
        if self.boot_partition:
            (root / "boot/firmware").mkdir(parents=True)
            with (root / "etc/fstab").open("a") as table:
                table.write(_BOOT_PARTITION)
        if self.cloud_init:
            # As update-ca-certificates does: cloud-init does not start without.
            certificates = sorted((root / "usr/share/ca-certificates/mozilla").glob("*.crt"))
            bundle = "".join(path.read_text() for path in certificates)
            write(root / "etc/ssl/certs/ca-certificates.crt", bundle)
            write(root / "etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg", _NO_CLOUD)
            for unit in (root / "usr/lib/systemd/system").glob("cloud-*.service"):
                enable(root, unit.name)


def write(path: Path, text: str) -> None:
    """A file, and the folders that lead to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def enable(root: Path, unit: str) -> None:
    """As `systemctl enable` would do it; without [Install], nothing."""
    file = Path("usr/lib/systemd/system") / unit
    for line in (root / file).read_text().splitlines():
        key, _, targets = line.partition("=")
        if key in ("WantedBy", "RequiredBy"):
            kind = "wants" if key == "WantedBy" else "requires"
            for target in targets.split():
                link(root / f"etc/systemd/system/{target}.{kind}" / unit, f"/{file}")


def link(path: Path, target: str) -> None:
    """A symlink, in the place of whatever was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _merge(root: Path, name: str) -> None:
    """Have /bin be /usr/bin and so on, as usr-is-merged does: Debian 12's packages use both."""
    folder, merged = root / name, root / "usr" / name
    if folder.is_dir() and not folder.is_symlink():
        run("cp", "--archive", f"{folder}/.", merged)
        shutil.rmtree(folder)
    if not folder.is_symlink() and merged.is_dir():
        folder.symlink_to(f"usr/{name}")


def run(*words: object, timeout_s: float = STEP_S) -> str:
    """Run a program of this machine; what it has said on standard output.

    Raises:
        RuntimeError: it failed; the end of what it said is in the message.
        subprocess.TimeoutExpired: it hung.
    """
    done = subprocess.run(
        [str(word) for word in words],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def _mirror() -> Sequence[str]:
    """The archive that apt is set up for here; nothing where apt does not know one of Debian's."""
    if not shutil.which("apt-get"):
        return ()
    wanted = ("Origin: Debian", "Created-By: Packages")
    found = run("apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted).split()
    return found[:1]


def _make_accounts(root: Path) -> None:
    masters = root / "usr/share/base-passwd"
    passwd = (masters / "passwd.master").read_text().replace(":*:", ":x:")
    passwd += "".join(f"{name}:x:{rest}\n" for name, rest in _USERS.items())
    names = (line.partition(":")[0] for line in passwd.splitlines())
    group = (masters / "group.master").read_text().replace(":*:", ":x:")
    lines = [
        f"{line}pi" if line.partition(":")[0] in _GROUPS_OF_PI else line
        for line in group.splitlines()
    ]
    write(root / "etc/passwd", passwd)
    write(root / "etc/group", "\n".join([*lines, "messagebus:x:106:", "pi:x:1000:"]) + "\n")
    # Days since 1970: some day on which it was changed last. `!` would lock out a key, too.
    write(root / "etc/shadow", "".join(f"{name}:*:20000:0:99999:7:::\n" for name in names))
    (root / "etc/shadow").chmod(0o640)


def _make_keys(root: Path, public_key: Path) -> None:
    for kind in ("ed25519", "rsa"):
        key = root / f"etc/ssh/ssh_host_{kind}_key"
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", key)
    for home, owner in (("root", 0), ("home/pi", 1000)):
        folder = root / home / ".ssh"
        folder.mkdir(mode=0o700, parents=True)
        shutil.copy(public_key, folder / "authorized_keys")
        (root / home).chmod(0o700)
        for path in (root / home, folder, folder / "authorized_keys"):
            shutil.chown(path, owner, owner)


def _choose_units(root: Path) -> None:
    for unit in _ENABLED.split():
        enable(root, unit)
    for unit in _MASKED.split():
        link(root / "etc/systemd/system" / unit, "/dev/null")
    link(
        root / "etc/systemd/system/default.target",
        "/usr/lib/systemd/system/multi-user.target",
    )
