"""The reference picture: learnt, written, read; and what it says of a view."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from galago.bundle.preprocess import Pixels, as_pixels
from galago.edge.reference import Grey, Reference, Thumbnail
from galago.edge.view import Likeness, View
from galago.errors import DataError


def texture(seed: int = 0) -> Grey:
    """A view full of edges of every size, (240, 320) uint8."""
    random = np.random.default_rng(seed)
    grey = np.full((240, 320), 128.0, np.float32)
    for cells, levels in ((8, 60), (24, 40), (80, 40), (160, 30)):
        spots = random.uniform(-levels, levels, (cells * 3 // 4, cells)).astype(np.float32)
        grey += cv2.resize(spots, (320, 240), interpolation=cv2.INTER_NEAREST)
    return as_pixels(np.clip(cv2.GaussianBlur(grey, (0, 0), 0.6), 0, 255).astype(np.uint8))


def likeness(reference: Grey, now: Grey) -> Likeness:
    found = View(Reference.of([reference])).compare(now.astype(np.float32))
    assert found is not None
    return found


@pytest.mark.parametrize("size", [(480, 640), (1080, 1920), (240, 320), (30, 40), (1, 1), (7, 900)])
def test_a_thumbnail_is_always_of_one_size(size: tuple[int, int]) -> None:
    """Whatever the size of a frame, its thumbnail is (240, 320) grey and as bright."""
    pixels = np.full((*size, 3), (10, 200, 60), np.uint8)
    grey = Thumbnail()(pixels)
    assert grey.shape == (240, 320)
    assert grey.dtype == np.uint8
    assert abs(int(grey.mean()) - 127) <= 1


def test_a_thumbnail_shows_the_frame_where_it_is() -> None:
    """A large frame is shrunk without being moved."""
    pixels = np.zeros((1080, 1920, 3), np.uint8)
    pixels[540:, 960:] = 255
    grey = Thumbnail()(pixels)
    assert not grey[:119].any()
    assert not grey[:, :159].any()
    assert (grey[121:, 161:] == 255).all()


def test_the_median_forgets_what_passes() -> None:
    """What is seen in fewer than half of the looks is not in the reference."""
    still, passing = texture(), texture()
    passing[50:150, 50:150] = 255
    np.testing.assert_array_equal(Reference.of([still, passing, still]).grey, still)


def test_a_reference_comes_back_from_disk(tmp_path: Path) -> None:
    """What is saved is loaded pixel for pixel, and nothing is left beside it."""
    reference = Reference.of([texture()])
    reference.save(tmp_path / "reference.png")
    np.testing.assert_array_equal(Reference.load(tmp_path / "reference.png").grey, reference.grey)
    assert [path.name for path in tmp_path.iterdir()] == ["reference.png"]


def test_a_reference_refuses_to_be_written_to(tmp_path: Path) -> None:
    """Learnt or loaded, it stays as it is."""
    reference = Reference.of([texture()])
    reference.save(tmp_path / "reference.png")
    for each in (reference, Reference.load(tmp_path / "reference.png")):
        with pytest.raises(ValueError, match="read-only"):
            each.grey[:] = 0


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_reference_is_refused(tmp_path: Path, content: bytes) -> None:
    """A damaged file is one line that says what to do."""
    path = tmp_path / "reference.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"reference\.png is not a reference.*delete it") as refusal:
        Reference.load(path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("shape", [(240, 320, 3), (120, 160)])
def test_another_picture_is_no_reference(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """A colour picture or one of another size was not written by us."""
    path = tmp_path / "reference.png"
    path.write_bytes(cv2.imencode(".png", np.zeros(shape, np.uint8))[1].tobytes())
    with pytest.raises(DataError, match=r"expected a grey PNG of 320x240, received one of shape"):
        Reference.load(path)


def test_a_missing_reference_is_the_systems_error(tmp_path: Path) -> None:
    """Reading what is not there, and writing where nothing can be, raise OSError."""
    with pytest.raises(FileNotFoundError):
        Reference.load(tmp_path / "reference.png")
    with pytest.raises(FileNotFoundError):
        Reference.of([texture()]).save(tmp_path / "missing" / "reference.png")


def test_the_same_view_is_all_there() -> None:
    """A view compared with itself is in place and has lost nothing."""
    same = likeness(texture(), texture())
    assert same.lost == 0.0
    assert same.here > 0.95


@pytest.mark.parametrize("gain", [0.5, 1.4])
def test_light_moves_nothing_and_blurs_nothing(gain: float) -> None:
    """Half the light or half as much again leaves the view in place and sharp."""
    now = np.clip(texture() * gain, 0, 255).astype(np.uint8)
    found = likeness(texture(), now)
    assert found.lost is not None
    assert found.lost < 0.1
    assert found.here > 0.4


@pytest.mark.parametrize("across", [-32, -10, 10, 32])
def test_a_push_is_seen(across: int) -> None:
    """After a shift of 3 % or 10 % of the width, the view is found, and elsewhere."""
    found = likeness(texture(), np.roll(texture(), across, axis=1))
    assert found.there > 0.5
    assert found.here < 0.1


@pytest.mark.parametrize(("across", "down"), [(4, 0), (-4, 4), (0, -4)])
def test_a_tremble_is_in_place(across: int, down: int) -> None:
    """A percent of the width, as in the wind, leaves the view where it is."""
    found = likeness(texture(), np.roll(texture(), (down, across), axis=(0, 1)))
    assert found.here > 0.5


def test_two_views_have_nothing_in_common() -> None:
    """Another view is nowhere to be found."""
    found = likeness(texture(0), texture(1))
    assert found.here < 0.1
    assert found.there < 0.15


def test_a_blur_loses_detail_and_no_place() -> None:
    """Out of focus, the detail is gone, and the view is where it was."""
    found = likeness(texture(), as_pixels(cv2.GaussianBlur(texture(), (0, 0), 4)))
    assert found.lost == 1.0
    assert found.here == found.there
    assert found.here > 0.2


def test_a_dirty_half_is_half_lost() -> None:
    """What is covered by something smooth counts by its share of the view."""
    now = texture()
    now[:, 160:] = as_pixels(cv2.GaussianBlur(now, (0, 0), 12))[:, 160:]
    found = likeness(texture(), now)
    assert found.lost is not None
    assert 0.4 <= found.lost <= 0.6


def test_a_subject_in_the_middle_hides_nothing() -> None:
    """Two thirds of the width and height may be covered: what is left is in place."""
    now = texture()
    now[40:200, 50:270] = texture(1)[40:200, 50:270]
    found = likeness(texture(), now)
    assert found.here == found.there
    assert found.here > 0.2


def test_nothing_is_said_without_light() -> None:
    """In a tenth of the light there is no telling."""
    view = View(Reference.of([texture()]))
    assert view.compare((texture() // 10).astype(np.float32)) is None


def test_a_bare_wall_tells_nothing() -> None:
    """A reference of one colour and noise has neither detail to lose nor a place."""
    noise = np.random.default_rng(0).normal(150, 2, (9, 240, 320))
    view = View(Reference.of([look.astype(np.uint8) for look in noise]))
    found = view.compare(texture().astype(np.float32))
    assert found is not None
    assert found.lost is None
    assert not view.tells_place


@pytest.mark.parametrize("grey", [np.zeros((240, 320)), np.full((240, 320), 255.0)])
def test_a_plain_picture_is_compared_without_a_warning(grey: Pixels) -> None:
    """No division by nothing: black, white, and both as the reference."""
    for reference in (texture(), grey.astype(np.uint8)):
        View(Reference.of([reference])).compare(grey.astype(np.float32))
