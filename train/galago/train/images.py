"""Pictures decoded once, prepared by the one `preprocess`, held as uint8 arrays."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galago.bundle.image import read_image
from galago.bundle.preprocess import Pixels, PreprocessSpec, preprocess
from galago.errors import DataError
from galago.progress import say, track
from galago.train.dataset import Item

MAX_UNREADABLE = 0.05  # a few broken files are normal; more means a broken copy


@dataclass(frozen=True, slots=True)
class Images:
    """Prepared pictures of one split.

    Convention: `pixels` (n, h, w, 3) uint8; `labels` (n,) int64, indices; `paths` in that order.
    `unreadable` are the files left out.
    """

    pixels: Pixels
    labels: NDArray[np.int64]
    paths: tuple[Path, ...]
    unreadable: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def fingerprint(self) -> str:
        """Digest of pictures and labels, to tell whether two runs saw the same data."""
        digest = hashlib.sha256(self.pixels.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()


def load(
    items: Sequence[Item],
    spec: PreprocessSpec,
    what: str,
    *,
    max_unreadable: float = MAX_UNREADABLE,
) -> Images:
    """Read and prepare pictures; unreadable ones are named on standard error and left out.

    Raises:
        DataError: more than the share `max_unreadable` (0–1) cannot be read.
    """

    def prepare(item: Item) -> Pixels | None:
        try:
            return preprocess(read_image(item.path), spec)
        except (DataError, OSError):
            return None

    # Threads, not processes: OpenCV decodes and resizes outside Python's lock.
    with ThreadPoolExecutor() as pool:
        prepared = list(track(pool.map(prepare, items), f"Reading {what}", total=len(items)))
    unreadable = [item.path for item, pixels in zip(items, prepared, strict=True) if pixels is None]
    _judge_unreadable(unreadable, len(items), what, max_unreadable)
    kept = [
        (item, pixels) for item, pixels in zip(items, prepared, strict=True) if pixels is not None
    ]
    return Images(
        np.stack([pixels for _, pixels in kept]),
        np.array([item.label for item, _ in kept], np.int64),
        tuple(item.path for item, _ in kept),
        tuple(unreadable),
    )


def one_hot(labels: NDArray[np.int64], classes: int) -> NDArray[Any]:
    """(n,) indices to (n, classes) float32 rows with a single 1."""
    return np.eye(classes, dtype=np.float32)[labels]


def _judge_unreadable(unreadable: list[Path], total: int, what: str, limit: float) -> None:
    for path in unreadable:
        say(f"left out, cannot be read as an image: {path}")
    if len(unreadable) > limit * total or len(unreadable) == total:
        raise DataError(
            f"{len(unreadable)} of {total} {what} cannot be read (the first: {unreadable[0]}): at "
            f"most {limit:.0%} may be left out; mend or remove them, or raise --max-unreadable"
        )
