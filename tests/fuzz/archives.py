"""An archive told wrongly: what zip files have been made to do to their readers.

- `archived` writes any archive, true or not: a member may lie in its header, its record, or both.
- `tricks` and `records` make mutants of a sound model file from it, seeded by `chance`.
"""

import hashlib
import json
import random
import struct
import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from galago.bundle import container
from galago.bundle.model_file import MAX_BYTES

WORDS = (
    0,
    1,
    2,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFE,
    0xFFFFFFFF,
)
NAMES = (
    *(b"/etc/passwd", b"../escape", b"a/../../escape", b"C:\\escape", b"..\\escape", b"", b"."),
    *(b"galago.json", b"GALAGO.JSON", b"Labels.txt", b"golden.npz\0.txt", b"./galago.json"),
    *(b"\xff\xfe", "\u202egalago".encode(), b"a" * 5000, b"a\nb", b"\x1b[2J", b"dir/"),
)


@dataclass(frozen=True)
class Sample:
    """A sound model file, taken apart."""

    content: bytes
    flatbuffer: bytes
    entries: dict[str, bytes]

    @classmethod
    def read(cls, path: Path) -> "Sample":
        content = path.read_bytes()
        return cls(content, *container.split(content))


@dataclass
class Member:
    """An entry of an archive; to lie in header or directory, fields by their place there."""

    name: bytes
    content: bytes
    method: int = 0
    size: int | None = None
    header: dict[int, int] = field(default_factory=dict)
    record: dict[int, int] = field(default_factory=dict)
    other_name: bytes | None = None
    before: bytes = b""


def records(sample: Sample, chance: random.Random) -> bytes:
    """Bits and words of the archive's own records, which no digest guards."""
    content = bytearray(sample.content)
    marks = [i for i in _marks(sample.content) if i >= len(sample.flatbuffer)]
    for _ in range(chance.randint(1, 3)):
        where = chance.choice(marks) + chance.randrange(0, 60)
        if chance.random() < 0.5:
            where, word = min(where, len(content) - 4), chance.choice(WORDS)
            content[where : where + 4] = struct.pack("<L", word)
        else:
            content[min(where, len(content) - 1)] ^= 1 << chance.randrange(8)
    return bytes(content)


@cache
def _marks(content: bytes) -> tuple[int, ...]:
    found = []
    for mark in (b"PK\1\2", b"PK\3\4", b"PK\5\6"):
        at = content.find(mark)
        while at >= 0:
            found.append(at)
            at = content.find(mark, at + 1)
    return tuple(found)


def archived(
    start: bytes, members: list[Member], end: dict[int, int], comment: bytes = b""
) -> bytes:
    """`start` and behind it an archive, told as the members say."""
    out, records = bytearray(start), bytearray()
    for member in members:
        out += member.before
        offset = len(out)
        size = len(member.content) if member.size is None else member.size
        checksum = zlib.crc32(member.content)
        told = [0, member.method, 0, 33, checksum, len(member.content), size]
        length = len(member.name)
        header = _told([20, *told, length, 0], member.header)
        out += b"PK\3\4" + struct.pack("<5H3L2H", *header) + member.name + member.content
        record = _told([20, 20, *told, length, 0, 0, 0, 0, 0, offset], member.record)
        name = member.name if member.other_name is None else member.other_name
        records += b"PK\1\2" + struct.pack("<6H3L5H2L", *record) + name
    last = _told([0, 0, len(members), len(members), len(records), len(out), len(comment)], end)
    return bytes(out + records) + b"PK\5\6" + struct.pack("<4H2LH", *last) + comment


def _told(fields: list[int], lies: dict[int, int]) -> list[int]:
    for place, lie in lies.items():
        fields[place] = lie
    widths = _WIDTHS[len(fields)]
    return [value & width for value, width in zip(fields, widths, strict=True)]


_SHORT, _LONG = 0xFFFF, 0xFFFFFFFF
_WIDTHS = {
    10: [_SHORT] * 5 + [_LONG] * 3 + [_SHORT] * 2,
    16: [_SHORT] * 6 + [_LONG] * 3 + [_SHORT] * 5 + [_LONG] * 2,
    7: [_SHORT] * 4 + [_LONG] * 2 + [_SHORT],
}


