"""New files and folders that are on the disk to stay, and what they take there.

Nothing is replaced here: a name is new or refused. So no temporary files are needed; nobody looks
at a file before its row is there, which comes after (galago.edge.snapshots.shelf).
"""

import os
from contextlib import ExitStack, suppress
from pathlib import Path

from galago.files import fsync


def write_all(contents: dict[Path, bytes], block: int) -> int:
    """Write new files of one folder, all or none; returns the bytes that they take on the disk.

    One fsync for each file and one for the folder: four for a picture, on top of the database's.
    `block`: as of `block_size`.

    Raises:
        FileExistsError: a name is taken; that file stays as it is.
        OSError: the folder is missing or read-only, or the disk is full; none of them is left.
    """
    made: list[Path] = []
    try:
        with ExitStack() as stack:
            handles: list[int] = []
            for path, content in contents.items():
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
                stack.callback(os.close, handle)
                made.append(path)
                handles.append(handle)
                _write(handle, content)
            for handle in handles:  # after all are written: the first takes the others with it
                os.fsync(handle)
            for folder in {path.parent for path in made}:
                fsync(folder)
            return sum(taken(os.fstat(handle), block) for handle in handles)
    except BaseException:
        for path in made:
            with suppress(OSError):
                path.unlink()
        raise


def block_size(folder: Path) -> int:
    """What the smallest file takes on the disk of `folder`, in bytes."""
    return os.statvfs(folder).f_frsize or 4096


def round_up(size: int, block: int) -> int:
    """Bytes that so many take, in whole blocks."""
    return -(-size // block) * block


def taken(stat: os.stat_result, block: int) -> int:
    """Bytes that a file takes: in whole blocks, or more if its file system says so.

    Source: stat(2), st_blocks, in units of 512 bytes.
    """
    return max(stat.st_blocks * 512, round_up(stat.st_size, block))


def _write(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]
