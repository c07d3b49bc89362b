"""The file's outer form: a TFLite flatbuffer with a small zip archive behind it.

- Every TFLite program opens the file: a flatbuffer's reader ignores what follows it.
- Every zip program lists the archive: a zip's directory stands at the end of the file.
- The same parts give the same bytes: entries carry no time stamp.
- Entries are not compressed: MediaPipe reads them in place. Deflated ones of older files are read.
- Every byte belongs to one part: the flatbuffer, then the entries one behind the other, then the
  directory, then its end. No gap, no overlap, nothing behind: no offset in the file can hide a byte
  from the digest that guards the model.
- Reading trusts nothing: header and directory must say the same, names must be plain and differ,
  only known ones are unpacked, and no more is allocated than has come out. Nothing is written.

Python's zipfile writes the archive and does not read it: it reads a directory of any length before
one can say no, and is content with gaps, overlaps and two names for one entry.

Source: TFLite's own "associated files" use this form,
https://ai.google.dev/edge/litert/conversion/tensorflow/metadata; the records are those of
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.
"""

import io
import struct
import zipfile
import zlib
from typing import NamedTuple

from galago.errors import ModelFileError

MANIFEST, LABELS, GOLDEN = "galago.json", "labels.txt", "golden.npz"

# Far above what a classifier for a Pi needs, far below what would hurt one.
LIMITS = {MANIFEST: 1 << 20, LABELS: 1 << 20, GOLDEN: 32 << 20}
MAX_ENTRIES = 64
MAX_DIRECTORY = 64 << 10

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold

_HEADER = struct.Struct("<4s5H3L2H")  # before each entry
_RECORD = struct.Struct("<4s6H3L5H2L")  # one per entry, in the directory
_END = struct.Struct("<4s4H2LH")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _HARMLESS_FLAGS = 0x1, 0x806  # bits: how hard deflate tried, and that a name is UTF-8


class _Entry(NamedTuple):
    """What header and directory both say of an entry, and where its packed content lies."""

    name: str
    flags: int
    method: int
    checksum: int
    packed: int
    size: int
    start: int


def join(flatbuffer: bytes, entries: dict[str, bytes]) -> bytes:
    """Append `entries` (name → content) to a flatbuffer."""
    buffer = io.BytesIO()
    buffer.write(flatbuffer)
    # "w" begins where the buffer stands; "a" would take up an archive that the flatbuffer ends in.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return buffer.getvalue()


