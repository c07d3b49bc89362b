"""What the network is shown, batch by batch."""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galago.train.data.images import Images
from galago.train.feed import class_weights, steps_per_epoch, training_feed, validation_feed
from galago.train.recipe import Facts, Recipe, Settings, choose


def recipe(**options: Any) -> Recipe:
    return choose(Settings("cnn", **options), Facts(100, 100, 64))[0]


def numbered(n: int, classes: int = 3) -> Images:
    """Picture number i is grey of value i; the store has other pictures in between."""
    store = np.zeros((2 * n, 8, 8, 3), np.uint8)
    rows = np.arange(0, 2 * n, 2)
    store[rows] = np.arange(n, dtype=np.uint8)[:, None, None, None]
    paths = tuple(Path(f"{i}.png") for i in range(n))
    return Images(store, rows, np.arange(n) % classes, paths)


def shown(images: Images, chosen: Recipe, batches: int, first_epoch: int = 0) -> list[list[int]]:
    feed = training_feed(images, 3, chosen, first_epoch=first_epoch)
    return [[int(p[0, 0, 0]) for p in np.asarray(b[0])] for b in islice(feed, batches)]


def test_an_epoch_shows_every_picture() -> None:
    """Each once, but for those that fill up the last batch."""
    images, chosen = numbered(50), recipe(batch_size=16)
    assert steps_per_epoch(images, chosen) == 4
    seen = [number for batch in shown(images, chosen, 4) for number in batch]
    assert len(seen) == 64
    assert sorted(set(seen)) == list(range(50))


def test_epochs_differ_in_order_and_repeat_with_the_seed() -> None:
    """A function of seed and epoch alone: begun in the middle, it goes on the same."""
    images, chosen = numbered(48), recipe(batch_size=16)
    both = shown(images, chosen, 6)
    assert both[:3] != both[3:]
    assert shown(images, chosen, 3, first_epoch=1) == both[3:]
    assert shown(images, replace(chosen, seed=1), 6) != both


def test_labels_go_with_their_pictures() -> None:
    """One-hot for three classes."""
    images, chosen = numbered(30), recipe(batch_size=10)
    for pixels, targets, _ in islice(training_feed(images, 3, chosen), 3):
        numbers = np.asarray(pixels)[:, 0, 0, 0].astype(int)
        assert np.array_equal(np.asarray(targets).argmax(axis=1), numbers % 3)


def test_two_classes_have_one_target() -> None:
    """The probability of the second, smoothed if asked for."""
    images, chosen = numbered(20, classes=2), recipe(batch_size=20, label_smoothing=0.1)
    pixels, targets, _ = next(iter(training_feed(images, 2, chosen)))
    numbers = np.asarray(pixels)[:, 0, 0, 0].astype(int)
    assert np.asarray(targets)[:, 0] == pytest.approx(np.where(numbers % 2, 0.95, 0.05))


def test_rare_classes_weigh_more() -> None:
    """As much together as any other class; and not at all different where all are as common."""
    labels = np.array([0] * 60 + [1] * 20)
    weights = class_weights(labels, 2, recipe())
    assert weights[0] * 60 == pytest.approx(weights[1] * 20)
    assert weights[labels].mean() == pytest.approx(1)
    assert class_weights(labels, 2, recipe(class_weights=False)).tolist() == [1, 1]
    assert class_weights(np.array([0] * 60 + [1] * 50), 2, recipe()).tolist() == [1, 1]


def test_validation_is_shown_once_and_unchanged() -> None:
    """In order, whatever the recipe changes in training."""
    images = numbered(150)
    batches = [np.asarray(pixels)[:, 0, 0, 0] for pixels, _ in validation_feed(images, 3)]
    assert np.concatenate(batches).tolist() == list(range(150))
