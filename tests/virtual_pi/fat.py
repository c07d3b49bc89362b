"""A boot partition as a file: FAT with the label bootfs, as on a Raspberry Pi's card."""

from pathlib import Path

from tests.virtual_pi.debian import run

_SIZE_MB = 512  # as Raspberry Pi OS makes it; sparse


def write_fat(folder: Path, file: Path) -> Path:
    """Make a partition with what is in a folder, hidden files and all; returns the file."""
    file.unlink(missing_ok=True)
    run("mkfs.vfat", "-F", "32", "-n", "bootfs", "-C", file, _SIZE_MB * 1024)
    content = sorted(folder.iterdir())
    if content:
        run("mcopy", "-s", "-m", "-Q", "-i", file, *content, "::")
    return file


def read_fat(file: Path, folder: Path) -> Path:
    """Take out what is in a partition, into a new folder; returns the folder."""
    folder.mkdir(parents=True)
    run("mcopy", "-s", "-m", "-n", "-i", file, "::*", folder)
    return folder


def read_file(file: Path, name: str) -> bytes:
    """One file of a partition, as firmware reads it: whatever state the others were left in."""
    return run("mtype", "-i", file, f"::{name}").encode()
