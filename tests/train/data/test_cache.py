"""Pictures are decoded once, by the one preprocess, and the cache is never half, old or endless."""

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from galago.bundle.image import read_image, write_image
from galago.bundle.preprocess import PreprocessSpec, preprocess
from galago.errors import DataError
from galago.train.data import cache
from galago.train.data.cache import make_room, prepare
from galago.train.data.unpack import unpack
from tests.conftest import draw

SPEC = PreprocessSpec(24, 32)
SIZE = 24 * 32 * 3


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("GALAGO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Five pictures."""
    found = [tmp_path / "pictures" / f"{number}.png" for number in range(5)]
    found[0].parent.mkdir()
    for number, path in enumerate(found):
        write_image(path, draw("circle", number))
    return found


def entries(home: Path) -> list[Path]:
    return sorted((home / "prepared").glob("*"))


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever decodes now fails."""

    def refuse(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(cache, "decode_image", refuse)


def test_prepared_pictures_are_what_preprocess_makes_of_them(paths: list[Path]) -> None:
    """In the order asked for, byte for byte."""
    asked = [paths[3], paths[0], paths[4]]
    prepared = prepare(asked, SPEC, "pictures")
    for path, pixels in zip(asked, prepared.pixels, strict=True):
        assert np.array_equal(pixels, preprocess(read_image(path), SPEC))
    assert prepared.looks["readable"].all()
    assert isinstance(prepared.pixels, np.memmap)


def test_a_second_time_nothing_is_decoded(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor when the pictures have been moved and renamed."""
    before = prepare(paths, SPEC, "pictures")
    forbid(monkeypatch)
    moved = [path.rename(path.with_name(f"x{path.name}")) for path in paths]
    after = prepare(moved, SPEC, "pictures")
    assert np.array_equal(before.pixels, after.pixels)
    assert before.looks.tobytes() == after.looks.tobytes()


def test_the_time_is_that_of_the_name_a_picture_has_now(paths: list[Path]) -> None:
    """Pictures found in the cache may have been renamed since; the name comes before EXIF."""
    exif = Image.Exif()
    exif[0x0132] = "2025:01:03 11:55:29"
    path = paths[0].with_name("1.jpg")
    Image.fromarray(draw("circle", 1)).save(path, exif=exif)
    at = prepare([path], SPEC, "pictures").looks["taken"][0]
    named = path.rename(path.with_name("20250103-115530.jpg"))
    assert prepare([named], SPEC, "pictures").looks["taken"][0] == at + 1
    again = named.rename(path)
    assert prepare([again], SPEC, "pictures").looks["taken"][0] == at


@pytest.mark.parametrize("change", ["content", "order", "spec"])
def test_whatever_changes_is_prepared_anew(paths: list[Path], home: Path, change: str) -> None:
    """Even where time and size of the file are as before."""
    prepare(paths, SPEC, "pictures")
    spec = SPEC
    if change == "content":
        stat = paths[2].stat()
        content = bytearray(cv2.imencode(".bmp", draw("square", 9))[1].tobytes())
        paths[2].write_bytes(content)
        os.utime(paths[2], ns=(stat.st_atime_ns, stat.st_mtime_ns))
    elif change == "order":
        paths.reverse()
    else:
        spec = PreprocessSpec(24, 32, "centre")
    prepared = prepare(paths, spec, "pictures")
    for path, pixels in zip(paths, prepared.pixels, strict=True):
        assert np.array_equal(pixels, preprocess(read_image(path), spec))
    assert len(entries(home)) == 2


def test_unreadable_pictures_are_marked_and_black(paths: list[Path]) -> None:
    """Also in the entry that is found again."""
    paths[1].write_bytes(b"half a pic")
    paths[2].write_bytes(b"")
    for _ in range(2):
        prepared = prepare(paths, SPEC, "pictures")
        assert prepared.looks["readable"].tolist() == [True, False, False, True, True]
        assert not prepared.pixels[1:3].any()


def test_what_is_broken_off_leaves_nothing(
    paths: list[Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while decoding: no entry, no remains; the next time all is well."""
    with monkeypatch.context() as patch:

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(cache, "preprocess", interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepare(paths, SPEC, "pictures")
    assert entries(home) == []
    assert prepare(paths, SPEC, "pictures").pixels[4].any()


def test_a_killed_process_leaves_no_entry(paths: list[Path], home: Path) -> None:
    """Its remains are not taken for one, and go when room is needed."""
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from galago.bundle.preprocess import PreprocessSpec\n"
        "from galago.train.data import cache\n"
        "cache.np.save = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "cache.prepare([Path(p) for p in sys.argv[1:]], PreprocessSpec(24, 32), 'pictures')\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, *map(str, paths)], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (remains,) = entries(home)
    prepared = prepare(paths, SPEC, "pictures")
    assert prepared.pixels[4].any()
    assert remains in entries(home)
    make_room(cache.MAX_BYTES, "all")
    assert entries(home) == []


def fill(tmp_path: Path, number: int) -> None:
    """One more entry, of one picture."""
    path = tmp_path / f"{number}.png"
    write_image(path, draw("square", number))
    prepare([path], SPEC, "pictures")


def test_the_longest_unused_go_first(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry that was used again stays; unpacked zips count and go alike."""
    archive = tmp_path / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("cat/1.bmp", bytes(1000))
    old = unpack(archive)
    for number in range(3):
        fill(tmp_path, number)
    for age, entry in enumerate([*entries(home), old]):
        os.utime(entry, (1000 - age, 1000 - age))
    first = entries(home)[2]  # the oldest but for the zip
    monkeypatch.setattr(cache, "MAX_BYTES", 4 * (SIZE + 1000))
    fill(tmp_path, 3)
    assert first in entries(home)
    assert not old.exists()
    os.utime(first, (2000, 2000))
    fill(tmp_path, 4)
    assert first in entries(home)
    assert sum(f.stat().st_size for f in home.rglob("*") if f.is_file()) <= cache.MAX_BYTES


def test_the_zip_being_prepared_stays(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small the limit: its pictures are about to be read."""
    write_image(tmp_path / "1.png", draw("circle", 1))
    archive = tmp_path / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.write(tmp_path / "1.png", "cat/1.png")
    fill(tmp_path, 7)
    folder = unpack(archive)
    monkeypatch.setattr(cache, "MAX_BYTES", 10)
    prepared = prepare([folder / "cat" / "1.png"], SPEC, "pictures")
    assert prepared.looks["readable"].all()
    assert len(entries(home)) == 1


def test_a_full_disk_is_told_before_it_is_full(
    paths: list[Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do about it; nothing is left behind."""
    free = type("Usage", (), {"free": SIZE})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(DataError, match=r"preparing pictures needs .* make room, choose a smaller"):
        prepare(paths, SPEC, "pictures")
    assert entries(home) == []


def _turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise to see it right
    Image.fromarray(np.rot90(draw("circle", 1))).save(path, quality=95, exif=exif)


def _deep(path: Path) -> None:
    cv2.imwrite(
        str(path), cv2.cvtColor(draw("circle", 1), cv2.COLOR_RGB2BGR).astype(np.uint16) * 257
    )


KINDS: dict[str, Callable[[Path], object]] = {
    "turned.jpg": _turned,
    "plain.jpg": lambda path: Image.fromarray(draw("circle", 1)).save(path, quality=95),
    "grey.png": lambda path: Image.fromarray(draw("circle", 1)).convert("L").save(path),
    "alpha.png": lambda path: Image.fromarray(draw("circle", 1)).convert("RGBA").save(path),
    "greyalpha.png": lambda path: Image.fromarray(draw("circle", 1)).convert("LA").save(path),
    "palette.png": lambda path: Image.fromarray(draw("circle", 1)).convert("P").save(path),
    "deep.png": _deep,
    "plain.bmp": lambda path: Image.fromarray(draw("circle", 1)).save(path),
    "plain.webp": lambda path: Image.fromarray(draw("circle", 1)).save(path, quality=95),
    "UPPER.JPEG": lambda path: Image.fromarray(draw("circle", 1)).save(path, "JPEG", quality=95),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_is_prepared_upright_and_in_rgb(tmp_path: Path, name: str) -> None:
    """The same picture, however it was stored."""
    KINDS[name](tmp_path / name)
    original = draw("circle", 1)
    if name.startswith("grey"):
        original = np.asarray(Image.fromarray(original).convert("L").convert("RGB"))
    prepared = prepare([tmp_path / name], SPEC, "pictures")
    assert prepared.looks["readable"].all()
    assert (prepared.looks["height"][0], prepared.looks["width"][0]) == (60, 80)
    difference = prepared.pixels[0].astype(int) - preprocess(original, SPEC)
    assert np.abs(difference).mean() < 6


def test_one_decoding_serves_several_specs(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What will be asked for next is prepared on the way, as if it had been asked for alone."""
    large = PreprocessSpec(40, 40)
    prepare(paths, SPEC, "pictures", also=[large])
    forbid(monkeypatch)
    found = prepare(paths, large, "pictures").pixels
    alone = [preprocess(read_image(path), large) for path in paths]
    assert np.array_equal(found, np.stack(alone))
