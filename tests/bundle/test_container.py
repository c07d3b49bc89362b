"""The archive behind the flatbuffer: every byte accounted for, every trick refused by name."""

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest

from galago.bundle import container
from galago.errors import ModelFileError

FLATBUFFER = b"\x1c\0\0\0TFL3" + bytes(range(256)) * 4
ENTRIES = {
    "galago.json": b'{"schema": 2}\n',
    "labels.txt": b"cat\ndog\n",
    "golden.npz": b"PK golden" * 50,
}
SOUND = container.join(FLATBUFFER, ENTRIES)
DIRECTORY = SOUND.index(b"PK\1\2")


def archived(
    *entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED, comment: bytes = b""
) -> bytes:
    """A flatbuffer with an archive as any zip program might write it."""
    buffer = io.BytesIO()
    buffer.write(FLATBUFFER)
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.comment = comment
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, method)
    return buffer.getvalue()


def patched(content: bytes, where: int, value: bytes) -> bytes:
    return content[:where] + value + content[where + len(value) :]


def in_both(name: bytes, header: int, record: int, value: bytes) -> bytes:
    """The sound file with a field of one entry changed in its header and in its record."""
    first = SOUND.index(name, len(FLATBUFFER)) - 30
    second = SOUND.index(name, DIRECTORY) - 46
    return patched(patched(SOUND, first + header, value), second + record, value)


def test_parts_come_back_as_they_were() -> None:
    """What was joined is split again, and entries stand uncompressed."""
    assert container.split(SOUND) == (FLATBUFFER, ENTRIES)
    assert all(content in SOUND for content in ENTRIES.values())


def test_deflated_entries_of_older_files_are_read() -> None:
    """Earlier versions compressed them."""
    old = archived(*ENTRIES.items(), method=zipfile.ZIP_DEFLATED)
    assert container.split(old) == (FLATBUFFER, ENTRIES)


def test_a_model_that_ends_in_an_archive_of_its_own_gets_a_second_one() -> None:
    """Joined to a foreign file of whatever form, the entries are its last part."""
    foreign = archived(("other.txt", b"a"), comment=b"by another program")
    assert container.split(foreign) == (foreign, {})
    assert container.split(container.join(foreign, ENTRIES)) == (foreign, ENTRIES)


def test_foreign_entries_are_passed_over() -> None:
    """A model may carry other programs' files beside ours; none of them is unpacked."""
    content = archived(("labelmap/en.txt", b"cat"), *ENTRIES.items())
    assert container.split(content) == (FLATBUFFER, ENTRIES)


@pytest.mark.parametrize("cut", [1, 22, 60, 200, 600])
def test_cut_short_has_its_message(cut: int) -> None:
    """Whatever is missing, the file says so rather than that it is no model."""
    with pytest.raises(ModelFileError, match=r"cut short.*copy the file again"):
        container.split(SOUND[:-cut])


@pytest.mark.parametrize("added", [b"\0", b"<html>", SOUND[-22:] + b"\0"])
def test_bytes_behind_the_end_are_refused(added: bytes) -> None:
    """An upload that was continued twice, or something hidden."""
    with pytest.raises(ModelFileError, match="something was added behind it"):
        container.split(SOUND + added)


@pytest.mark.parametrize("name", list(ENTRIES))
def test_a_changed_entry_is_named(name: str) -> None:
    """One flipped bit in a part: the message says in which."""
    middle = SOUND.index(ENTRIES[name]) + len(ENTRIES[name]) // 2
    changed = patched(SOUND, middle, bytes([SOUND[middle] ^ 1]))
    with pytest.raises(ModelFileError, match=rf"damaged: {name} is not what was written \(check"):
        container.split(changed)


def test_no_byte_behind_the_flatbuffer_may_change_unnoticed() -> None:
    """All but what only tells how an entry came about: versions and attributes."""
    records = [i for i in range(DIRECTORY, len(SOUND) - 22) if SOUND[i : i + 4] == b"PK\1\2"]
    headers = [i for i in range(len(FLATBUFFER), DIRECTORY) if SOUND[i : i + 4] == b"PK\3\4"]
    idle = {record + i for record in records for i in (*range(4, 8), *range(34, 42))}
    idle |= {header + i for header in headers for i in (4, 5)}
    for where in range(len(FLATBUFFER), len(SOUND)):
        changed = patched(SOUND, where, bytes([SOUND[where] ^ 0x10]))
        if where in idle:
            assert container.split(changed) == (FLATBUFFER, ENTRIES)
        else:
            with pytest.raises(ModelFileError):
                container.split(changed)


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../golden.npz", "a/../../b", "C:\\a", "..\\a", "a\0b", "a//b", "a\x1b[2J", ""],
)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    """Galago unpacks no such entry; a file that has one was not made for good."""
    trick = archived(("placeholder", b""), *ENTRIES.items())
    coded = name.encode()
    trick = trick.replace(b"placeholder", coded).replace(
        struct.pack("<HH", len("placeholder"), 0) + coded, struct.pack("<HH", len(coded), 0) + coded
    )
    with pytest.raises(ModelFileError, match="damaged"):
        container.split(trick)


