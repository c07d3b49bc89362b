"""Why the disk did not take something: in words, and of what sort."""

import errno
import os
import sqlite3
from pathlib import Path

_ROOM = 256 * 1024  # bytes; less is too little for a transaction and what belongs to it

_FULL = "the disk is full"
_READ_ONLY = "the file system is read-only"
_FORBIDDEN = "no permission to write there"
_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
}

# Primary result codes, sqlite.org/rescode.html.
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}


class BrokenError(Exception):
    """The file is no store of events, or one that cannot serve; the text says why."""


def is_broken(error: Exception) -> bool:
    """Whether the file is not, or no longer, a database that can be used."""
    return isinstance(error, BrokenError) or _code(error) in _BROKEN


def is_disk(error: Exception) -> bool:
    """Whether the same may succeed later: the fault is the disk's, not of what was to be written.

    SQLITE_ERROR stays out of it: a statement that cannot work.
    """
    if isinstance(error, OSError):
        return True
    return isinstance(error, sqlite3.OperationalError) and _code(error) != sqlite3.SQLITE_ERROR


def worded(error: Exception, folder: Path) -> str:
    """One line for health: SQLite says "disk I/O error" of many things, so the disk is asked."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    known = _ERRNO.get(getattr(error, "errno", 0))
    return f"{known or _asked(folder) or 'it does not take what is written'}: {folder}: {said}"


def _asked(folder: Path) -> str | None:
    try:
        disk = os.statvfs(folder)
    except FileNotFoundError:
        return "the folder is gone and cannot be made again"
    except OSError:
        return "the folder cannot be reached"
    if disk.f_flag & os.ST_RDONLY:
        return _READ_ONLY
    if disk.f_bavail * disk.f_frsize < _ROOM:
        return _FULL
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return _FORBIDDEN
    return None


def _code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
