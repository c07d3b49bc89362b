"""Files on a boot partition: written whole, only where they differ, and what they were before.

- Each file appears whole or not at all; line ends are LF whatever system this runs on.
- What another program has written is kept, byte for byte, in galago/before/ until the first boot.
- Writing the same again changes nothing, and says so.

    partition = Partition(Path("/media/me/bootfs"))
    partition.replace("network-config", text, mark="Written by galago")
    partition.mirror(payload.folder)
"""

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from galago.deploy.wheelhouse import digest_of
from galago.errors import UsageError
from galago.files import fsync, remove_leftovers, replacing

FOLDER = "galago"
PAYLOAD = f"{FOLDER}/payload"
SECRETS = f"{FOLDER}/secrets"
BEFORE = f"{FOLDER}/before"
INSTALLED = f"{FOLDER}/installed"
MANIFEST = f"{PAYLOAD}/payload.json"
LOG = "galago-first-boot.txt"  # what the first boot has done, for whoever looks at the card

# What FAT's long names cannot have. Source: Microsoft's FAT specification; space and dot last, too.
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f"*/:<>?\\|]')
_SPARE_BYTES = 8_000_000  # clusters that are half full, folders, what the system itself adds


@dataclass
class Partition:
    """A mounted partition; `written` and `unchanged` are the names of the files of this run."""

    root: Path
    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)

    def original(self, name: str, mark: str) -> str | None:
        """What was there before us; None for nothing. A text with `mark` is ours.

        Raises:
            UsageError: it is no text.
        """
        present = self._read(name)
        if present is not None and mark in present:
            return self._read(f"{BEFORE}/{name}")
        return present

    def replace(self, name: str, text: str, mark: str) -> None:
        """Put ours, which has `mark` in it, in the place of what was there, which is kept."""
        original = self.original(name, mark)
        if original is not None:
            self.write(f"{BEFORE}/{name}", original)
        else:
            self.remove(f"{BEFORE}/{name}")
        self.write(name, text)

    def restore(self, name: str, mark: str) -> None:
        """Have what was there before ours, be it nothing."""
        original = self.original(name, mark)
        if original is None:
            self.remove(name)
        else:
            self.write(name, original)

    def write(self, name: str, content: str | bytes) -> None:
        """A file, with the folders that lead to it."""
        data = content.encode() if isinstance(content, str) else content
        path = self.root / name
        remove_leftovers(path)
        if path.is_file() and path.read_bytes() == data:
            self.unchanged.append(name)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(data)
        self.written.append(name)

    def remove(self, name: str) -> None:
        """A file or a folder, if it is there."""
        path = self.root / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        else:
            return
        fsync(path.parent)
        self.written.append(name)

    def mirror(self, source: Path) -> None:
        """Have the payload's folder be as `source`; its manifest goes first and comes last.

        So a card that was pulled out too early holds no payload, instead of half of one.

        Raises:
            UsageError: it does not fit.
        """
        wanted = {
            path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()
        }
        manifest = Path(MANIFEST).name
        differing = [name for name in sorted(wanted) if self._differs(source, name)]
        extra = [name for name in self._payload() if name not in wanted]
        if differing or extra:
            self._check_room(source, wanted)
            self.remove(MANIFEST)
            self.remove(INSTALLED)
        for name in extra:
            self.remove(f"{PAYLOAD}/{name}")
        for name in sorted(wanted, key=lambda name: (name == manifest, name)):
            if name in differing or name == manifest:
                self.write(f"{PAYLOAD}/{name}", (source / name).read_bytes())
            else:
                self.unchanged.append(f"{PAYLOAD}/{name}")

    def size(self) -> int:
        """Bytes of all files that are there for the first boot."""
        return sum(
            path.stat().st_size for path in (self.root / FOLDER).rglob("*") if path.is_file()
        )

    def _payload(self) -> list[str]:
        folder = self.root / PAYLOAD
        return [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]

    def _differs(self, source: Path, name: str) -> bool:
        mine, theirs = self.root / PAYLOAD / name, source / name
        same_size = mine.is_file() and mine.stat().st_size == theirs.stat().st_size
        return not same_size or digest_of(mine) != digest_of(theirs)

    def _check_room(self, source: Path, wanted: set[str]) -> None:
        kept = {
            name for name in self._payload() if name in wanted and not self._differs(source, name)
        }
        going = sum(
            (self.root / PAYLOAD / name).stat().st_size
            for name in self._payload()
            if name not in kept
        )
        needed = sum((source / name).stat().st_size for name in wanted - kept) + _SPARE_BYTES
        free = shutil.disk_usage(self.root).free + going
        if needed > free:
            raise UsageError(
                f"{self.root} has {free / 1e6:.0f} MB free, expected {needed / 1e6:.0f} MB: is it "
                "the boot partition of a card that was just written? Write it anew"
            )

    def _read(self, name: str) -> str | None:
        path = self.root / name
        try:
            return path.read_bytes().decode() if path.is_file() else None
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is no text: write the card anew") from error


def fat_name(name: str) -> str:
    """A name that FAT can have, as near to this one as can be."""
    return _NOT_IN_NAMES.sub("_", name).rstrip(". ") or "_"
