"""What was carried here, looked at before it is used.

- Every file has the digest that `payload.json` gives: a card or a line that spoils one is noticed.
- Names are names: none leads out of the folder.
"""

import hashlib
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from galago.errors import DeviceError

SCHEMA = 1
MANIFEST = "payload.json"


@dataclass(frozen=True)
class Parcel:
    """A payload on the device. `requirements`: pip's file; `config`: None to keep what is there.

    `apt`: modules that the system's packages have to bring, and the packages' names.
    """

    folder: Path
    release: str
    galago: str
    target: dict[str, Any]
    apt: dict[str, str]
    requirements: Path
    wheels: tuple[Path, ...]
    online: bool
    model: Path
    model_sha256: str
    config: Path | None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read and check.

        Raises:
            DeviceError: it is no payload, of another version, or a file of it is damaged.
        """
        document = _document(folder)
        try:
            described = [*document["wheels"], document["model"]]
            described += [document["config"]] if document["config"] else []
            parcel = cls(
                folder=folder,
                release=_matching(r"[0-9a-f]{16}", document["release"]),
                galago=str(document["galago"]),
                target=dict(document["target"]),
                apt=dict(document["apt"]),
                requirements=folder / _name(document["requirements"]),
                wheels=tuple(_wheel(folder, wheel) for wheel in document["wheels"]),
                online=bool(document["online"]),
                model=folder / _name(document["model"]["name"]),
                model_sha256=_matching(r"[0-9a-f]{64}", document["model"]["sha256"]),
                config=folder / _name(document["config"]["name"]) if document["config"] else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DeviceError(f"{folder / MANIFEST} is not a payload's: {error!r}") from error
        parcel.check(described)
        return parcel

    @property
    def carried(self) -> bool:
        """Whether all wheels of the release are in it, so that no network is needed."""
        lines = self.requirements.read_text("utf-8").splitlines()
        return len(self.wheels) > sum("==" in line for line in lines)  # and pip's own

    @property
    def pip(self) -> Path | None:
        """The wheel of pip, None where no wheels were carried."""
        return next((path for path in self.wheels if path.name.startswith("pip-")), None)

    @property
    def unpacked(self) -> int:
        """Bytes that the wheels take on the disk."""
        total = 0
        for path in self.wheels:
            with zipfile.ZipFile(path) as archive:
                total += sum(entry.file_size for entry in archive.infolist())
        return total

    def check(self, described: list[dict[str, Any]]) -> None:
        """See that each file is what it is described as.

        Raises:
            DeviceError: it is damaged or missing.
        """
        if self.release != self._release():
            raise DeviceError(f"{self.requirements} was damaged on its way: bring the payload anew")
        paths = [*self.wheels, self.model, *([self.config] if self.config else [])]
        for path, what in zip(paths, described, strict=True):
            if _digest(path) != what["sha256"]:
                raise DeviceError(f"{path} was damaged on its way here: bring the payload anew")

    def _release(self) -> str:
        """As galago.deploy.payload names it."""
        try:
            wanted = self.requirements.read_text("utf-8")
        except OSError as error:
            raise DeviceError(f"{self.requirements} is missing: bring the payload anew") from error
        identity = f"{self.target['release']}-{self.target['machine']}\n{wanted}"
        return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _document(folder: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        schema = document["schema"]
    except OSError as error:
        raise DeviceError(f"{folder} is not a payload: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DeviceError(f"{folder / MANIFEST} is damaged: bring the payload anew") from error
    if schema != SCHEMA:
        raise DeviceError(
            f"{folder / MANIFEST} has form {schema}, expected {SCHEMA}: use the installer that is "
            "in the payload's own wheel"
        )
    return document


def _wheel(folder: Path, described: dict[str, Any]) -> Path:
    return folder / "wheels" / _name(described["name"])


def _name(value: object) -> str:
    return _matching(r"[^/\0]*[^/\0.][^/\0]*", value)


def _matching(pattern: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ValueError(value)
    return value


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DeviceError(f"{path} is missing or cannot be read: bring the payload anew") from error
