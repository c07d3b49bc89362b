"""What a device needs from the package index, fetched once and kept.

- Every file has a digest that the lock names; one that has not never leaves this machine.
- A wheelhouse is complete or not there; it is kept in $GALAGO_CACHE or the user's cache folder,
  under a name that its lock and target give, and the network is not asked again.
- Nothing is built: a device needs no compiler.

    folder = wheelhouse(target)
    requirements = requirements_of(target)   # the lines that pip installs on the device
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from galago.deploy.target import Requirement, Target
from galago.errors import DeviceError, GalagoError, UsageError
from galago.files import new_folder

# What installs them there: Debian's own pip is a package that Raspberry Pi OS Lite lacks.
PIP = Requirement(
    "pip",
    "26.3",
    frozenset({"f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"}),
)
_PATIENCE_S = 1800.0  # a hundred megabytes over a slow line


def requirements_of(target: Target) -> str:
    """The text of requirements.txt, without Galago's own line: one package a line, with digests."""
    return "".join(f"{requirement.line}\n" for requirement in target.requirements())


def wheelhouse(target: Target, cache: Path | None = None) -> Path:
    """The folder with every wheel that a target needs, pip's among them; fetched if not there.

    `cache`: where it is kept instead of the user's folder.

    Raises:
        UsageError: this Python has no pip to fetch with.
        DeviceError: the index cannot be asked, or lacks a wheel.
        OSError: the cache cannot be written.
    """
    folder = place(target, cache)
    if not folder.is_dir():
        with new_folder(folder) as made:
            _download(target, made)
    _check(folder, target)
    return folder


def place(target: Target, cache: Path | None = None) -> Path:
    """Where the wheelhouse of a target is, or would be."""
    key = hashlib.sha256(_wanted(target).encode()).hexdigest()[:16]
    return (cache or home()) / "wheels" / f"{target.name}-{key}"


def home() -> Path:
    """$GALAGO_CACHE, or galago/ in the user's cache folder; as galago.train has it."""
    if named := os.environ.get("GALAGO_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "galago"


def _wanted(target: Target) -> str:
    return requirements_of(target) + f"{PIP.line}\n"


def _download(target: Target, folder: Path) -> None:
    listed = folder / "wanted.txt"
    listed.write_text(_wanted(target))
    # pip would judge markers and dependencies for this Python: it is given neither.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--require-hashes"]
    command += ["--implementation=cp", f"--python-version={target.python}"]
    command += [f"--platform={tag}" for tag in target.platforms]
    command += [f"--dest={folder}", f"--requirement={listed}"]
    try:
        done = subprocess.run(  # noqa: S603 - pip, with arguments of our own
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(f"the index gave no wheels in {_PATIENCE_S / 60:.0f} minutes") from error
    if done.returncode:
        raise _explained(done.stderr, target)
    listed.unlink()


def _explained(said: str, target: Target) -> GalagoError:
    if "No module named pip" in said:
        return UsageError(
            "this Python has no pip to fetch the device's packages with: python -m ensurepip"
        )
    errors = [line for line in said.splitlines() if line.startswith("ERROR: ")]
    why = (errors or said.splitlines() or ["pip said nothing"])[-1].removeprefix("ERROR: ")
    return DeviceError(
        f"the packages of {target.name} cannot be fetched: {why}; is this machine online?"
    )


def _check(folder: Path, target: Target) -> None:
    """Every requirement has its wheel, and its digest is the lock's."""
    found = {digest_of(path): path for path in folder.glob("*.whl")}
    for requirement in (*target.requirements(), PIP):
        if not requirement.digests & found.keys():
            raise DeviceError(
                f"{folder} has no undamaged wheel of {requirement.name} {requirement.version}: "
                "remove that folder, and it is fetched anew"
            )


def digest_of(path: Path) -> str:
    """The file's sha256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
