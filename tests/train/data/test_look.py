"""What one look at a file tells: its time, above all."""

import io
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from galago.bundle.preprocess import Pixels
from galago.noise import hushed
from galago.train.data.look import look, time_in_exif, time_in_name

MOMENT = datetime(2025, 1, 3, 11, 55, 29, tzinfo=UTC).timestamp()
GREY = np.full((20, 30, 3), 90, np.uint8)


def jpeg(tags: dict[int, str], inner: dict[int, str] | None = None) -> bytes:
    """A JPEG with these EXIF entries, `inner` in the camera's own part."""
    exif = Image.Exif()
    exif.update(tags)
    exif.get_ifd(0x8769).update(inner or {})
    file = io.BytesIO()
    Image.fromarray(GREY).save(file, "JPEG", exif=exif)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("20250103-115529-400", 0.4),
        ("20250103-115529", 0),
        ("IMG_20250103_115529", 0),
        ("PXL_20250103_115529123.MP", 0.123),
        ("2025-01-03 11.55.29", 0),
        ("2025-01-03T11:55:29", 0),
        ("cam2_20250103115529_7", 0),
        ("20251399-000000 20250103-115529", 0),  # the first is no date
    ],
)
def test_a_time_in_the_name_is_found(name: str, after: float) -> None:
    """As cameras, telephones and Galago itself write it."""
    assert time_in_name(Path(f"{name}.jpg")) == pytest.approx(MOMENT + after, abs=1e-3)


@pytest.mark.parametrize("name", ["dog.4853", "0001", "20250103", "120250103115529", "cat 2025"])
def test_other_numbers_are_no_time(name: str) -> None:
    """A day alone is none either: a day's pictures are no burst."""
    assert math.isnan(time_in_name(Path(f"{name}.jpg")))


def test_the_camera_s_own_time_is_read_from_exif() -> None:
    """When it was taken rather than when it was edited."""
    edited = {0x0132: "2030:01:01 00:00:00"}
    content = jpeg(edited, {0x9003: "2025:01:03 11:55:29"})
    assert time_in_exif(content) == MOMENT
    assert time_in_exif(jpeg({0x0132: "2025:01:03 11:55:29"})) == MOMENT


@pytest.mark.parametrize("text", ["0000:00:00 00:00:00", "yesterday", ""])
def test_a_nonsensical_exif_time_is_none(text: str) -> None:
    """Cameras whose clock was never set write zeros."""
    assert math.isnan(time_in_exif(jpeg({0x0132: text})))


def test_damaged_headers_are_no_time() -> None:
    """Whatever is flipped in them, nothing is raised."""
    content = jpeg({}, {0x9003: "2025:01:03 11:55:29"})
    random = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(content)
        for at in random.integers(2, 120, 3):
            damaged[at] = random.integers(256)
        with hushed():  # as while pictures are prepared
            assert isinstance(time_in_exif(bytes(damaged)), float)


def ramp(rising: bool) -> Pixels:
    row = np.linspace(10, 240, 90).astype(np.uint8)[:: 1 if rising else -1]
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (60, 90, 3)))


def test_the_hash_tells_which_neighbour_is_brighter() -> None:
    """64 times yes, 64 times no."""
    assert look(b"", ramp(rising=True))["hash"] == 2**64 - 1
    assert look(b"", ramp(rising=False))["hash"] == 0


def test_a_look_holds_size_colours_and_content() -> None:
    """Row 0 on top, RGB."""
    picture = np.full((60, 90, 3), (200, 20, 10), np.uint8)
    picture[30:] = (10, 20, 200)
    record = look(b"content", picture)
    assert record["readable"]
    assert (record["height"], record["width"]) == (60, 90)
    assert record["thumb"][0, 0].tolist() == [200, 20, 10]
    assert record["thumb"][-1, -1].tolist() == [10, 20, 200]
    assert record["digest"] != look(b"another", picture)["digest"]


def test_what_cannot_be_decoded_still_has_a_digest_and_a_time() -> None:
    """So that it can be told from others."""
    content = jpeg({0x0132: "2025:01:03 11:55:29"})
    record = look(content, None)
    assert not record["readable"]
    assert record["taken"] == MOMENT
    assert len(bytes(record["digest"])) == 64
