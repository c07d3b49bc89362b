"""Parts of the picture by name."""

import numpy as np
import pytest

from galago.edge.regions import WHOLE, Cutter, Region, parse_regions
from galago.errors import UsageError


def test_none_is_the_whole_picture() -> None:
    """Which is cut as a view, without a copy."""
    assert parse_regions([]) == (WHOLE,)
    pixels = np.zeros((48, 64, 3), np.uint8)
    (view,) = Cutter((WHOLE,))(pixels)
    assert view.shape == pixels.shape
    assert np.shares_memory(view, pixels)


@pytest.mark.parametrize(
    ("written", "cut"),
    [
        ("door=0.5,0.25,0.5,0.5", (12, 36, 32, 64)),
        ("door=32,12,32,24", (12, 36, 32, 64)),
        ("door=0,0,1,1", (0, 48, 0, 64)),
        ("the door=0.333,0,0.333,1", (0, 48, 21, 43)),
    ],
)
def test_fractions_and_pixels(written: str, cut: tuple[int, ...]) -> None:
    """Four numbers up to 1 are fractions of the picture."""
    (region,) = parse_regions([written])
    assert region.cut(48, 64) == cut


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (["door"], "a region is NAME=LEFT,TOP,WIDTH,HEIGHT .* received 'door'"),
        (["door=1,2,3"], "a region is"),
        (["door=1,2,3,4,5"], "a region is"),
        (["=0,0,1,1"], "a region is"),
        (["door=0,0,1,nan"], "a region is"),
        (["door=0,0,0,1"], "region door has no area"),
        (["door=0,0,1,1", "door=0,0,0.5,1"], "two regions have one name"),
    ],
)
def test_other_forms_are_refused(written: list[str], message: str) -> None:
    """In one line that says what was expected."""
    with pytest.raises(UsageError, match=message):
        parse_regions(written)


@pytest.mark.parametrize(
    "region", [Region("a", 0.6, 0, 0.5, 1), Region("a", 60, 0, 5, 9), Region("a", 0, 0, 0.001, 1)]
)
def test_a_region_must_lie_inside_the_first_picture(region: Region) -> None:
    """And be a pixel large at least."""
    with pytest.raises(UsageError, match="inside the 64 × 48 picture"):
        Cutter((region,))(np.zeros((48, 64, 3), np.uint8))


def test_a_camera_that_changes_its_size_does_not_stop_the_loop() -> None:
    """What is outside then is cut off; of a region that is all outside, everything is shown."""
    cut = Cutter(parse_regions(["a=16,8,40,30", "b=50,30,10,10"]))
    assert [view.shape[:2] for view in cut(np.zeros((48, 64, 3), np.uint8))] == [(30, 40), (10, 10)]
    assert [view.shape[:2] for view in cut(np.zeros((24, 32, 3), np.uint8))] == [(16, 16), (24, 32)]
    assert [view.shape[:2] for view in cut(np.zeros((48, 64, 3), np.uint8))] == [(30, 40), (10, 10)]
