"""What is carried to a device: a folder that its installer needs and nothing else.

    payload.json  requirements.txt  wheels/  porch.tflite  [galago.toml]

- `payload.json` names every other file with its digest; the installer checks them all.
- The release is known before anything is fetched or sent: a device that has it needs no wheels.
- Where the device is to use the index itself, only Galago's own wheel and pip's are carried.

    payload = pack(target, Path("payload"), model=Path("porch.tflite"), config=None)
    print(payload.release)
"""

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galago.deploy import wheelhouse
from galago.deploy.target import Target
from galago.deploy.wheel import version, write_wheel
from galago.errors import UsageError

SCHEMA = 1
MANIFEST = "payload.json"
REQUIREMENTS = "requirements.txt"
CONFIGURATION = "galago.toml"


@dataclass(frozen=True)
class Payload:
    """A folder that is ready to be carried. `size`: of all its files, in bytes."""

    folder: Path
    release: str
    model_sha256: str
    size: int


def release_of(target: Target) -> str:
    """The name of what would be installed: 16 hexadecimal digits.

    Of the target, of the packages that its lock names, and of Galago's own files; not of which of
    several equal wheels the index offers, nor of whether they are carried.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _release(target, write_wheel(Path(folder)))


def pack(  # noqa: PLR0913 - named, each of its own kind
    target: Target,
    folder: Path,
    *,
    model: Path,
    config: Path | None = None,
    online: bool = False,
    wheels: bool = True,
    cache: Path | None = None,
) -> Payload:
    """Fill `folder`, which is made, and must be empty if it is there.

    `online`: the device fetches packages from the index itself. `wheels` False: it has the release
    already and only gets Galago's own wheel, which its installer is in.

    Raises:
        UsageError: `folder` is not empty, or a file is missing.
        DeviceError: the wheels cannot be had.
        OSError: a file cannot be read or written.
    """
    _check(folder, model, config)
    (folder / "wheels").mkdir(parents=True)
    own = write_wheel(folder / "wheels")
    if wheels:
        _add_wheels(target, folder / "wheels", online=online, cache=cache)
    (folder / REQUIREMENTS).write_text(_requirements(target, own), "utf-8")
    shutil.copyfile(model, folder / model.name)
    if config:
        shutil.copyfile(config, folder / CONFIGURATION)
    manifest = _manifest(target, folder, own, model.name, online=online)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Payload(folder, manifest["release"], manifest["model"]["sha256"], size)


def _check(folder: Path, model: Path, config: Path | None) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: name a new folder")
    for path in (model, config):
        if path and not path.is_file():
            raise UsageError(f"{path} is not a file")


def _add_wheels(target: Target, folder: Path, *, online: bool, cache: Path | None) -> None:
    house = wheelhouse.wheelhouse(target, cache)
    for wheel in house.glob("pip-*.whl" if online else "*.whl"):
        shutil.copyfile(wheel, folder / wheel.name)


def _requirements(target: Target, own: Path) -> str:
    digest = wheelhouse.digest_of(own)
    return wheelhouse.requirements_of(target) + f"galago=={version()} --hash=sha256:{digest}\n"


def _release(target: Target, own: Path) -> str:
    identity = f"{target.name}\n{_requirements(target, own)}"
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _manifest(
    target: Target, folder: Path, own: Path, model: str, *, online: bool
) -> dict[str, Any]:
    wheels = sorted((folder / "wheels").glob("*.whl"))
    config = folder / CONFIGURATION
    return {
        "schema": SCHEMA,
        "release": _release(target, own),
        "galago": version(),
        "target": target.to_json(),
        "apt": target.apt,
        "requirements": REQUIREMENTS,
        "wheels": [_described(wheel) | {"bytes": wheel.stat().st_size} for wheel in wheels],
        "online": online,
        "model": _described(folder / model),
        "config": _described(config) if config.exists() else None,
    }


def _described(path: Path) -> dict[str, Any]:
    return {"name": path.name, "sha256": wheelhouse.digest_of(path)}
