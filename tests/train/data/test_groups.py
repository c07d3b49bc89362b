"""Bursts and copies belong together; pictures that only resemble one another do not."""

import math
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from galago.bundle.image import read_image
from galago.bundle.preprocess import Pixels, as_pixels
from galago.train.data.groups import BURST_GAP_S, cut, group, near_pairs
from galago.train.data.look import LOOK, Looks, look


def scene(seed: int) -> Pixels:
    """A picture with structure, (120, 160, 3) uint8 RGB."""
    random = np.random.default_rng(seed)
    coarse = random.integers(20, 220, (6, 8, 3)).astype(np.uint8)
    smooth = cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC)
    return as_pixels(np.clip(smooth + random.normal(0, 4, (120, 160, 1)), 0, 255).astype(np.uint8))


def looks_of(*pictures: Pixels) -> Looks:
    return np.array([look(picture.tobytes(), picture) for picture in pictures], LOOK)


def stamped(n: int, times: list[float]) -> Looks:
    """Different scenes, taken at these times."""
    looks = looks_of(*(scene(seed) for seed in range(n)))
    looks["taken"] = times
    return looks


def group_alike(looks: Looks) -> list[int]:
    return list(group(looks, ["a"] * len(looks), [None] * len(looks)).tolist())


def copies(picture: Pixels) -> dict[str, Pixels]:
    def encoded(suffix: str, quality: list[int]) -> Pixels:
        data = cv2.imencode(suffix, picture, quality)[1]
        return as_pixels(cv2.imdecode(data, cv2.IMREAD_COLOR))

    return {
        "jpeg": encoded(".jpg", [cv2.IMWRITE_JPEG_QUALITY, 50]),
        "webp": encoded(".webp", [cv2.IMWRITE_WEBP_QUALITY, 40]),
        "half": as_pixels(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)),
        "brighter": np.clip(picture.astype(int) + 12, 0, 255).astype(np.uint8),
        "contrast": np.clip(picture * 1.1, 0, 255).astype(np.uint8),
    }


def test_copies_of_a_picture_are_found() -> None:
    """Compressed, scaled, brightened."""
    for seed in range(20):
        original = scene(seed)
        for name, copy in copies(original).items():
            assert near_pairs(looks_of(original, copy)).tolist() == [[0, 1]], (seed, name)


def test_different_scenes_are_no_pair() -> None:
    """Nor are flat pictures of different colours, whose hashes are the same."""
    assert len(near_pairs(looks_of(*(scene(seed) for seed in range(300))))) == 0
    flat = [np.full((40, 40, 3), colour, np.uint8) for colour in ((200, 30, 30), (30, 30, 200), 99)]
    assert len(near_pairs(looks_of(*flat))) == 0


def test_real_photographs_are_told_apart_and_their_copies_found(cats_dogs: Path) -> None:
    """Of 400 cats and dogs no two are joined; of their copies 98 in 100 are."""
    paths = sorted(cats_dogs.rglob("*.jpg"))[::10]
    pictures = [read_image(path) for path in paths]
    assert len(near_pairs(looks_of(*pictures))) == 0
    found = [
        len(near_pairs(looks_of(picture, copy)))
        for picture in pictures[:60]
        for copy in copies(picture).values()
    ]
    assert np.mean(found) > 0.98


def test_the_same_view_on_another_day_is_no_pair() -> None:
    """A fixed camera's empty garden looks alike; but a copy without a time joins what it copies."""
    looks = looks_of(scene(1), scene(1), scene(1))
    looks["taken"] = [0, BURST_GAP_S + 1, math.nan]
    looks["digest"] = [b"a", b"b", b"c"]
    assert near_pairs(looks).tolist() == [[0, 2], [1, 2]]
    looks["taken"] = [0, BURST_GAP_S + 1, 2 * BURST_GAP_S]
    assert near_pairs(looks).tolist() == [[1, 2]]


def test_unreadable_pictures_are_nobodys_copies() -> None:
    """They have no view."""
    looks = looks_of(scene(1), scene(1))
    looks["readable"] = [True, False]
    assert len(near_pairs(looks)) == 0
    assert near_pairs(looks[:0]).shape == (0, 2)


