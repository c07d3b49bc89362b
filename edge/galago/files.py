"""Files and folders that appear whole or not at all.

- A reader of `path` sees the old content or the new, never a part (rename within one folder).
- After the call returns, the content survives a power cut (fsync of file and folder).
- When anything fails, a full disk included, nothing is left under the final name or beside it.

    with replacing(Path("porch.tflite")) as temporary:
        temporary.write_bytes(model)
"""

import errno
import glob
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from galago.errors import UsageError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path`; on success it takes the name `path`, durably.

    Raises:
        OSError: the folder is missing or read-only, or the disk is full; `path` is as it was.
    """
    with _taking(path, Path.replace) as temporary:
        yield temporary


@contextmanager
def adding(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path`; on success it takes the name, if that is still free.

    Raises:
        FileExistsError: something has that name, and keeps it.
        OSError: as `replacing`.
    """
    with _taking(path, _take_free_name) as temporary:
        yield temporary


@contextmanager
def _taking(path: Path, take_name: Callable[[Path, Path], object]) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp's 0600 is for secrets; this is not one
        fsync(temporary)
        take_name(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync(path.parent)


def relink(path: Path, target: str) -> None:
    """Have the symbolic link `path` point to `target`, durably; readers see the old one or the new.

    Raises:
        OSError: the folder cannot be written; `path` is as it was.
    """
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        temporary.symlink_to(target)
        temporary.replace(path)
    fsync(path.parent)


def _take_free_name(temporary: Path, path: Path) -> None:
    """Name a file as nothing else is named: rename(2) would replace without a word.

    Source: link(2), EEXIST; EPERM is what FAT answers, which has no second names.
    """
    try:
        path.hardlink_to(temporary)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP}:
            raise
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        temporary.replace(path)
        return
    temporary.unlink()


def check_place(path: Path) -> None:
    """See that `path` can be written, before long work is spent on its content.

    Raises:
        UsageError: its folder is not there.
        OSError: its folder cannot be written.
    """
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is not a folder: make it, or choose another place")
    with tempfile.TemporaryFile(dir=path.parent):
        pass


@contextmanager
def new_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; on success it takes the name `path`, durably.

    Raises:
        UsageError: something non-empty already has that name, and `replace` is false.
        OSError: the parent cannot be written or the disk is full; `path` is as it was.
    """
    path = path.absolute()
    occupied = path.exists() and not (path.is_dir() and not any(path.iterdir()))
    if occupied and not replace:
        raise UsageError(f"{path} already exists: choose another name, or remove it first")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        for inner in [*temporary.rglob("*"), temporary]:
            fsync(inner)
        _take_name(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    fsync(path.parent)


def remove_leftovers(path: Path) -> None:
    """Remove what a killed process has left beside `path` while it wrote it.

    Only for a name that nobody else is writing to now.
    """
    for left in path.absolute().parent.glob(f".{glob.escape(path.name)}.*"):
        # The eight characters are tempfile's. What `_take_name` has put aside may be all there is.
        if not re.fullmatch(r"[a-z0-9_]{8}", left.name.removeprefix(f".{path.name}.")):
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _take_name(temporary: Path, path: Path) -> None:
    """Rename a folder over another.

    rename(2) replaces only an empty folder, so a full one steps aside first; it comes back if its
    place cannot be taken.
    """
    if not path.exists() or not any(path.iterdir()):
        temporary.replace(path)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
    path.replace(aside)
    try:
        temporary.replace(path)
    except BaseException:
        aside.replace(path)
        raise
    shutil.rmtree(aside)


def fsync(path: Path) -> None:
    """Have a file's content, or the names in a folder, survive a power cut."""
    if path.is_dir() and os.name == "nt":
        return  # Windows has no handle on a folder that could be synced
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
