"""From a picture to a model's input."""

import cv2
import numpy as np
import pytest

from galago.bundle.preprocess import Pixels, PreprocessSpec, Scratch, as_pixels, preprocess
from galago.errors import FrameError


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def scene(height: int, width: int) -> Pixels:
    """Smooth shapes, a sharp edge and a few fine lines, as a camera sees."""
    coarse = cv2.resize(noise(12, 16), (width, height), interpolation=cv2.INTER_CUBIC)
    cv2.rectangle(coarse, (width // 3, height // 4), (width // 2, height - 9), (250, 20, 60), -1)
    for x in range(0, width, 150):
        cv2.line(coarse, (x, 0), (x + 40, height), (10, 10, 10), 2)
    return as_pixels(coarse)


def test_area_is_the_average_over_each_pixels_area() -> None:
    """Without a crop the picture is cv2's INTER_AREA of all of it."""
    frame = noise(480, 640)
    expected = cv2.resize(frame, (64, 48), interpolation=cv2.INTER_AREA)
    assert np.array_equal(preprocess(frame, PreprocessSpec(48, 64, interpolation="area")), expected)


def test_area_of_a_constant_block_is_its_value() -> None:
    """Ten by ten pixels of one value become one pixel of that value."""
    small = noise(6, 8)
    large = small.repeat(10, axis=0).repeat(10, axis=1)
    spec = PreprocessSpec(6, 8, interpolation="area")
    assert np.array_equal(preprocess(large, spec), small)


@pytest.mark.parametrize(
    ("frame", "image"),
    [
        ((480, 640), (64, 64)),
        ((480, 640), (96, 96)),
        ((480, 640), (224, 224)),
        ((720, 1280), (64, 64)),
        ((1080, 1920), (128, 128)),
        ((481, 639), (64, 64)),
        ((90, 2000), (64, 64)),
        ((300, 100), (64, 64)),
    ],
)
def test_mipmap_is_nearly_area(frame: tuple[int, int], image: tuple[int, int]) -> None:
    """Within 1.5 levels on average, whatever the proportions: nothing aliases."""
    picture = scene(*frame)
    ours = preprocess(picture, PreprocessSpec(*image, interpolation="mipmap"))
    exact = preprocess(picture, PreprocessSpec(*image, interpolation="area"))
    assert np.abs(ours.astype(int) - exact).mean() <= 1.5


def test_mipmap_does_not_move_the_picture() -> None:
    """A mirrored picture gives the mirrored result: no half pixel is lost on one side."""
    picture, spec = scene(480, 640), PreprocessSpec(64, 64)
    mirrored = preprocess(np.ascontiguousarray(picture[:, ::-1]), spec)[:, ::-1]
    assert np.abs(preprocess(picture, spec).astype(int) - mirrored).max() <= 1


def test_fine_patterns_become_grey() -> None:
    """Lines of one pixel are averaged, where a bilinear sample alone would make stripes of them."""
    lines = np.zeros((480, 640, 3), np.uint8)
    lines[:, ::2] = 255
    assert (np.abs(preprocess(lines, PreprocessSpec(64, 64)).astype(int) - 128) <= 1).all()


def test_a_small_picture_is_enlarged_bilinearly() -> None:
    """There is nothing to average."""
    frame = scene(20, 30)
    expected = cv2.resize(frame, (64, 48), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(preprocess(frame, PreprocessSpec(48, 64)), expected)


@pytest.mark.parametrize(("height", "width"), [(100, 300), (300, 100), (101, 203)])
def test_centre_crop_keeps_proportions(height: int, width: int) -> None:
    """The crop has the input's proportions and lies in the middle."""
    frame = np.zeros((height, width, 3), np.uint8)
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    frame[top : top + side, left : left + side] = 200
    assert (preprocess(frame, PreprocessSpec(32, 32, crop="centre")) == 200).all()


@pytest.mark.parametrize("shape", [(20, 20, 3), (10, 30, 3), (200, 150, 3)])
def test_out_receives_the_very_same_pixels(shape: tuple[int, int, int]) -> None:
    """Writing into given memory changes nothing but where the result lies."""
    frame, spec = noise(*shape[:2]), PreprocessSpec(20, 20)
    out = np.empty((20, 20, 3), np.uint8)
    assert preprocess(frame, spec, out=out) is out
    assert np.array_equal(out, preprocess(frame, spec))


def test_scratch_changes_no_pixel() -> None:
    """Frames of several sizes in turns, through the same scratch, are prepared as without it."""
    scratch, spec = Scratch(), PreprocessSpec(48, 64)
    for frame in [scene(480, 640), scene(240, 320), scene(480, 640), scene(1080, 1920)] * 2:
        prepared = preprocess(frame, spec, scratch=scratch)
        assert np.array_equal(prepared, preprocess(frame, spec))


def test_result_never_shares_memory_with_the_frame() -> None:
    """A picture that already has the right size is copied: the camera may reuse its buffer."""
    frame = noise(20, 20)
    assert not np.shares_memory(frame, preprocess(frame, PreprocessSpec(20, 20)))


def test_bgr_models_get_their_order_and_the_frame_stays() -> None:
    """The spec's colour order is the result's; the input is not touched."""
    frame = noise(20, 20)
    before = frame.copy()
    swapped = preprocess(frame, PreprocessSpec(20, 20, colour="bgr"))
    assert np.array_equal(swapped, frame[..., ::-1])
    assert np.array_equal(frame, before)


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_other_pictures_are_refused(frame: Pixels) -> None:
    """Grey, alpha, float and empty pictures are errors, not guesses."""
    with pytest.raises(FrameError, match="must"):
        preprocess(frame, PreprocessSpec(2, 2))
