"""Zips of pictures, unpacked once.

- A zip is known by its content: unpacked again only after the cache has let it go.
- Its folder appears whole or not at all, and nothing is ever written outside of it.
- A zip that is damaged, locked, reaches outside, or would not fit the disk is refused in one line.

    folder = unpack(Path("animals.zip"))
"""

import hashlib
import os
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from zipfile import ZipFile, ZipInfo

from galago.errors import DataError
from galago.files import new_folder
from galago.progress import track
from galago.train.data import cache

_ENCRYPTED = 1  # bit of a member's flags


def unpack(archive: Path) -> Path:
    """The folder with the content of a zip; hidden files stay behind.

    Raises:
        DataError: it is damaged, encrypted, reaches outside its folder, or the disk is too small.
        OSError: it cannot be read, or the cache cannot be written.
    """
    with archive.open("rb") as file:
        place = cache.home() / "unpacked" / hashlib.file_digest(file, "sha256").hexdigest()
    if not place.is_dir():
        _unpack(archive, place)
    os.utime(place)  # used now: the last to go
    return place


def _unpack(archive: Path, place: Path) -> None:
    try:
        with ZipFile(archive) as source:
            members = _members(archive, source)
            cache.make_room(sum(member.file_size for member in members.values()), archive.name)
            with new_folder(place, replace=True) as folder:
                for path, member in track(members.items(), f"Unpacking {archive.name}"):
                    _extract(source, member, folder / path)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{archive} is damaged ({error}): copy or download it again") from error
    except NotImplementedError as error:  # a compression from after 2006, by zipfile's count
        raise DataError(f"{archive} cannot be unpacked ({error}): pack it anew") from error


def _members(archive: Path, source: ZipFile) -> dict[PurePosixPath, ZipInfo]:
    """What is to be unpacked, by the path it will have."""
    members = {}
    for member in source.infolist():
        # Zips made on Windows may have backslashes.
        path = PurePosixPath(PureWindowsPath(member.filename).as_posix())
        if path.is_absolute() or ".." in path.parts or PureWindowsPath(path).drive:
            raise DataError(
                f"{archive} holds {member.filename!r}, which reaches outside the folder it is "
                "unpacked to: refused; pack it anew"
            )
        if member.is_dir() or any(_skipped(part) for part in path.parts):
            continue
        if member.flag_bits & _ENCRYPTED:
            raise DataError(f"{archive} is encrypted: expected a zip without a password")
        members[path] = member
    return members


def _skipped(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"


def _extract(source: ZipFile, member: ZipInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with source.open(member) as packed, path.open("wb") as file:
        shutil.copyfileobj(packed, file)