def tricks(sample: Sample, chance: random.Random) -> bytes:
    """What archives have been made to do to their readers, one or two at once."""
    members = [Member(name.encode(), content) for name, content in sample.entries.items()]
    end: dict[int, int] = {}
    for _ in range(chance.randint(1, 2)):
        chance.choice(_TRICKS)(members, end, chance)
    comment = chance.choice((b"", b"", b"", b"hello", b"PK\5\6" + bytes(18)))
    start, tail = sample.flatbuffer, chance.choice((b"", b"", b"", b"", b"tail", bytes(22)))
    if chance.random() < 0.03:
        return start + _crowd()
    return archived(start, members, end, comment) + tail


def _odd_name(members: list[Member], _: dict[int, int], chance: random.Random) -> None:
    extra = Member(chance.choice(NAMES), chance.choice((b"", b"x" * 99)))
    members.insert(chance.randrange(len(members) + 1), extra)


def largest(sample: Sample) -> bytes:
    """As much as a file may hold: MAX_BYTES in all, and entries that deflate to their limits."""
    golden, size = deflated_zeros(container.LIMITS["golden.npz"]), container.LIMITS["golden.npz"]
    document = json.loads(sample.entries["galago.json"])
    document["provenance"] = {"empty": [[]] * 200_000}
    graph = sample.flatbuffer.ljust(
        MAX_BYTES - len(golden) - container.LIMITS["galago.json"], b"\0"
    )
    document["flatbuffer_sha256"] = hashlib.sha256(graph).hexdigest()
    entry = Member(b"golden.npz", golden, 8, size)
    entry.header[5] = entry.record[6] = zlib.crc32(bytes(size))
    manifest = Member(b"galago.json", json.dumps(document).encode())
    return archived(
        graph, [manifest, Member(b"labels.txt", sample.entries["labels.txt"]), entry], {}
    )


def _renamed(members: list[Member], _: dict[int, int], chance: random.Random) -> None:
    member = chance.choice(members)
    name = chance.choice((*NAMES, member.name.upper(), member.name + b" "))
    which = chance.randrange(3)
    if which < 2:
        member.other_name, member.record[9] = name, len(name)
    if which == 1:
        member.name, member.other_name = name, None


def _twice(members: list[Member], _: dict[int, int], chance: random.Random) -> None:
    members.append(chance.choice(members))
    chance.shuffle(members)


def _lie(members: list[Member], _: dict[int, int], chance: random.Random) -> None:
    """A wrong field, in the header, the record, or the same in both."""
    member, lie = chance.choice(members), chance.choice((*WORDS, chance.getrandbits(32)))
    place, where = chance.randrange(9), chance.randrange(3)
    if where != 1:
        member.header[place] = lie
    if where != 0:
        member.record[place + 1] = lie


def _offset(members: list[Member], _: dict[int, int], chance: random.Random) -> None:
    member = chance.choice(members)
    member.record[15] = chance.choice((*WORDS, chance.randrange(2_000_000)))


def _end_lie(_: list[Member], end: dict[int, int], chance: random.Random) -> None:
    end[chance.randrange(7)] = chance.choice((*WORDS, 3, chance.getrandbits(20)))


def _gap(members: list[Member], _: dict[int, int], chance: random.Random) -> None:
    chance.choice(members).before = chance.randbytes(chance.choice((1, 30, 999)))


def _missing(members: list[Member], _: dict[int, int], chance: random.Random) -> None:
    members.remove(chance.choice(members))


def _bomb(members: list[Member], _: dict[int, int], chance: random.Random) -> None:
    """Deflated zeros in place of an entry, with their true size or another."""
    member = chance.choice(members)
    size = chance.choice((1 << 20, 8 << 20, 128 << 20))
    member.content, member.method = deflated_zeros(size), 8
    member.size = chance.choice((size, 100, 1 << 20, 64 << 20))


@cache
def deflated_zeros(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    million = bytes(1 << 20)
    return b"".join([packer.compress(million) for _ in range(size >> 20)]) + packer.flush()


@cache
def _crowd() -> bytes:
    """One hundred thousand tiny entries."""
    members = [Member(b"%05d" % number, b"") for number in range(100_000)]
    return archived(b"", members, {})


_TRICKS = (
    _odd_name,
    _odd_name,
    _renamed,
    _twice,
    _lie,
    _lie,
    _offset,
    _end_lie,
    _gap,
    _missing,
    _bomb,
)
