"""Batches for training: fetched from the store, augmented, always ready in time.

- Batch number `step` is a function of data, recipe and `step` alone: a run that goes on after a
  kill sees exactly what it would have seen.
- All batches have the same size; the last of an epoch is filled up from its beginning.

Convention: images (b, h, w, 3) float32 RGB 0–255; targets (b, 1) for two classes, the probability
of the second, else (b, classes); weights (b,) float32.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galago.train.augment import augment, strength
from galago.train.data.images import Images
from galago.train.recipe import Recipe
from galago.train.tensorflow import tf

IMBALANCED = 1.5  # largest class over smallest, from which on classes are weighted

_VALIDATION_BATCH = 128


def steps_per_epoch(images: Images, recipe: Recipe) -> int:
    """Batches that show every picture once."""
    return math.ceil(len(images) / _batch(images, recipe))


def training_feed(images: Images, classes: int, recipe: Recipe, *, first_epoch: int = 0) -> Any:
    """An endless tf.data.Dataset of (images, targets, weights), from the epoch on that is named."""
    steps = steps_per_epoch(images, recipe)
    batch = _batch(images, recipe)
    height, width = images.store.shape[1:3]
    chosen = strength(recipe.augment)
    of_class = tf.constant(class_weights(images.labels, classes, recipe))

    def fetch(step: NDArray[np.int64]) -> tuple[Any, Any]:
        epoch, turn = divmod(int(step), steps)
        order = np.random.default_rng((recipe.seed, epoch)).permutation(len(images))
        chosen_now = np.take(order, range(turn * batch, (turn + 1) * batch), mode="wrap")
        return images[chosen_now], images.labels[chosen_now]

    def prepare(step: Any) -> tuple[Any, Any, Any]:
        pixels, labels = tf.numpy_function(fetch, [step], [tf.uint8, tf.int64], stateful=False)
        pixels = tf.cast(tf.ensure_shape(pixels, (batch, height, width, 3)), tf.float32)
        targets = tf.one_hot(tf.ensure_shape(labels, (batch,)), classes)
        key = tf.stack([tf.constant(recipe.seed, tf.int64), step])
        pixels, targets = augment(pixels, targets, key, chosen)
        weights = tf.linalg.matvec(targets, of_class)
        targets = targets * (1 - recipe.label_smoothing) + recipe.label_smoothing / classes
        return pixels, targets[:, 1:] if classes == 2 else targets, weights

    numbers = tf.data.Dataset.range(first_epoch * steps, np.iinfo(np.int64).max)
    return numbers.map(prepare, num_parallel_calls=2, deterministic=True).prefetch(4)


def validation_feed(images: Images, classes: int) -> Any:
    """A tf.data.Dataset of (images, targets), once through, unchanged."""
    height, width = images.store.shape[1:3]

    def fetch(start: NDArray[np.int64]) -> tuple[Any, Any]:
        part = slice(int(start), int(start) + _VALIDATION_BATCH)
        return images[part], images.labels[part]

    def prepare(start: Any) -> tuple[Any, Any]:
        pixels, labels = tf.numpy_function(fetch, [start], [tf.uint8, tf.int64], stateful=False)
        pixels = tf.cast(tf.ensure_shape(pixels, (None, height, width, 3)), tf.float32)
        targets = tf.one_hot(tf.ensure_shape(labels, (None,)), classes)
        return pixels, targets[:, 1:] if classes == 2 else targets

    starts = tf.data.Dataset.range(0, len(images), _VALIDATION_BATCH)
    return starts.map(prepare).prefetch(2)


def class_weights(labels: NDArray[np.int64], classes: int, recipe: Recipe) -> NDArray[np.float32]:
    """(classes,) weights with which all classes count the same, where they are imbalanced."""
    counts = np.bincount(labels, minlength=classes)
    if not recipe.class_weights or counts.max() < IMBALANCED * counts.min():
        return np.ones(classes, np.float32)
    return (len(labels) / (classes * np.maximum(counts, 1))).astype(np.float32)


def _batch(images: Images, recipe: Recipe) -> int:
    return min(recipe.batch_size, len(images))
