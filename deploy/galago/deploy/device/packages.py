"""What only the system's own packages can bring, since it belongs to the system's Python.

- It is fetched where the payload says that the device may use the network; else a person is told
  the command.
"""

from collections.abc import Iterator

from galago.deploy.device import facts, unit
from galago.deploy.device.parcel import Parcel
from galago.deploy.device.places import SYSTEM_PYTHON
from galago.deploy.device.running import ended, run
from galago.errors import DeviceError

_IMPORT_S = 120.0
_FETCH_S = 1800.0


def bring_modules(parcel: Parcel) -> None:
    """See that the system has the modules that no wheel can bring: numpy and OpenCV on 32 bits.

    Raises:
        DeviceError: it has not, and may not or cannot fetch them.
    """
    packages = [package for module, package in parcel.apt.items() if not _has(module)]
    if packages and parcel.online:
        _fetch(*packages)
    elif packages:
        raise DeviceError(
            f"{' and '.join(packages)} are missing, and on 32 bits come from the system alone: "
            f"{_command(*packages)}, or deploy with --online"
        )


def bring_picamera2(config: str, parcel: Parcel, *, dry: bool) -> Iterator[str]:
    """See that picamera2 is there if the camera is the Pi's own; yields what is left to do."""
    source = unit.parsed(config).get("camera", {}).get("source", "picamera2")
    if not str(source).startswith("picamera2") or facts.has_picamera2():
        return
    if parcel.online and facts.is_pi() and not dry:
        try:
            _fetch("python3-picamera2")
        except DeviceError as error:
            yield str(error)
        return
    yield f"the camera is the Pi's own, and picamera2 is missing: {_command('python3-picamera2')}"


def _has(module: str) -> bool:
    done = ended(SYSTEM_PYTHON, "-I", "-c", f"import {module}", timeout_s=_IMPORT_S)
    return done.returncode == 0


def _fetch(*packages: str) -> None:
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    install = ("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *packages)
    tried = ended(*install, timeout_s=_FETCH_S, outlives=True, **quiet)
    if tried.returncode:  # perhaps only its lists are old
        run("apt-get", "update", "--quiet", timeout_s=_FETCH_S, outlives=True, **quiet)
        run(*install, timeout_s=_FETCH_S, outlives=True, **quiet)


def _command(*packages: str) -> str:
    return f"sudo apt install -y --no-install-recommends {' '.join(packages)}"
