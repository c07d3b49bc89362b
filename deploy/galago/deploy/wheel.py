"""The wheel of the Galago that is running, made from its own files.

- A version that is on no index, or that is being developed, deploys itself.
- The same files give the same bytes: names sorted, one date, stored as they are, so that no
  version of zlib makes a difference.
- Only Galago's package is in it; what the interpreter leaves beside it is not.
- It can be imported from where it lies: Python 3.11 finds a namespace in an archive only by an
  entry for its folder, which pip passes over.

    wheel = write_wheel(Path("wheels"))      # wheels/galago-0.1.0-py3-none-any.whl
"""

import base64
import hashlib
import os
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import galago
from galago.errors import UsageError
from galago.files import replacing

_WHEEL = """\
Wheel-Version: 1.0
Generator: galago
Root-Is-Purelib: true
Tag: py3-none-any
"""
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can say
_INFORMATION = ("METADATA", "entry_points.txt")


def version() -> str:
    """The version of the Galago that is running.

    Raises:
        UsageError: it runs without having been installed.
    """
    try:
        return distribution("galago").version
    except PackageNotFoundError as error:
        raise UsageError("galago is not installed, only found: pip install it") from error


def write_wheel(folder: Path) -> Path:
    """Make the wheel in `folder`; returns the file.

    Raises:
        UsageError: Galago runs without having been installed.
        OSError: a file cannot be read, or the folder not be written.
    """
    information = f"galago-{version()}.dist-info"
    content = {**_package(), **_information(information), f"{information}/WHEEL": _WHEEL.encode()}
    record = f"{information}/RECORD"
    lines = [_recorded(name, data) for name, data in sorted(content.items())]
    content[record] = "".join([*lines, f"{record},,\n"]).encode()
    path = folder / f"galago-{version()}-py3-none-any.whl"
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        _add(archive, "galago/", b"", 0o40755)
        for name, data in sorted(content.items()):
            _add(archive, name, data, 0o100644)
    return path


def _package() -> dict[str, bytes]:
    """Every file of every root that `galago` is found in, by its name in a wheel."""
    return {
        f"galago/{path.relative_to(root).as_posix()}": path.read_bytes()
        for root in map(Path, galago.__path__)
        for path in _files(root)
    }


def _files(root: Path) -> Iterator[Path]:
    # In the source tree, locks and units are links to where they are edited.
    for folder, inner, names in os.walk(root, followlinks=True):
        inner[:] = [name for name in inner if name != "__pycache__" and name[0] != "."]
        yield from (Path(folder) / name for name in names if _belongs(name))


def _belongs(name: str) -> bool:
    return not name.startswith(".") and not name.endswith((".pyc", ".pyo", "~"))


def _information(folder: str) -> dict[str, bytes]:
    """What the installed Galago says of itself."""
    found = distribution("galago")
    texts = {name: found.read_text(name) for name in (*_INFORMATION, "licenses/LICENSE")}
    return {f"{folder}/{name}": text.encode() for name, text in texts.items() if text}


def _recorded(name: str, data: bytes) -> str:
    """Source: the binary distribution format's RECORD, digests in base64 without padding."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def _add(archive: zipfile.ZipFile, name: str, data: bytes, mode: int) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.create_system = 3  # Unix, wherever this runs
    entry.external_attr = mode << 16 | (0x10 if name.endswith("/") else 0)
    archive.writestr(entry, data)
