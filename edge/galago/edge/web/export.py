"""All marked pictures as one zip, as `galago train` takes them: LABEL/NAME.jpg.

- Made while it is sent: neither memory nor disk holds more than one picture of it.
- What is "not that", without a word on what it is, is left out: there is no folder for it.
- Of a region the part that the model saw is taken, else the whole frame: in training, as in the
  camera, the model then sees the same.
"""

import asyncio
import io
import re
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from galago.edge.record import Snapshot
from galago.edge.snapshots.place import files
from galago.edge.web.desk import Library

_AT_ONCE = 50


async def training_zip(library: Library) -> AsyncIterator[bytes]:
    """The zip's bytes, piece by piece."""
    sink = _Sink()
    # Stored: a JPEG does not get smaller.
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        async for snapshot in _marked(library):
            jpeg = await asyncio.to_thread(_read, library, snapshot)
            if jpeg is not None:
                archive.writestr(_entry(snapshot), jpeg)
                yield sink.taken()
    yield sink.taken()


async def _marked(library: Library) -> AsyncIterator[Snapshot]:
    before: str | None = None
    while True:
        found = await library.read(
            lambda reader, before=before: reader.snapshots(  # type: ignore[misc]
                marked=True, before_name=before, limit=_AT_ONCE
            )
        )
        for snapshot in found:
            if snapshot.truth:
                yield snapshot
        if len(found) < _AT_ONCE:
            return
        before = found[-1].name


def _read(library: Library, snapshot: Snapshot) -> bytes | None:
    """None: it has gone to make room meanwhile."""
    paths = files(library.folder, snapshot.name)
    try:
        return (paths.crop if snapshot.region else paths.full).read_bytes()
    except FileNotFoundError:
        return None


def _entry(snapshot: Snapshot) -> zipfile.ZipInfo:
    taken = datetime.fromtimestamp(snapshot.time_ms / 1000, UTC)
    year = min(max(taken.year, 1980), 2107)  # what the format can say
    entry = zipfile.ZipInfo(
        f"{_folder(snapshot.truth or '')}/{snapshot.name}.jpg",
        (year, taken.month, taken.day, taken.hour, taken.minute, taken.second),
    )
    entry.external_attr = 0o644 << 16
    return entry


def _folder(label: str) -> str:
    """A label as a folder's name; of what a file system or a zip reader would stumble over, `_`."""
    return re.sub(r'[\x00-\x1f/\\:*?"<>|]', "_", label).strip(". ") or "_"


class _Sink(io.RawIOBase):
    """Takes what is written until it is taken away; zipfile does not seek in it."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(memoryview(data))  # type: ignore[arg-type]
        self._parts.append(part)
        return len(part)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