def split(content: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Take a file apart into its flatbuffer and Galago's entries; no entries in a foreign model.

    Raises:
        ModelFileError: not a TFLite flatbuffer, or Galago's part is damaged.
    """
    if content[4:8] != b"TFL3":
        raise ModelFileError("not a TFLite model (no TFL3 mark at its start)")
    try:
        end, members = _archive(content)
    except ModelFileError:
        if MANIFEST.encode() in content:
            raise
        return content, {}  # a foreign model's archive is no business of ours, whatever its form
    known = [entry for entry in members if entry.name in LIMITS]
    return content[:end], {entry.name: _unpacked(content, entry) for entry in known}


def _archive(content: bytes) -> tuple[int, list[_Entry]]:
    """Where the flatbuffer ends, and the entries in the order in which they stand behind it."""
    start, count = _directory(content)
    members, end, position = [], start, start
    for index in range(count):
        record, position = _record(content, position)
        offset = record[16]
        if index == 0:
            end = expected = offset
        if offset != expected:
            raise ModelFileError(
                f"damaged: entry {index + 1} is said to begin at byte {offset}, expected {expected}"
            )
        entry = _entry(content, record, position)
        position += sum(record[10:13])
        expected = entry.start + entry.packed
        members.append(entry)
    if position != len(content) - _END.size or (members and expected != start):
        raise ModelFileError("damaged: there are bytes in the archive that belong to no entry")
    _check_names([entry.name for entry in members])
    return end, members


def _directory(content: bytes) -> tuple[int, int]:
    """Where the directory starts, and how many entries it has."""
    last = len(content) - _END.size
    if last < 0 or content[last : last + 4] != b"PK\5\6":
        raise ModelFileError(
            "cut short, or something was added behind it: the end of the archive is not at the end "
            "of the file; copy the file again"
        )
    _, disk, first_disk, here, count, size, start, comment = _END.unpack_from(content, last)
    if count > MAX_ENTRIES or size > MAX_DIRECTORY:
        raise ModelFileError(
            f"damaged: the archive claims {count} entries in a directory of {size} bytes, expected "
            f"at most {MAX_ENTRIES} in {MAX_DIRECTORY}"
        )
    if (disk, first_disk, here, start + size, comment) != (0, 0, count, last, 0):
        raise ModelFileError("damaged: the end of the archive contradicts itself")
    return start, count


def _record(content: bytes, position: int) -> tuple[tuple[int, ...], int]:
    """An entry's record in the directory, and where the name behind it begins."""
    after = position + _RECORD.size
    if after > len(content) or content[position : position + 4] != b"PK\1\2":
        raise ModelFileError("damaged: the archive's directory is not one")
    return _RECORD.unpack_from(content, position), after


def _entry(content: bytes, record: tuple[int, ...], position: int) -> _Entry:
    """Read an entry's header and hold it against its record, whose name is at `position`."""
    flags, method, _, _, checksum, packed, size, length = record[3:11]
    offset = record[16]
    name = content[position : position + length]
    shown = repr(name.decode("ascii", "backslashreplace"))[:80]
    if content[offset : offset + 4] != b"PK\3\4" or offset + _HEADER.size > len(content):
        raise ModelFileError(f"damaged: there is no {shown} where the archive's directory says")
    _, _, *header, extra = _HEADER.unpack_from(content, offset)
    start = offset + _HEADER.size + length
    said = (flags, method, *record[5:11])
    if tuple(header) != said or content[start - length : start] != name:
        raise ModelFileError(f"damaged: header and directory differ about {shown}")
    if flags & _ENCRYPTED:
        raise ModelFileError(f"{shown} is encrypted: expected a file written by galago convert")
    if flags & ~_HARMLESS_FLAGS or method not in (_STORED, _DEFLATED):
        raise ModelFileError(f"damaged: {shown} is packed in a way that galago convert never uses")
    return _Entry(_text(name, shown), flags, method, checksum, packed, size, start + extra)


def _text(name: bytes, shown: str) -> str:
    """An entry's name; nothing that could mean another place, or another name on another system."""
    try:
        text = name.decode()
    except UnicodeDecodeError as error:
        raise ModelFileError(f"damaged: an entry's name is no text, {shown}") from error
    parts = text.replace("\\", "/").split("/")
    if not text.isprintable() or "" in parts or ".." in parts or ":" in text:
        raise ModelFileError(f"damaged: an entry must have a plain name, received {shown}")
    return text


def _check_names(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        folded = name.casefold()
        if folded in seen:
            raise ModelFileError(f"damaged: {name} is in it twice")
        seen.add(folded)


def _unpacked(content: bytes, entry: _Entry) -> bytes:
    name, limit = entry.name, LIMITS[entry.name]
    if entry.size > limit:
        raise ModelFileError(f"damaged: {name} is larger than {limit} bytes")
    packed = memoryview(content)[entry.start : entry.start + entry.packed]
    unpacked = _inflated(packed, entry) if entry.method == _DEFLATED else bytes(packed)
    if len(unpacked) != entry.size:
        raise ModelFileError(f"damaged: {name} is not what was written (length)")
    if zlib.crc32(unpacked) != entry.checksum:
        raise ModelFileError(f"damaged: {name} is not what was written (checksum)")
    return unpacked


def _inflated(packed: memoryview, entry: _Entry) -> bytes:
    """Inflate to one byte more than is claimed at most; that one gives a bomb away."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, entry.size + 1)
    except zlib.error as error:
        raise ModelFileError(f"damaged: {entry.name} is not what was written ({error})") from error
