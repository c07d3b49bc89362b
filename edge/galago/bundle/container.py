"""The file's outer form: a TFLite flatbuffer with a small zip archive behind it.

- Every TFLite program opens the file: a flatbuffer's reader ignores what follows it.
- Every zip program lists the archive: a zip's directory stands at the end of the file.
- The same parts give the same bytes: entries carry no time stamp.
- Entries are not compressed: MediaPipe reads them in place. Deflated ones of older files are read.
- Reading trusts nothing: only known names, each once, each within a size limit.

Source: TFLite's own "associated files" use this form,
https://ai.google.dev/edge/litert/conversion/tensorflow/metadata
"""

import io
import zipfile
import zlib

from galago.errors import ModelFileError

MANIFEST, LABELS, GOLDEN = "galago.json", "labels.txt", "golden.npz"

# Far above what a classifier for a Pi needs, far below what would hurt one.
LIMITS = {MANIFEST: 1 << 20, LABELS: 1 << 20, GOLDEN: 64 << 20}

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold


def join(flatbuffer: bytes, entries: dict[str, bytes]) -> bytes:
    """Append `entries` (name → content) to a flatbuffer."""
    buffer = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_STORED)
    return buffer.getvalue()


def split(content: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Take a file apart into its flatbuffer and Galago's entries; no entries in a foreign model.

    Raises:
        ModelFileError: not a TFLite flatbuffer, or Galago's part is damaged.
    """
    if content[4:8] != b"TFL3":
        raise ModelFileError("not a TFLite model (no TFL3 mark at its start)")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            end = min((member.header_offset for member in members), default=len(content))
            entries = _read_entries(archive, members)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        if MANIFEST.encode() in content:
            raise ModelFileError(f"damaged or cut short ({error})") from error
        return content, {}
    return content[:end], entries


def _read_entries(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    entries: dict[str, bytes] = {}
    for member in members:
        name = member.filename
        if name not in LIMITS:
            continue
        if name in entries:
            raise ModelFileError(f"damaged: {name} is in it twice")
        with archive.open(member) as file:
            entries[name] = file.read(LIMITS[name] + 1)
        if len(entries[name]) > LIMITS[name]:
            raise ModelFileError(f"damaged: {name} is larger than {LIMITS[name]} bytes")
    return entries