def test_all_pairs_are_found_that_comparing_all_would_find() -> None:
    """The short cut by two equal bytes loses none."""
    random = np.random.default_rng(0)
    looks = np.zeros(600, LOOK)
    looks["readable"], looks["taken"] = True, math.nan
    bases = random.integers(0, 2**63, 60, np.uint64)
    flips = [
        sum(1 << int(bit) for bit in random.permutation(64)[: random.integers(0, 8)]) for _ in looks
    ]
    looks["hash"] = bases[np.arange(600) % 60] ^ np.array(flips, np.uint64)
    expected = [
        [one, other]
        for one in range(600)
        for other in range(one + 1, 600)
        if int(looks["hash"][one] ^ looks["hash"][other]).bit_count() <= 6
    ]
    assert len(expected) > 1000
    assert near_pairs(looks).tolist() == expected


@pytest.mark.parametrize("flat", [True, False])
def test_many_pictures_take_seconds(flat: bool) -> None:
    """Ten thousand black frames hang together; fifty thousand different ones do not."""
    looks = np.zeros(10_000 if flat else 50_000, LOOK)
    looks["readable"], looks["taken"] = True, math.nan
    looks["digest"] = [str(row).encode() for row in range(len(looks))]
    if not flat:
        random = np.random.default_rng(0)
        looks["hash"] = random.integers(0, 2**64, len(looks), np.uint64)
        looks["thumb"] = random.integers(0, 256, looks["thumb"].shape)
    start = time.process_time()
    groups = set(group_alike(looks))
    assert time.process_time() - start < 30
    assert len(groups) == (1 if flat else len(looks))


def test_a_burst_is_a_chain_of_short_gaps() -> None:
    """Its ends may be minutes apart; order in the list is of no account."""
    looks = stamped(6, [0, 110, 55, 200, 171, math.nan])
    assert group_alike(looks) == [0, 0, 0, 3, 3, 5]


def test_one_moment_in_two_places_is_no_burst() -> None:
    """Two cameras, or two labels."""
    groups = group(stamped(3, [0, 1, 2]), ["porch", "barn", "porch"], [None] * 3)
    assert groups.tolist() == [0, 1, 0]


def test_exact_copies_belong_together_wherever_they_are() -> None:
    """In another place, with another time, of other groups."""
    looks = stamped(4, [0, 1e6, 2e6, 3e6])
    looks["digest"] = [b"x", b"y", b"x", b"y"]
    assert group(looks, list("abcd"), ["1", "2", "3", None]).tolist() == [0, 1, 0, 1]


def test_a_given_group_is_what_was_said_and_no_more() -> None:
    """A burst does not widen it; pictures without one are grouped as ever."""
    looks = stamped(6, [0, 1, 2, 3, 500, 501])
    groups = group(looks, ["a"] * 6, ["tom", "tim", "tom", None, None, None])
    assert groups.tolist() == [0, 1, 0, 3, 4, 4]


def test_a_group_too_large_a_part_of_its_class_is_cut_by_time() -> None:
    """Into blocks that follow one another; groups of an ordinary size stay whole."""
    groups = np.array([0] * 80 + [80] * 20)
    order = [(float(time), f"{time}.jpg") for time in np.random.default_rng(0).permutation(100)]
    result, n = cut(groups, ["a"] * 100, order, [None] * 100)
    assert n == 1
    assert (result[80:] == 80).all()
    blocks = [result[row] for row in sorted(range(80), key=lambda row: order[row])]
    assert np.count_nonzero(np.diff(blocks)) == len(set(blocks)) - 1 == 4
    assert max(np.unique(blocks, return_counts=True)[1]) <= 0.2 * 100


def test_a_cut_leaves_every_class_in_many_blocks() -> None:
    """Even where one endless group holds several classes, and one class is rare."""
    labels = ["a"] * 60 + ["b"] * 9 + ["c"] * 2
    result, n = cut(np.zeros(71, int), labels, [(0.0, f"{r:03}") for r in range(71)], [None] * 71)
    assert n == 1
    for label, expected in (("a", 7), ("b", 7), ("c", 2)):
        assert len({result[row] for row in range(71) if labels[row] == label}) == expected


def test_a_group_that_a_person_named_is_never_cut() -> None:
    """Whoever names one camera per picture wants it whole."""
    result, n = cut(np.zeros(9, int), ["a"] * 9, [(0.0, str(r)) for r in range(9)], ["cam"] * 9)
    assert (n, set(result.tolist())) == (0, {0})