@pytest.mark.parametrize("name", ["../x", "/x", "C:x", "a\\..\\x"])
def test_the_message_shows_the_name(name: str) -> None:
    """Zip programs of other systems would write there."""
    with pytest.raises(ModelFileError, match="must have a plain name, received"):
        container.split(archived((name, b""), *ENTRIES.items()))


@pytest.mark.parametrize("name", ["golden.npz", "Golden.NPZ"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_may_not_come_twice(name: str) -> None:
    """Not in another case either: on some file systems that is the same file."""
    with pytest.raises(ModelFileError, match=rf"damaged: {name} is in it twice"):
        container.split(archived(*ENTRIES.items(), (name, b"other")))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_bomb_is_refused_by_what_it_claims(method: int) -> None:
    """Two megabytes of zeros where one is the limit."""
    bomb = archived(("galago.json", bytes(2 << 20)), method=method)
    with pytest.raises(ModelFileError, match=r"galago\.json is larger than 1048576 bytes"):
        container.split(bomb)


def test_a_bomb_that_claims_little_is_stopped_on_the_way() -> None:
    """64 MB behind a claim of 9 bytes: ten of them are unpacked."""
    bomb = archived(("galago.json", bytes(64 << 20)), method=zipfile.ZIP_DEFLATED)
    claim, lie = struct.pack("<L", 64 << 20), struct.pack("<L", 9)
    tracemalloc.start()
    with pytest.raises(ModelFileError, match=r"not what was written \(length\)"):
        container.split(bomb.replace(claim, lie))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_hundred_thousand_names_are_refused_unread() -> None:
    """The end of the archive tells how many there are."""
    count, size = 0xFFFE, 0xFFFE * 47
    record = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 9, 1, *[0] * 6) + b"a"
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, len(SOUND), 0)
    with pytest.raises(ModelFileError, match="claims 65534 entries"):
        container.split(SOUND + record * count + end)


def moved_directory() -> bytes:
    """Bytes between the entries and the directory, as an offset that lies would hide them."""
    end = struct.pack("<L", DIRECTORY + 4)
    content = SOUND[:DIRECTORY] + b"hide" + SOUND[DIRECTORY:]
    return patched(content, len(content) - 6, end)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: in_both(b"labels.txt", 6, 8, b"\1\0"), "'labels.txt' is encrypted"),
        (lambda: in_both(b"labels.txt", 6, 8, b"\x08\0"), "packed in a way that"),
        (lambda: in_both(b"labels.txt", 8, 10, b"\x0c\0"), "packed in a way that"),
        (lambda: in_both(b"labels.txt", 22, 24, b"\xff\xff\0\0"), "labels.txt is not what"),
        (lambda: in_both(b"labels.txt", 18, 20, b"\xff\xff\xff\xff"), "is said to begin at"),
        (lambda: patched(SOUND, SOUND.index(b"labels.txt"), b"L"), "header and directory differ"),
        (lambda: patched(SOUND, DIRECTORY + 42, b"\0\0\0\0"), "there is no 'galago.json' where"),
        (lambda: patched(SOUND, len(SOUND) - 14, b"\xff" * 12), "claims 65535 entries"),
        (lambda: patched(SOUND, len(SOUND) - 10, b"\xff" * 4), "claims 3 entries in a"),
        (lambda: patched(SOUND, len(SOUND) - 12, b"\0\0\0\0"), "contradicts itself"),
        (lambda: patched(SOUND, len(SOUND) - 2, b"\1\0"), "contradicts itself"),
        (lambda: patched(SOUND, len(SOUND) - 14, b"\0"), "contradicts itself"),
        (moved_directory, "belong to no entry"),
        (lambda: SOUND[:-22] + b"PK\5\6" + bytes(18), "contradicts itself"),
    ],
)
def test_records_that_lie_are_refused(make: Callable[[], bytes], message: str) -> None:
    """Flags, methods, sizes, offsets: each lie has a message."""
    with pytest.raises(ModelFileError, match=message):
        container.split(make())


def test_an_offset_cannot_hide_bytes_of_the_model() -> None:
    """The first entry is where the flatbuffer ends: an entry skipped is a byte unaccounted for."""
    second = SOUND.index(b"PK\3\4", len(FLATBUFFER) + 1)
    first_record = SOUND.index(b"PK\1\2")
    second_record = SOUND.index(b"PK\1\2", first_record + 1)
    without = SOUND[:first_record] + SOUND[second_record:-22]
    size = len(without) - first_record
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, size, first_record, 0)
    flatbuffer, entries = container.split(without + end)
    assert flatbuffer == SOUND[:second]  # so the digest covers what was skipped
    assert set(entries) == {"labels.txt", "golden.npz"}
