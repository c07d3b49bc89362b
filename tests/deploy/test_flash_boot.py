"""What a folder is taken for before anything is written to it."""

import os
from pathlib import Path

import pytest

from galago.deploy.card.boot import read_boot
from galago.errors import UsageError
from tests.virtual_pi.boot_partitions import KERNELS_32, bookworm, trixie


def test_the_systems_are_told_apart(tmp_path: Path) -> None:
    """Release by what sets up the first boot, word size by the kernels."""
    of_13 = read_boot(trixie(tmp_path / "13"))
    assert (of_13.form, of_13.target.name, of_13.lite) == ("cloud-init", "trixie-aarch64", True)
    of_12 = read_boot(bookworm(tmp_path / "12"))
    assert (of_12.form, of_12.target.name) == ("firstrun", "bookworm-aarch64")
    small = read_boot(bookworm(tmp_path / "small", KERNELS_32))
    assert small.target.name == "bookworm-armv7l"


def test_a_legacy_system_is_not_taken_for_the_new_one(tmp_path: Path) -> None:
    """Bookworm is still made after Trixie's first image: its date alone says nothing."""
    assert read_boot(bookworm(tmp_path / "12", date="2026-06-18")).target.release == "bookworm"


def test_a_card_that_does_not_tell_is_asked_about(tmp_path: Path) -> None:
    """Without a kernel that is known, or between two releases, the caller has to say."""
    no_kernel = trixie(tmp_path / "13", kernels=())
    with pytest.raises(UsageError, match="add --target with one of bookworm-aarch64, "):
        read_boot(no_kernel)
    assert read_boot(no_kernel, "trixie-x86_64").target.name == "trixie-x86_64"
    first_of_13 = bookworm(tmp_path / "12", date="2025-10-01")
    (first_of_13 / "cmdline.txt").write_text("root=PARTUUID=8a438930-02 rootwait resize\n")
    with pytest.raises(UsageError, match="add --target"):
        read_boot(first_of_13)
    boot = read_boot(first_of_13, "trixie-aarch64")
    assert (boot.form, boot.target.release) == ("firstrun", "trixie")


def test_a_target_that_contradicts_the_card_is_refused(tmp_path: Path) -> None:
    """What the card tells is surer than what was typed."""
    boot = trixie(tmp_path / "13")
    with pytest.raises(UsageError, match="but the card has trixie-aarch64: leave --target out"):
        read_boot(boot, "bookworm-aarch64")
    with pytest.raises(UsageError, match="received another system on what"):
        read_boot(boot, "-what")


def test_systems_that_cannot_be_served_are_refused(tmp_path: Path) -> None:
    """Too old, or 32-bit of 13: with what to do instead."""
    with pytest.raises(UsageError, match="bullseye is too old"):
        read_boot(bookworm(tmp_path / "11", date="2023-05-03"))
    legacy = bookworm(tmp_path / "legacy")
    (legacy / "config.txt").write_text("arm_64bit=1\n")
    with pytest.raises(UsageError, match="bullseye is too old"):
        read_boot(legacy)
    with pytest.raises(UsageError, match="write the 64-bit one to the card"):
        read_boot(trixie(tmp_path / "13", KERNELS_32))


def test_another_folder_is_refused(tmp_path: Path) -> None:
    """Nothing, a file, any folder, the big partition of a card."""
    with pytest.raises(UsageError, match="cannot be looked at: No such file"):
        read_boot(tmp_path / "nothing")
    with pytest.raises(UsageError, match="is not the boot partition of a Raspberry Pi OS"):
        read_boot(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is not a folder"):
        read_boot(tmp_path / "file")


def test_a_device_is_never_touched() -> None:
    """Whoever names the card itself is told to name its folder."""
    disks = [path for path in Path("/dev").glob("*") if path.is_block_device()]
    for device in [Path("/dev/null"), *disks[:1]]:
        with pytest.raises(UsageError, match="is a device, which galago flash never touches"):
            read_boot(device)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any folder")
def test_a_locked_card_is_refused(tmp_path: Path) -> None:
    """Its little switch, or a mount for reading."""
    boot = trixie(tmp_path / "13")
    boot.chmod(0o500)
    with pytest.raises(UsageError, match="is the card's lock closed"):
        read_boot(boot)
