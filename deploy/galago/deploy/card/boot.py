"""What a boot partition is: the release on its card, the word size, how its first boot is set up.

- Only a mounted folder with a Raspberry Pi OS of a release that can be served is accepted; each
  refusal is one line that says what would help.
- What is not sure is not guessed: the caller is asked for the target.
- Nothing is written.

    boot = read_boot(Path("/media/me/bootfs"))
    print(boot.target.name, boot.form)        # trixie-aarch64 cloud-init

Sources: RPi-Distro/pi-gen: stage1/00-boot-files (cmdline.txt, config.txt), stage2/04-cloud-init
(meta-data, user-data, network-config), `update_issue` in scripts/common (issue.txt: a date and a
stage, no release's name).
"""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from galago.deploy.target import TARGETS, Release, Target, target_named
from galago.errors import UsageError

Form: TypeAlias = Literal["cloud-init", "firstrun"]

ISSUE, COMMAND_LINE, SETTINGS = "issue.txt", "cmdline.txt", "config.txt"
USER_DATA, META_DATA = "user-data", "meta-data"

# The dates of the first images of the two releases. Source: raspberrypi.com/software, release
# notes. Images of the release before ("legacy") go on being made: a date alone decides little.
_FIRST_BOOKWORM = "2023-10-10"
_FIRST_TRIXIE = "2025-10-01"
# Kernels that only a 32-bit system has; it has the 64-bit one, too.
_KERNELS_32 = ("kernel.img", "kernel7.img", "kernel7l.img")
_KERNEL_64 = "kernel8.img"
_DATE = re.compile(r"Raspberry Pi reference (\d{4}-\d{2}-\d{2})")
_STAGE = re.compile(r"\bstage(\d)\b")


@dataclass(frozen=True)
class Boot:
    """A boot partition that can be served. `lite`: without a desktop, and so without picamera2."""

    folder: Path
    form: Form
    target: Target
    lite: bool


def read_boot(folder: Path, target: str | None = None) -> Boot:
    """Look at a folder. `target`: such as trixie-aarch64, where the partition does not tell.

    Raises:
        UsageError: it is no boot partition of a Raspberry Pi OS that can be served, or `target` is
            unknown, or contradicts what is there.
    """
    _check_place(folder)
    issue = _read(folder / ISSUE)
    date = _DATE.search(issue)
    if date is None or not (folder / COMMAND_LINE).is_file() or not (folder / SETTINGS).is_file():
        raise UsageError(
            f"{folder} is not the boot partition of a Raspberry Pi OS: expected {ISSUE}, "
            f"{COMMAND_LINE} and {SETTINGS} in it; it is the small partition of the card, "
            "usually called bootfs"
        )
    form: Form = "cloud-init" if _has_seed(folder) else "firstrun"
    release, machine = _release(folder, date[1], form), _machine(folder)
    stage = _STAGE.search(issue)
    return Boot(folder, form, _target(release, machine, target), bool(stage and stage[1] == "2"))


def _check_place(folder: Path) -> None:
    try:
        mode = folder.stat().st_mode
    except OSError as error:
        raise UsageError(f"{folder} cannot be looked at: {error.strerror}") from error
    if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
        raise UsageError(
            f"{folder} is a device, which galago flash never touches: expected the folder where "
            "its boot partition is mounted, such as /media/me/bootfs"
        )
    if not stat.S_ISDIR(mode):
        raise UsageError(f"{folder} is not a folder: expected a card's mounted boot partition")
    if not os.access(folder, os.W_OK):
        raise UsageError(
            f"{folder} cannot be written: is the card's lock closed, or is it mounted for reading?"
        )


def _has_seed(folder: Path) -> bool:
    """Both are needed for cloud-init to take notice. Source: its DataSourceNoCloud."""
    return (folder / USER_DATA).is_file() and (folder / META_DATA).is_file()


def _release(folder: Path, date: str, form: Form) -> Release | None:
    """None where both could be."""
    words = _read(folder / COMMAND_LINE).split()
    # Since Bookworm the firmware loads an initramfs by itself; legacy Bullseye was made for years
    # beside it.
    if date < _FIRST_BOOKWORM or "auto_initramfs=1" not in _read(folder / SETTINGS).split():
        target_named("bullseye", "aarch64")  # which says why not
    if form == "cloud-init":
        return "trixie"
    if date < _FIRST_TRIXIE or any(
        word.endswith("raspberrypi-sys-mods/firstboot") for word in words
    ):
        return "bookworm"
    return None


def _machine(folder: Path) -> str | None:
    if any((folder / kernel).exists() for kernel in _KERNELS_32):
        return "armv7l"
    return "aarch64" if (folder / _KERNEL_64).exists() else None


def _target(release: Release | None, machine: str | None, said: str | None) -> Target:
    if said is None:
        if release is None or machine is None:
            raise UsageError(
                "the card does not tell which system it has: add --target with one of "
                f"{', '.join(target.name for target in TARGETS)}"
            )
        return target_named(release, machine)
    found_release, _, found_machine = said.partition("-")
    target = target_named(found_release, found_machine)
    if (release or target.release, machine or target.machine) != (target.release, target.machine):
        found = f"{release or target.release}-{machine or target.machine}"
        raise UsageError(f"--target {said}, but the card has {found}: leave --target out")
    return target


def _read(path: Path) -> str:
    """A text that is not there is empty, and odd bytes are no reason to stop."""
    try:
        return path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
