"""Prepared pictures of one split, with what they show."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galago.bundle.preprocess import Pixels, as_pixels


@dataclass(frozen=True, slots=True)
class Images:
    """Some rows of a store of prepared pictures.

    Convention: `store` (N, h, w, 3) uint8, may be mapped from disk; `rows` (n,) indices into it;
    `labels` (n,) int64, indices of the dataset's labels; `paths` in the same order.
    """

    store: Pixels
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: Any) -> Pixels:
        """Pictures by index array or slice, (k, h, w, 3) uint8, copied into memory."""
        return as_pixels(self.store[self.rows[indices]])

    def take(self, rows: NDArray[np.int64]) -> "Images":
        """Some of them, by index array, in its order."""
        paths = tuple(self.paths[row] for row in rows)
        return Images(self.store, self.rows[rows], self.labels[rows], paths)

    @property
    def pixels(self) -> Pixels:
        """All of them in memory, (n, h, w, 3) uint8."""
        return self[:]


def in_turn(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Indices of all of `labels`, (n,), classes taking turns as long as they last; seeded."""
    random = np.random.default_rng(seed)
    turn = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        turn[random.permutation(of_class)] = np.arange(len(of_class))
    return np.lexsort((labels, turn))


def one_hot(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """(n,) indices to (n, classes) rows with a single 1."""
    return np.eye(classes, dtype=np.float32)[labels]
