"""Damage and malice: from a sound model file, files that are not.

- A mutant is its seed: `mutant(sample, "3:141")` gives the same bytes always and everywhere.
- Kinds that are refused on reading are common; those that reach a child process cost half a second
  each and are rare (see `KINDS`).
- What lies behind a checksum is changed with the checksum made right again: a hostile file's would
  be, and the code behind it is what a fuzzer must reach.
"""

import hashlib
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

from galago.bundle import container
from tests.fuzz.archives import WORDS, Member, Sample, archived, records, tricks

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 3, 1e308, -1e308, float("nan"), float("inf"), 10**400),
    *("", "x", "\ud800", "\x1b[2J\n", "é" * 9000, "../escape", "rgb", "bgr", "softmax", "sigmoid"),
    *([], {}, [[]], ["a"], ["a", "b"], ["a", 1], {"a": 1}, [None] * 3, {"height": 1, "width": 1}),
)
DEEP = "nested without end"
SHAPES = ((), (0,), (1,), (-1,), (2**40,), (2**63,), (10**6, 10**6), (32, 224, 224, 3), (1,) * 70)
DTYPES = ("|u1", "|O", "<f8", "<U99999999", "|V2147483647", "<M8[ns]", "zzz", "|u1, |O", "<c16")


def mutant(sample: Sample, seed: str) -> tuple[str, bytes]:
    """The kind of damage, and the damaged file."""
    chance = random.Random(seed)  # noqa: S311 - repeatable is what it must be
    kind = chance.choices(list(KINDS), [weight for _, weight in KINDS.values()])[0]
    return kind, KINDS[kind][0](sample, chance)


