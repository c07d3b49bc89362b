"""Where a state folder lies, and what a kill or a power cut at this moment would leave of it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Self

from tests.virtual_pi.lossy import LossyDisk

SIZE_MB = 48
BLOCK = 4096  # as on a card; so small a file system would be made with smaller ones

_CARD_TOOLS = ("mkfs.ext4", "e2fsck", "mount", "losetup")
_EXPORTER = "qemu-storage-daemon"
_READY_S = 20.0


Left = Callable[[], AbstractContextManager[Path]]


class Folder:
    """An ordinary folder: a killed process leaves what it has written, as far as it came.

    `path` is it; a context manager. `cuts`: what the next start would find, by how it came about;
    each gives a copy that may be written to.
    """

    def __init__(self, scratch: Path) -> None:
        self.path = scratch / "place"
        self._copy = scratch / "copy"
        self.cuts: dict[str, Left] = {"killed": self._killed}

    def __enter__(self) -> Self:
        self.path.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path)

    def settle(self) -> None:
        """Whatever was written is safe from now on."""

    @contextmanager
    def _killed(self) -> Iterator[Path]:
        try:
            yield Path(
                shutil.copytree(
                    self.path, self._copy, symlinks=True, copy_function=_copy_what_stays
                )
            )
        finally:
            shutil.rmtree(self._copy)


class Card(Folder):
    """ext4 on a device that keeps all that it was sent; what the kernel still holds is gone.

    `busy`: before some of the cuts, somebody else on the card has had something brought to the
    disk. Then ext4 writes down the names that all have changed so far, and not what is in their
    files. `options`: of mount, besides the following.

    It has no `auto_da_alloc`, ext4's crutch for programs that rename before they fsync: other file
    systems have none.
    """

    def __init__(
        self, scratch: Path, *, seed: int = 0, busy: bool = True, options: str = ""
    ) -> None:
        super().__init__(scratch)
        self._busy, self._options = busy, f"noauto_da_alloc,{options}".rstrip(",")
        self._random = Random(seed)  # noqa: S311 - no secret
        self._raw, self._image = scratch / "card.raw", scratch / "left.raw"
        self._left = scratch / "left"
        self.cuts["cut"] = self._cut

    def __enter__(self) -> Self:
        with self._raw.open("wb") as file:
            file.truncate(SIZE_MB << 20)
        _run("mkfs.ext4", "-q", "-m", "0", "-b", BLOCK, self._raw)
        self._insert()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._raw.unlink()

    def settle(self) -> None:
        """As Folder."""
        _run("sync", "--file-system", self.path)

    def lose_power(self, kill: Callable[[], None]) -> None:
        """Cut, and go on with what is left. `kill` ends who has files open, after the cut.

        Raises:
            OSError: the file system does not come back by itself.
        """
        self._go_dark(self._image)
        kill()
        self._stack.close()
        self._image.replace(self._raw)
        with self._repaired(self._raw):
            pass
        self._insert()

    @contextmanager
    def _cut(self) -> Iterator[Path]:
        self._go_dark(self._image)
        try:
            with self._repaired(self._image) as path:
                yield path
        finally:
            self._image.unlink()

    @contextmanager
    def _repaired(self, image: Path) -> Iterator[Path]:
        """Mounted, as at the next start: the journal is all that it may need."""
        with _mounted(image, self._left, self._options) as path:
            yield path
        _run("e2fsck", "-fn", image)

    def _go_dark(self, image: Path) -> None:
        if self._busy and self._random.random() < 0.5:
            _sync_something(self.path / "neighbour")
        self._take(image)

    def _insert(self) -> None:
        with ExitStack() as stack:
            stack.enter_context(_mounted(self._device(stack), self.path, self._options))
            self._stack = stack.pop_all()

    def _device(self, _stack: ExitStack) -> Path:
        return self._raw

    def _take(self, image: Path) -> None:
        _run("cp", "--sparse=always", self._raw, image)


class LossyCard(Card):
    """The same on a disk that has a cache of its own (tests.virtual_pi.lossy).

    The kernel has begun, or not, to write what nobody has synced. `unflushed`: sectors that were in
    the disk's cache at each cut.
    """

    def __init__(
        self, scratch: Path, *, seed: int = 0, busy: bool = True, options: str = ""
    ) -> None:
        super().__init__(scratch, seed=seed, busy=busy, options=options)
        self.unflushed: list[int] = []

    def _device(self, stack: ExitStack) -> Path:
        self._disk = stack.enter_context(LossyDisk(self._raw, self._random.getrandbits(32)))
        device = self._raw.with_suffix(".device")
        device.touch()
        stack.callback(device.unlink)
        stack.enter_context(_exported(self._disk.socket, device))
        return device

    def _take(self, image: Path) -> None:
        if self._random.random() < 0.5:
            _write_back(self.path)
        self.unflushed.append(self._disk.image(image).unflushed)


def lacking(kind: type[Folder], scratch: Path) -> str:
    """What is missing here for such a place; "" if it can be."""
    tools = {Folder: (), Card: _CARD_TOOLS, LossyCard: (*_CARD_TOOLS, _EXPORTER)}[kind]
    if tools and (sys.platform != "linux" or os.geteuid() != 0):
        return "mounting a small disk needs Linux and root"
    if missing := [tool for tool in tools if shutil.which(tool) is None]:
        return f"{missing[0]} is missing (Debian: apt install e2fsprogs mount qemu-system-common)"
    try:
        with kind(scratch):
            return ""
    except (OSError, AssertionError) as error:
        return f"a small disk cannot be mounted here: {error}"


def best_place(scratch: Path) -> Folder:
    """The one that loses most, of those that can be here."""
    kinds: tuple[type[Folder], ...] = (LossyCard, Card, Folder)
    return next(kind for kind in kinds if not lacking(kind, scratch))(scratch)


@contextmanager
def _mounted(image: Path, path: Path, options: str) -> Iterator[Path]:
    path.mkdir()
    try:
        _run("mount", "-o", f"loop,{options}", image, path)
        try:
            yield path
        finally:
            _run("umount", path)
    finally:
        path.rmdir()


@contextmanager
def _exported(socket: Path, device: Path) -> Iterator[None]:
    """A disk that speaks NBD, as a file that can be mounted."""
    blocks = f"driver=nbd,node-name=disk,server.type=unix,server.path={socket},cache.direct=on"
    export = f"type=fuse,id=export,node-name=disk,mountpoint={device},writable=on"
    process = subprocess.Popen([_EXPORTER, "--blockdev", blocks, "--export", export])
    try:
        deadline = time.monotonic() + _READY_S
        while device.stat().st_size == 0:
            assert process.poll() is None, f"{_EXPORTER} has ended"
            assert time.monotonic() < deadline, f"{_EXPORTER} is not ready"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(_READY_S)


def _copy_what_stays(source: str, target: str) -> None:
    """Only the thread that is led stands still: others of the daemon make files and remove them."""
    with suppress(FileNotFoundError):
        shutil.copy2(source, target, follow_symlinks=False)


def _sync_something(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, b"x")
    os.fsync(handle)
    os.close(handle)


def _write_back(folder: Path) -> None:
    """Have the kernel begin to write the files' contents, without a flush behind them.

    Source: posix_fadvise(2), POSIX_FADV_DONTNEED, which begins to write dirty pages.
    """
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            handle = os.open(path, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def _run(*words: object) -> None:
    """Run a tool.

    Raises:
        OSError: it failed; what it said is the message.
    """
    command = [str(word) for word in words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
