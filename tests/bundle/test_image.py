"""Image files to pixels."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from galago.bundle.image import is_image, read_image, write_image
from galago.errors import DataError

RED = np.full((8, 12, 3), (200, 30, 10), np.uint8)

# APP1 segment with one EXIF entry: orientation (0x0112) = 6, turn by 90° clockwise to see it right.
EXIF_TURNED = bytes.fromhex(
    "ffe1 0022 457869660000 4d4d002a00000008 0001 0112 0003 00000001 0006 0000 00000000".replace(
        " ", ""
    )
)


def test_png_comes_back_as_it_was_in_rgb(tmp_path: Path) -> None:
    """What is written is read, in the same colour order."""
    write_image(tmp_path / "red.png", RED)
    assert np.array_equal(read_image(tmp_path / "red.png"), RED)


@pytest.mark.parametrize("suffix", ["jpg", "bmp", "webp"])
def test_every_format_is_rgb(tmp_path: Path, suffix: str) -> None:
    """Lossy or not, red stays red."""
    write_image(tmp_path / f"red.{suffix}", RED)
    assert np.abs(read_image(tmp_path / f"red.{suffix}").astype(int) - RED).max() < 12


def test_grey_and_alpha_become_three_channels(tmp_path: Path) -> None:
    """Grey is repeated, alpha is dropped."""
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((4, 4), 77, np.uint8))
    cv2.imwrite(str(tmp_path / "alpha.png"), np.full((4, 4, 4), (10, 20, 30, 0), np.uint8))
    assert (read_image(tmp_path / "grey.png") == 77).all()
    assert (read_image(tmp_path / "alpha.png") == (30, 20, 10)).all()


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    """A telephone's upright picture is upright here too."""
    path = tmp_path / "upright.jpg"
    write_image(path, RED)
    content = path.read_bytes()
    path.write_bytes(content[:2] + EXIF_TURNED + content[2:])
    assert read_image(path).shape == (12, 8, 3)


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0 cut short"])
def test_what_is_no_image_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    """The message names the file and what was expected."""
    path = tmp_path / "broken.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.jpg cannot be read as an image: expected JPEG"):
        read_image(path)


def test_hidden_and_other_files_are_not_images() -> None:
    """A Mac's ._ files and thumbnail databases are passed over."""
    assert is_image(Path("a/b.JPEG"))
    assert not is_image(Path("a/._b.jpg"))
    assert not is_image(Path("a/Thumbs.db"))
