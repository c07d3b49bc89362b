"""What the shelf takes on the disk: files as their rows say, folders as the disk says."""

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

from galago.files import fsync


class Ledger:
    """Bytes of the files and folders below `root`, counted as they come and go.

    `block`: of the file system, in bytes.
    """

    def __init__(self, root: Path, block: int) -> None:
        self.root, self.block = root, block
        self.files = 0
        self._pictures: Counter[str] = Counter()
        self._folders: dict[str, int] = {}

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.files + self.folders

    @property
    def folders(self) -> int:
        """Of the folders alone."""
        return sum(self._folders.values())

    def came(self, day: str, size: int) -> None:
        """A picture, whose files take `size` bytes, is in the folder of its day."""
        self._pictures[day] += 1
        self.files += size

    def grew(self, day: str, size: int) -> None:
        """A picture that is there takes `size` bytes more."""
        self.files += size
        self.measure(day)

    def went(self, day: str, size: int) -> None:
        """It is there no more; the folder goes with its last one."""
        self._pictures[day] -= 1
        self.files -= size
        if not self._pictures[day]:
            self.drop_if_empty(day)

    def open(self, day: str) -> Path:
        """The folder of a day, made if it is not there.

        Raises:
            OSError: it cannot be made.
        """
        folder = self.root / day
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            fsync(self.root)
            fsync(self.root.parent)
            self.measure(day)
        return folder

    def drop_if_empty(self, day: str) -> None:
        """Take the folder of a day without pictures away, unless it has something not ours."""
        if not self._pictures[day]:
            del self._pictures[day]
            with suppress(OSError):
                (self.root / day).rmdir()
        self.measure(day)

    def measure(self, day: str) -> None:
        """Ask the disk what a folder takes, and the one above it."""
        for name in (day, ""):
            try:
                self._folders[name] = (self.root / name).stat().st_blocks * 512
            except FileNotFoundError:
                self._folders.pop(name, None)

    def free(self) -> int:
        """Bytes of the disk that are free for us.

        Raises:
            OSError: the disk is not there.
        """
        disk = os.statvfs(self.root if self.root.is_dir() else self.root.parent)
        return disk.f_bavail * disk.f_frsize
