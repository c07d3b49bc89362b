"""Augmentation: bounded, repeatable, and true to the targets."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from galago.train.augment import STRENGTHS, Strength, augment
from galago.train.tensorflow import tf

RANDOM = np.random.default_rng(5)
IMAGES = RANDOM.integers(0, 256, (16, 24, 32, 3)).astype(np.float32)
TARGETS = np.eye(4, dtype=np.float32)[np.arange(16) % 4]


def change(chosen: Strength, key: int = 1) -> tuple[NDArray[Any], NDArray[Any]]:
    images, targets = augment(IMAGES, tf.constant(TARGETS), tf.constant([3, key]), chosen)
    return np.asarray(images), np.asarray(targets)


def test_none_changes_nothing() -> None:
    """Not even by interpolation."""
    images, targets = change(STRENGTHS["none"])
    assert np.array_equal(images, IMAGES)
    assert np.array_equal(targets, TARGETS)


@pytest.mark.parametrize("name", [name for name in STRENGTHS if name != "none"])
def test_the_key_decides(name: str) -> None:
    """The same key gives the same batch, another key another one."""
    first, again, other = (change(STRENGTHS[name], key)[0] for key in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", STRENGTHS)
def test_pixels_and_targets_stay_what_they_are(name: str) -> None:
    """Pixels within 0–255 and of the same shape; every target still sums to one."""
    images, targets = change(STRENGTHS[name])
    assert images.shape == IMAGES.shape
    assert images.min() >= 0
    assert images.max() <= 255
    assert targets.sum(axis=1) == pytest.approx(1)


def test_flip_mirrors_some_and_leaves_the_rest() -> None:
    """Exactly, pixel by pixel."""
    images, _ = change(Strength(flip=True))
    mirrored = [np.allclose(i, o[:, ::-1], atol=1e-3) for i, o in zip(images, IMAGES, strict=True)]
    same = [np.allclose(i, o, atol=1e-3) for i, o in zip(images, IMAGES, strict=True)]
    assert all(m != s for m, s in zip(mirrored, same, strict=True))
    assert 2 < sum(mirrored) < 14


def test_shift_moves_by_whole_pixels() -> None:
    """What stays in view is not blurred: every pixel of the middle is one of the original's."""
    images, _ = change(Strength(flip=False, shift=0.125))
    for image, original in zip(images, IMAGES, strict=True):
        patch = image[8:16, 10:22]
        distances = [
            np.abs(original[y : y + 8, x : x + 12] - patch).max()
            for y in range(4, 13)
            for x in range(5, 16)
        ]
        assert min(distances) < 0.01


def test_colour_changes_keep_the_shapes() -> None:
    """Brightness multiplies a picture's mean by no more than was asked for."""
    images, _ = change(Strength(flip=False, brightness=0.2))
    ratio = images.mean(axis=(1, 2, 3)) / IMAGES.mean(axis=(1, 2, 3))
    assert ratio.min() > 0.75
    assert ratio.max() < 1.25
    assert ratio.std() > 0.02


def test_cutout_greys_one_rectangle() -> None:
    """No larger than was asked for."""
    images, _ = change(Strength(flip=False, cutout=0.5))
    changed = (images != IMAGES).any(axis=3).mean(axis=(1, 2))
    assert changed.max() <= 0.3
    assert changed.max() > 0.02


def test_mixup_mixes_pictures_and_targets_alike() -> None:
    """The blend of the pictures is that of the targets, the own picture's share the larger."""
    images, targets = change(Strength(flip=False, mixup=0.4))
    other, other_targets = IMAGES[::-1], TARGETS[::-1]
    for index in range(16):
        difference = IMAGES[index] - other[index]
        share = ((images[index] - other[index]) * difference).sum() / (difference**2).sum()
        expected = share * TARGETS[index] + (1 - share) * other_targets[index]
        assert targets[index] == pytest.approx(expected, abs=1e-3)
        assert share >= 0.499
