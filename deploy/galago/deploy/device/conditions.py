"""What has to be so before anything is changed on a device."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from galago.deploy.device import facts
from galago.deploy.device.places import Places
from galago.errors import DeviceError

_LOCK = Path("run/galago-installer.lock")


def check(places: Places) -> None:
    """See that this is the administrator, on a disk that is kept.

    Raises:
        DeviceError: with what to do.
    """
    if os.geteuid() != 0:
        raise DeviceError("installing needs root: begin the command with sudo")
    if facts.root_in_memory():
        raise DeviceError(
            "what is written here is gone after the next boot, for the root is an overlay in "
            "memory: sudo raspi-config nonint disable_overlayfs, reboot, install, and back"
        )
    for folder in (places.link.parent, places.units):
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise DeviceError(
                f"{folder} cannot be written ({error.strerror}): is the disk damaged, or mounted "
                "to be read only? findmnt / tells"
            ) from error


def check_target(wanted: dict[str, Any]) -> None:
    """See that a payload is for this kind of device.

    Raises:
        DeviceError: it is for another.
    """
    found = facts.facts()
    python = ".".join(found["python"].split(".")[:2])
    here = (found["codename"], found["bits"], python)
    same_machine = found["bits"] == 32 or found["machine"] == wanted["machine"]
    if here != (wanted["release"], wanted["bits"], wanted["python"]) or not same_machine:
        raise DeviceError(
            f"the payload is for {wanted['release']}, {wanted['machine']}, Python "
            f"{wanted['python']}; this is {found['codename']}, {found['machine']} with "
            f"{found['bits']}-bit programs, Python {python}: pack one for this device"
        )


@contextmanager
def alone(places: Places) -> Iterator[None]:
    """Nobody else installs meanwhile.

    Raises:
        DeviceError: somebody does.
    """
    with (places.root / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DeviceError("another installation is under way here: wait for it") from error
        yield
