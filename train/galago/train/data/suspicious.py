"""Labels that the other pictures contradict: confident learning on cheap features.

- Every picture is judged by a model that saw neither it nor its burst.
- Silent rather than noisy: on pictures that cheap features cannot tell apart, such as photographs
  of cats and dogs, nothing is said at all.

    for row, label in contradicted(pixels, labels, groups):
        print(row, "looks like", names[label])

C. Northcutt, L. Jiang, I. Chuang: Confident learning. JAIR 70, 2021.
"""

import warnings

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # scikit-learn's own

from galago.bundle.preprocess import Pixels

# Measured (docs/benchmarks.md): where the features are wrong about more pictures than labels are,
# most labels that they contradict are right. Then nothing is said; so it is with most photographs.
MIN_ACCURACY = 0.97
MAX_PROBABILITY = 0.02  # of the given label, out of fold
FOLDS = 5
MIN_GROUPS = 20  # of each class; from fewer nothing is learnt that could contradict anyone

_TRIAL = 2000  # pictures that decide whether the rest is worth asking
_CELLS, _DIRECTIONS = 8, 8
_COMPONENTS = 128
_STRENGTH = 1.0

Indices = NDArray[np.int64]
Floats = NDArray[np.float32]


def contradicted(pixels: Pixels, labels: Indices, groups: Indices) -> list[tuple[int, int]]:
    """Rows whose label is almost surely false, each with the label that it should rather have.

    Convention: `pixels` (n, 64, 64, 3) uint8 RGB; `labels` (n,) indices; `groups` (n,), equal for
    pictures of one burst.
    """
    order = np.random.default_rng(0).permutation(len(labels))
    trial = np.sort(order[:_TRIAL])
    found = _judge(pixels[trial], labels[trial], groups[trial])
    if found is None or len(trial) == len(labels):
        return found or []
    return _judge(pixels, labels, groups) or []


def _judge(pixels: Pixels, labels: Indices, groups: Indices) -> list[tuple[int, int]] | None:
    """None where these pictures cannot be told apart well enough."""
    classes = np.unique(labels)
    if len(classes) < 2 or min(_groups_of(labels, groups)) < MIN_GROUPS:
        return None
    given = np.searchsorted(classes, labels)
    probabilities = _out_of_fold(features(pixels), given, groups)
    best = probabilities.argmax(axis=1)
    if np.mean(best == given) < MIN_ACCURACY:
        return None
    # Each class's own confidence is the bar for being taken for it.
    bars = np.array([probabilities[given == k, k].mean() for k in range(len(classes))])
    rows = np.arange(len(given))
    false = (probabilities[rows, given] < MAX_PROBABILITY) & (
        probabilities[rows, best] >= bars[best]
    )
    return [(int(row), int(classes[best[row]])) for row in np.flatnonzero(false)]


def _groups_of(labels: Indices, groups: Indices) -> list[int]:
    return [len(np.unique(groups[labels == label])) for label in np.unique(labels)]


def _out_of_fold(table: Floats, given: Indices, groups: Indices) -> NDArray[np.float64]:
    """(n, classes) probabilities, each row by a model that has not seen its group's labels."""
    size = min(_COMPONENTS, len(table) // 2)
    # Not whitened: what varies most must count most, or noise drowns the plainest difference.
    main = PCA(size, svd_solver="covariance_eigh").fit_transform(table)
    main /= main.std()
    # Balanced: a rare class must not look unlikely for being rare.
    model = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=200)
    probabilities = np.zeros((len(given), given.max() + 1))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    # Many threads on such small tables mostly wait for one another.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # close is good enough here
        for seen, unseen in folds.split(main, given, groups):
            model.fit(main[seen], given[seen])
            probabilities[unseen] = model.predict_proba(main[unseen])
    return probabilities


def features(pixels: Pixels) -> Floats:
    """Where which colours and which edges are: (n, 64, 64, 3) → (n, 704)."""
    return np.stack([_features(picture) for picture in pixels])


def _features(picture: Pixels) -> Floats:
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    colours = cv2.resize(lab, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA) / 25
    return np.concatenate([_edges(np.ascontiguousarray(lab[..., 0])).ravel(), colours.ravel()])


def _edges(lightness: Floats) -> Floats:
    """Histograms of gradient directions, each measured against its surroundings (Dalal, Triggs)."""
    across, down = cv2.Sobel(lightness, cv2.CV_32F, 1, 0), cv2.Sobel(lightness, cv2.CV_32F, 0, 1)
    direction = (np.arctan2(down, across) % np.pi / np.pi * _DIRECTIONS).astype(int) % _DIRECTIONS
    cell = np.arange(len(lightness)) * _CELLS // len(lightness)
    bins = (cell[:, None] * _CELLS + cell) * _DIRECTIONS + direction
    strength = np.bincount(
        bins.ravel(), np.hypot(across, down).ravel(), _CELLS * _CELLS * _DIRECTIONS
    ).reshape(_CELLS, _CELLS, _DIRECTIONS)
    energy = cv2.blur(np.square(strength).sum(axis=2), (3, 3), borderType=cv2.BORDER_REFLECT) * 9
    # 100: the faintest texture must not count like an outline.
    histograms: Floats = np.sqrt(strength / np.sqrt(energy + 100)[..., None]).astype(np.float32)
    return histograms
