"""The disk or card: is there room, can it be written, does it fail?"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from galago.edge.doctor.commands import as_root
from galago.edge.doctor.finding import Finding, error, note, ok, warning
from galago.edge.doctor.patient import Patient

_LITTLE_MB, _LESS_MB = 100.0, 500.0
_FEW = 0.02  # of all inodes


def look(patient: Patient) -> Iterator[Finding]:
    """Where the daemon keeps its state, and the system's own."""
    place = existing(patient.settings.store.folder or patient.state)
    keep_free_mb = patient.settings.snapshots.keep_free_mb
    yield from _room(place, keep_free_mb)
    yield from judge_mounts(patient.read("/proc/mounts"), is_pi=patient.is_pi)
    yield from _failing(patient)
    if patient.is_installed and not os.access(place, os.R_OK):
        yield note(
            "state",
            f"{place} may not be looked into by {patient.user}: models and events are not seen",
            as_root(),
        )


def existing(path: Path) -> Path:
    """The folder itself, or the next above it that is there and may be seen."""
    return next(one for one in (path, *path.parents) if os.access(one, os.F_OK))


def _room(place: Path, keep_free_mb: float) -> Iterator[Finding]:
    yield judge_room(shutil.disk_usage(place).free / 1e6, keep_free_mb)
    if not hasattr(os, "statvfs"):  # Windows
        return
    disk = os.statvfs(place)
    if disk.f_files and disk.f_favail / disk.f_files < _FEW:
        yield warning(
            "inodes",
            f"{disk.f_favail} of {disk.f_files} file entries (inodes) are left",
            f"many small files: sudo du --inodes -xS {place} | sort -n | tail",
        )


def judge_room(free_mb: float, keep_free_mb: float) -> Finding:
    """`keep_free_mb`: what pictures leave to others."""
    told = f"{free_mb / 1000:.1f} GB" if free_mb >= 1000 else f"{free_mb:.0f} MB"
    if free_mb < _LITTLE_MB:
        return error("disk", f"{told} of the disk are free", "sudo apt clean; df -h; delete files")
    if free_mb < min(_LESS_MB, keep_free_mb):
        return warning(
            "disk",
            f"{told} of the disk are free: no pictures are kept below {keep_free_mb:.0f} MB",
            "delete what is not Galago's (df -h), or set keep_free_mb under [snapshots]",
        )
    return ok("disk", f"{told} free")


def judge_mounts(mounts: str, *, is_pi: bool) -> Iterator[Finding]:
    """By /proc/mounts. Source: proc_pid_mounts(5)."""
    rows = [line.split() for line in mounts.splitlines()]
    root = next((row for row in reversed(rows) if len(row) > 3 and row[1] == "/"), None)
    if root is None:
        return
    device, _, kind, options = root[:4]
    if kind == "overlay" and is_pi:
        yield warning(
            "root-overlay",
            "the root file system is an overlay in memory: events and models are gone after a boot",
            "sudo raspi-config nonint disable_overlayfs, or keep /var/lib/galago on a disk",
        )
    elif "ro" in options.split(","):
        yield error(
            "root-read-only",
            f"{device} is mounted read-only: by choice, or because the card fails",
            "sudo dmesg | grep -iE 'ext4|mmc'; then sudo mount -o remount,rw /",
        )
    else:
        yield ok("root", f"{device} ({kind}) can be written")


def _failing(patient: Patient) -> Iterator[Finding]:
    """Errors that ext4 has met and written into its superblock. Source: Linux, sysfs-fs-ext4."""
    for count in sorted(patient.at("/sys/fs/ext4").glob("*/errors_count")):
        name = count.parent.name
        met = patient.read(count.relative_to(patient.root)).strip()
        if met.isdigit() and int(met):
            yield error(
                f"disk-errors-{name}",
                f"{name} has met {met} errors: the card or disk is failing, or lost its power",
                "save what matters, write a new card (A2, from a good maker), use a strong supply",
            )
