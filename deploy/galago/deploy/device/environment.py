"""The Python environment of a release: made beside the others, checked, then put to use.

- It is made where it will stay, and is marked complete only once it runs and lies on the disk;
  one without the mark is removed and made anew.
- /opt/galago is changed by one rename: before it the old release is in use, after it the new one.
- Of the release before, all stays, for a rollback; older ones go.
- Its packages are its own; only what comes with the system alone (picamera2, and on 32 bits numpy
  and OpenCV) is taken from there.
"""

import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from galago.deploy.device.parcel import Parcel
from galago.deploy.device.places import SYSTEM_PYTHON, Places
from galago.deploy.device.running import ended, last_line, run
from galago.errors import DeviceError
from galago.files import relink, replacing

_RECORD = "release.json"
_CHECK_S = 180.0  # a Zero 2 W needs 20 s for the imports from a cold card
_INSTALL_S = 3600.0
_SPARE = 100_000_000  # what the system should have left; and pip's compiled files

# The daemon's parts, and the first interpreter that is there.
_CHECK = """
import importlib, importlib.util, cv2, numpy, galago.cli, galago.edge.run
from galago.bundle.interpreter import PROVIDERS
for name, module in PROVIDERS.items():
    if importlib.util.find_spec(module.partition(".")[0]):
        importlib.import_module(module)
        print(name)
        break
else:
    raise SystemExit("it has no TFLite interpreter")
"""


def is_ready(release: str, places: Places) -> bool:
    """Whether a release is complete and its Python starts."""
    folder = places.releases / release
    if not (folder / _RECORD).exists():
        return False
    return ended(folder / "bin/python", "-I", "-c", "", timeout_s=_CHECK_S).returncode == 0


def loads(release: str, places: Places) -> bool:
    """Whether the daemon's parts load; that takes a small Pi a while."""
    try:
        _check(places.releases / release)
    except DeviceError:
        return False
    return True


def make(parcel: Parcel, places: Places) -> None:
    """Make a release; whatever an interrupted run has left of it goes first.

    Raises:
        DeviceError: there is no room, something is missing, or what was made does not run.
        OSError: the disk fails.
    """
    folder = places.releases / parcel.release
    places.releases.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    check_room(parcel, places)
    run(
        SYSTEM_PYTHON, "-I", "-m", "venv", "--without-pip", "--system-site-packages", folder,
        timeout_s=_CHECK_S,
    )  # fmt: skip
    _install(parcel, folder)
    provider = _check(folder)
    run("sync", "--file-system", folder, timeout_s=_INSTALL_S)
    record = {
        "schema": 1,
        "galago": parcel.galago,
        "target": parcel.target,
        "interpreter": provider,
    }
    with replacing(folder / _RECORD) as temporary:
        temporary.write_text(json.dumps(record) + "\n", "utf-8")


def check_room(parcel: Parcel, places: Places) -> None:
    """See that the release fits on the disk, before anything is written.

    Raises:
        DeviceError: it does not.
    """
    folder = next(path for path in (places.releases, *places.releases.parents) if path.exists())
    # Compiled, Python's files take as much again; the libraries, which are most of it, do not.
    wanted = int(parcel.unpacked * 1.3) + _SPARE
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise DeviceError(
            f"{folder} has {free // 1_000_000} MB free, expected {wanted // 1_000_000} MB: make "
            "room (sudo apt clean), or take a larger card"
        )


def in_use(places: Places) -> str | None:
    """The release that /opt/galago points to.

    Raises:
        DeviceError: what is there is not a link.
    """
    if not places.link.is_symlink():
        if places.link.exists():
            raise DeviceError(
                f"{places.link} was not made by this installer: move it away, sudo mv "
                f"{places.link} {places.link}.old"
            )
        return None
    return places.link.readlink().name


def before(places: Places) -> str | None:
    """The release that a rollback takes, None if there is none."""
    if not places.previous.is_symlink():
        return None
    release = places.previous.readlink().name
    return release if release != in_use(places) and is_ready(release, places) else None


def use(release: str, places: Places) -> None:
    """Put a release to use, and remember the one that was."""
    current = in_use(places)
    if current == release:
        return
    # First what a rollback takes: interrupted here, there is nothing to go back to, and no harm.
    if current is not None:
        relink(places.previous, current)
    relink(places.link, os.path.relpath(places.releases / release, places.link.parent))


def prune(places: Places) -> None:
    """Remove the releases that are neither in use nor the one before."""
    kept = {in_use(places), before(places)}
    for folder in places.releases.iterdir():
        if folder.is_dir() and not folder.is_symlink() and folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def _install(parcel: Parcel, folder: Path) -> None:
    if parcel.pip is None or not (parcel.carried or parcel.online):
        raise DeviceError(
            f"this device does not have release {parcel.release}, and the payload has no wheels "
            "for it: pack it with them"
        )
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-warn-script-location"]
    options += ["--no-cache-dir", "--no-deps", "--ignore-installed", "--require-hashes"]
    options += ["--only-binary=:all:", f"--find-links={parcel.folder / 'wheels'}"]
    options += [] if parcel.online else ["--isolated", "--no-index"]
    with tempfile.TemporaryDirectory(dir=folder) as tools:
        with zipfile.ZipFile(parcel.pip) as archive:
            archive.extractall(tools)  # digests checked; faster than from the archive
        run(
            folder / "bin/python", "-P", "-m", "pip", "install", *options,
            f"--requirement={parcel.requirements}",
            timeout_s=_INSTALL_S, PYTHONPATH=tools,
        )  # fmt: skip


def _check(folder: Path) -> str:
    """See that the daemon's parts load and the command answers; returns the interpreter's name."""
    done = ended(folder / "bin/python", "-I", "-c", _CHECK, timeout_s=_CHECK_S)
    if done.returncode:
        raise DeviceError(f"what was installed does not run: {last_line(done.stderr)}")
    run(folder / "bin/galago", "--version", timeout_s=_CHECK_S)
    return done.stdout.strip()
