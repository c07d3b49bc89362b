"""From a picture to a model's input."""

import cv2
import numpy as np
import pytest

from galago.bundle.preprocess import Pixels, PreprocessSpec, preprocess
from galago.errors import FrameError


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_whole_view_is_averaged_over_its_area() -> None:
    """Without a crop the picture is cv2's INTER_AREA of all of it."""
    frame = noise(480, 640)
    expected = cv2.resize(frame, (64, 48), interpolation=cv2.INTER_AREA)
    assert np.array_equal(preprocess(frame, PreprocessSpec(48, 64)), expected)


def test_area_of_a_constant_block_is_its_value() -> None:
    """Ten by ten pixels of one value become one pixel of that value."""
    small = noise(6, 8)
    large = small.repeat(10, axis=0).repeat(10, axis=1)
    assert np.array_equal(preprocess(large, PreprocessSpec(6, 8)), small)


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
