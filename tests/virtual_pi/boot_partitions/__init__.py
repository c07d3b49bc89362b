"""Boot partitions as Raspberry Pi OS has them, as far as their text files go.

- Written for these tests: the names, keys and words are those of the images, the comments are not.
- A kernel is an empty file of the right name: nobody boots it, but which ones are there tells the
  word size.

Sources: RPi-Distro/pi-gen: stage1/00-boot-files/files, stage2/04-cloud-init/files, `update_issue`
in scripts/common; raspberrypi/rpi-imager: src/customization_generator.cpp, for what Imager adds.
"""

from collections.abc import Iterable
from pathlib import Path

KERNELS_64 = ("kernel8.img", "kernel_2712.img")
KERNELS_32 = ("kernel.img", "kernel7.img", "kernel7l.img", "kernel8.img")

_ROOT = "console=serial0,115200 console=tty1 root=PARTUUID=8a438930-02 rootfstype=ext4"
_COMMON = {
    "config.txt": "camera_auto_detect=1\nauto_initramfs=1\narm_boost=1\n[all]\n",
}
_TRIXIE = {
    "cmdline.txt": f"{_ROOT} fsck.repair=yes rootwait resize\n",
    "meta-data": "# Of the image.\ndsmode: local\ninstance_id: rpios-image\n",
    "user-data": "#cloud-config\n\n# Nothing is set.\n#hostname: raspberrypi\n",
    "network-config": "# Nothing is set.\n#network:\n#  version: 2\n",
}
_BOOKWORM = {
    "cmdline.txt": (
        f"{_ROOT} fsck.repair=yes rootwait quiet init=/usr/lib/raspberrypi-sys-mods/firstboot\n"
    ),
}

IMAGERS_USER_DATA = """\
hostname: shed
manage_etc_hosts: true
users:
- name: ada
  groups: users,adm,video,sudo
  shell: /bin/bash
  lock_passwd: false
  passwd: $5$salt$hash
runcmd:
  - [ rfkill, unblock, wifi ]
"""
IMAGERS_FIRSTRUN = """\
#!/bin/bash

set +e

if [ -f /usr/lib/raspberrypi-sys-mods/imager_custom ]; then
   /usr/lib/raspberrypi-sys-mods/imager_custom set_hostname shed
else
   echo shed >/etc/hostname
fi
rm -f /boot/firstrun.sh
sed -i 's| systemd.run.*||g' /boot/cmdline.txt
exit 0
"""
IMAGERS_WORDS = (
    "systemd.run=/boot/firstrun.sh systemd.run_success_action=reboot "
    "systemd.unit=kernel-command-line.target"
)


def trixie(folder: Path, kernels: Iterable[str] = KERNELS_64, date: str = "2026-06-18") -> Path:
    """Raspberry Pi OS Lite 13, never booted."""
    return _lay_out(folder, _TRIXIE, kernels, date)


def bookworm(folder: Path, kernels: Iterable[str] = KERNELS_64, date: str = "2024-11-19") -> Path:
    """Raspberry Pi OS Lite 12, never booted."""
    return _lay_out(folder, _BOOKWORM, kernels, date)


def with_imagers_settings(folder: Path) -> Path:
    """What Imager adds to either where a hostname and a user are set in it."""
    if (folder / "user-data").exists():
        (folder / "user-data").write_text(f"#cloud-config\n{IMAGERS_USER_DATA}")
    else:
        (folder / "firstrun.sh").write_text(IMAGERS_FIRSTRUN)
        line = (folder / "cmdline.txt").read_text().rstrip("\n")
        (folder / "cmdline.txt").write_text(f"{line} {IMAGERS_WORDS}")
    return folder


def _lay_out(folder: Path, files: dict[str, str], kernels: Iterable[str], date: str) -> Path:
    folder.mkdir(parents=True)
    pi_gen = "Generated using pi-gen, https://github.com/RPi-Distro/pi-gen, 0123456789ab, stage2"
    issue = {"issue.txt": f"Raspberry Pi reference {date}\n{pi_gen}\n"}
    for name, text in {**_COMMON, **files, **issue}.items():
        (folder / name).write_text(text)
    for kernel in kernels:
        (folder / kernel).touch()
    return folder