def flipped(content: bytes, chance: random.Random, start: int = 0, most: int = 8) -> bytes:
    """One to `most` bits turned over, from byte `start` on."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, most)):
        changed[chance.randrange(start, len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _flip(sample: Sample, chance: random.Random) -> bytes:
    return flipped(sample.content, chance)


def _overwrite(sample: Sample, chance: random.Random) -> bytes:
    """A run of zeros, ones or noise, as a bad sector leaves it."""
    content, length = sample.content, chance.choice((1, 4, 16, 512, 4096, 65536))
    start = chance.randrange(len(content))
    length = min(length, len(content) - start)
    run = chance.choice((bytes(length), b"\xff" * length, chance.randbytes(length)))
    return content[:start] + run + content[start + length :]


def _cut(sample: Sample, chance: random.Random) -> bytes:
    content = sample.content
    near_end = len(content) - chance.randrange(1, 1200)
    where = chance.choice((chance.randrange(len(content)), near_end, chance.randrange(64)))
    return chance.choice((content[:where], content[:where], content[where:]))


def _splice(sample: Sample, chance: random.Random) -> bytes:
    """A piece taken out, put in twice, moved, or replaced by one from elsewhere."""
    content = sample.content
    a, b, c = (chance.randrange(len(content)) for _ in range(3))
    piece = content[a : a + chance.choice((1, 30, 46, 4096, 100_000))]
    return chance.choice(
        (
            content[:a] + content[a + len(piece) :],
            content[:b] + piece + content[b:],
            content[:b] + piece + content[b + len(piece) :],
            content[: min(b, c)] + content[max(b, c) :] + content[min(b, c) : max(b, c)],
            content + content,
            content + piece,
            content[:8] + piece + content[8:],
        )
    )


def _manifest(sample: Sample, chance: random.Random) -> bytes:
    """galago.json changed where it is read, in an archive that is whole again."""
    document = json.loads(sample.entries["galago.json"])
    for _ in range(chance.randint(1, 2)):
        key = chance.choice(_READ_STRICTLY)
        place, last = _somewhere(document, key, chance)
        act = chance.random()
        if act < 0.2:
            place.pop(last)
        elif act < 0.9:
            place[last] = deepcopy(chance.choice(ODD))
        else:
            place[last] = DEEP
    text = _written(document, chance)
    if chance.random() < 0.4:
        text = _as_text(text, chance)
    return container.join(sample.flatbuffer, {**sample.entries, "galago.json": text})


# The rest of the document is for people: whatever stands there is no error, and would only keep
# children busy with sound models. `_for_people` sees to it now and then.
_READ_STRICTLY = (
    *("schema", "labels", "preprocess", "head", "flatbuffer_sha256", "golden"),
    *("temperature", "thresholds"),
)


def _somewhere(document: dict[str, Any], key: str, chance: random.Random) -> tuple[Any, Any]:
    """A place at or below `key`: its container, and its key or index in it."""
    place, last = document, key
    while key in document and chance.random() < 0.7:
        inner = place[last]
        if not isinstance(inner, dict | list) or not inner:
            break
        place, last = inner, chance.choice(list(inner) if isinstance(inner, dict) else [0])  # type: ignore[assignment]
    if isinstance(place, dict):
        place.setdefault(last, None)
    return place, last


def _written(document: dict[str, Any], chance: random.Random) -> bytes:
    """The document as JSON, with depth at which readers and writers in Python give up."""
    depth = chance.choice((9, 300, 480, 900, 990, 2000))
    nest = b"[" * depth + b"]" * depth
    return json.dumps(document).encode().replace(f'"{DEEP}"'.encode(), nest)


def _as_text(text: bytes, chance: random.Random) -> bytes:
    """Damage below the level of JSON: other encodings, depth without end, broken text."""
    return chance.choice(
        (
            b"[" * 200_000,
            b'{"a":' * 50_000,
            b"",
            b"null",
            b"[]",
            b"\xef\xbb\xbf" + text,
            text.decode().encode("utf-16"),
            text.replace(b'"schema": 2', b'"schema": 2, "schema": 99'),
            text.replace(b'"', b'"\\ud800', 9),
            text[: chance.randrange(len(text))],
            flipped(text, chance),
            b" " * 1_048_500 + text,
            text.replace(b"2", b"2" * 5000),
        )
    )


def _for_people(sample: Sample, chance: random.Random) -> bytes:
    """Nonsense where anything goes: only `inspect` could stumble over it."""
    document = json.loads(sample.entries["galago.json"])
    for _ in range(chance.randint(1, 3)):
        key = chance.choice(("quantization", "metrics", "provenance"))
        place, last = _somewhere(document, key, chance)
        place[last] = deepcopy(chance.choice((*ODD, DEEP)))
    text = _written(document, chance)
    return container.join(sample.flatbuffer, {**sample.entries, "galago.json": text})


def _labels(sample: Sample, chance: random.Random) -> bytes:
    labels = sample.entries["labels.txt"]
    damaged = chance.choice(
        (flipped(labels, chance), b"", labels * 2, labels.upper(), b"\xff" * 99)
    )
    return container.join(sample.flatbuffer, {**sample.entries, "labels.txt": damaged})


def _flatbuffer(sample: Sample, chance: random.Random) -> bytes:
    """A changed graph whose digest is right: what comes next is the interpreter."""
    graph = bytearray(sample.flatbuffer)
    for _ in range(chance.choice((1, 2, 4, 16))):
        # Tables stand at the ends, weights between.
        near = chance.randrange(8, min(6000, len(graph)))
        where = chance.choice((near, len(graph) - near, chance.randrange(8, len(graph) - 4)))
        if chance.random() < 0.5:
            graph[where] ^= 1 << chance.randrange(8)
        else:
            where = min(where & ~3, len(graph) - 4)
            graph[where : where + 4] = struct.pack("<L", chance.choice((*WORDS, where)))
    if chance.random() < 0.1:
        del graph[chance.randrange(8, len(graph)) :]
    return _made_right(sample, bytes(graph))


def _made_right(sample: Sample, graph: bytes) -> bytes:
    document = json.loads(sample.entries["galago.json"])
    document["flatbuffer_sha256"] = hashlib.sha256(graph).hexdigest()
    text = json.dumps(document).encode()
    return container.join(graph, {**sample.entries, "galago.json": text})


def _golden(sample: Sample, chance: random.Random) -> bytes:
    """Golden frames that lie about their size, their type, or are something else."""
    arrays = _arrays(sample.entries["golden.npz"])
    name = chance.choice([*arrays, "outputs", "inputs"])
    array = arrays.get(name, b"")
    act = chance.randrange(7)
    if act == 0:
        arrays[name] = _npy(chance.choice(SHAPES), chance.choice(DTYPES), array[-64:])
    elif act == 1:
        arrays[name] = flipped(array or bytes(9), chance)
    elif act == 2:
        arrays[name] = _picture(array, chance)
    elif act == 3:
        arrays.pop(name, None)
    elif act == 4:
        arrays |= {f"frame_{number}": array for number in range(len(arrays), 3000)}
    elif act == 5:
        return _with_golden(sample, flipped(sample.entries["golden.npz"], chance))
    else:
        return golden_bomb(sample, chance.choice(("inputs", "frame_0")))
    return _with_golden(sample, _npz(arrays))


def golden_bomb(sample: Sample, name: str) -> bytes:
    """Golden frames whose array `name` unpacks to half a gigabyte."""
    return _with_golden(sample, _npz_bomb(name))


def _with_golden(sample: Sample, golden: bytes) -> bytes:
    return container.join(sample.flatbuffer, {**sample.entries, "golden.npz": golden})


def _arrays(npz: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(npz)) as archive:
        return {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}


def _npz(arrays: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in arrays.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content)
    return buffer.getvalue()


def _npy(shape: tuple[int, ...], dtype: str, content: bytes) -> bytes:
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + content


@cache
def _npz_bomb(name: str) -> bytes:
    """Half a gigabyte of zeros, deflated to half a megabyte."""
    size = 512 << 20
    header = _npy((size,), "|u1", b"")
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    checksum, million, packed = zlib.crc32(header), bytes(1 << 20), packer.compress(header)
    for _ in range(size >> 20):
        packed += packer.compress(million)
        checksum = zlib.crc32(million, checksum)
    member = Member(f"{name}.npy".encode(), packed + packer.flush(), 8, len(header) + size)
    member.header[5] = member.record[6] = checksum
    return archived(b"", [member], {})


def _picture(array: bytes, chance: random.Random) -> bytes:
    """A picture that claims to be enormous, or of a format with a decoder of its own."""
    start = array.find(b"RIFF")
    picture = bytearray(array[start:] if start >= 0 else b"")
    pixels = picture.find(b"VP8L")
    if pixels >= 0 and chance.random() < 0.5:
        picture[pixels + 9 : pixels + 13] = b"\xff\xff\xff\x0f"  # 16384 × 16384
    else:
        picture = bytearray(chance.choice(_PICTURES))
    return _npy((len(picture),), "|u1", bytes(picture))


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">L", zlib.crc32(kind + content))
        return struct.pack(">L", len(content)) + kind + content + checksum

    head = chunk(b"IHDR", struct.pack(">2L5B", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


_PICTURES = (
    _png(30_000, 30_000),
    _png(2**31 - 1, 1),
    b"P6 30000 30000 255\n",
    b"P6 -1 -1 255\n",
    b"BM" + struct.pack("<3L3l2H6L", 99, 0, 54, 40, 30_000, 30_000, 1, 24, *[0] * 6),
    b"GIF89a" + struct.pack("<2H", 0xFFFF, 0xFFFF) + bytes(99),
    b"II*\0\x08\0\0\0" + bytes(99),
    b"#?RADIANCE\n\n-Y 30000 +X 30000\n",
    b"\xff\xd8\xff\xe0" + bytes(99),
    bytes(99),
    b"",
)


# Kind → how it is made, and how often; the last three reach a child, and so do some manifests.
KINDS: dict[str, tuple[Callable[[Sample, random.Random], bytes], float]] = {
    "bits flipped": (_flip, 19),
    "overwritten": (_overwrite, 12),
    "cut": (_cut, 12),
    "spliced": (_splice, 12),
    "archive's records": (records, 16),
    "archive's tricks": (tricks, 16),
    "manifest": (_manifest, 8),
    "labels": (_labels, 2),
    "manifest, for people": (_for_people, 0.3),
    "flatbuffer, digest right": (_flatbuffer, 1.4),
    "golden frames": (_golden, 1.3),
}
