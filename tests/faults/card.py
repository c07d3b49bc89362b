"""The card that the state lies on: a small ext4 of its own, which can go wrong in every way.

Needs root and loop devices; `needs_a_card` skips without.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

SIZE_MB = 48


def needs_a_card(folder: Path) -> None:
    """Skip unless one can be made in `folder`, and name what is missing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs Linux and root")
    for program in ("mkfs.ext4", "e2fsck", "mount", "losetup", "fsfreeze", "setpriv"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing (Debian: apt install e2fsprogs util-linux)")
    if not Path("/dev/loop-control").exists():
        pytest.skip("this kernel has no loop devices")
    try:
        with Card(folder):
            pass
    except subprocess.CalledProcessError as error:
        pytest.skip(f"a small disk cannot be mounted here: {error.stderr.decode().splitlines()[0]}")
    shutil.rmtree(folder)
    folder.mkdir()


class Card:
    """A mounted file system, at `path`; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "card"
        self._images = folder
        self._generation = 0

    def __enter__(self) -> Self:
        self.path.mkdir()
        with self._image.open("wb") as image:
            image.truncate(SIZE_MB << 20)
        _do("mkfs.ext4", "-q", "-m", "0", self._image)
        self._mount()
        return self

    def __exit__(self, *_: object) -> None:
        # Lazily: what still reads there lets go of it when it ends.
        _try("umount", "--lazy", self.path)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Somebody else has written it full, to the last block."""
        filler = self.path / "filler"
        with filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue
        try:
            yield
        finally:
            filler.unlink()

    @contextmanager
    def forbidden(self) -> Iterator[None]:
        """Nobody may enter the folder any more."""
        self.path.chmod(0)
        try:
            yield
        finally:
            self.path.chmod(0o755)

    @contextmanager
    def broken(self) -> Iterator[None]:
        """The kernel has found an error and writes no more; then a check, and a fresh mount.

        Who had files open there may hold the broken one for ever: what comes back is a copy.
        """
        _do("mount", "-o", "remount,abort", self.path)
        try:
            yield
        finally:
            broken = self._image
            _do("umount", "--lazy", self.path)
            self._generation += 1
            shutil.copyfile(broken, self._image)
            _try("e2fsck", "-fy", self._image)
            self._mount()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Whoever writes waits, and cannot even be killed."""
        _do("fsfreeze", "--freeze", self.path)
        try:
            yield
        finally:
            _do("fsfreeze", "--unfreeze", self.path)

    @property
    def _image(self) -> Path:
        return self._images / f"card{self._generation}.img"

    def _mount(self) -> None:
        _do("mount", "-o", "loop", self._image, self.path)


def _do(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


def _try(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=False, capture_output=True)
