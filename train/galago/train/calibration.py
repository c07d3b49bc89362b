"""Fit on val what makes scores believable: one temperature, and a threshold for each class.

- The test pictures play no part; what was fitted is judged on them in `assess`.
- The temperature is finite and positive even where val is tiny or without a mistake.
- A threshold is the lowest score at which the wanted precision is reached on val, or None.

    temperature = fit_temperature(scores, truth)
    thresholds = thresholds_for(soften(scores, temperature), truth, precision=0.95)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from galago.bundle.classifier import Scores
from galago.bundle.confidence import FLOAT_FLOOR, soften

Truth = NDArray[np.int64]

BINS = 15  # as in Guo et al. 2017, so that figures can be compared with published ones
_TEMPERATURES = (0.05, 20.0)


@dataclass(frozen=True, slots=True)
class Bin:
    """Pictures whose best score lies in [low, high); the last bin includes 1.

    `confidence`: mean best score, `accuracy`: share that is right; None where there are none.
    """

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """`error`: expected calibration error, 0–1; `bins`: what it was computed from, low to high."""

    error: float
    bins: tuple[Bin, ...]


def fit_temperature(scores: Scores, truth: Truth, floor: float = FLOAT_FLOOR) -> float:
    """The temperature under which the scores explain the truth best.

    Least cross-entropy, with one imagined mistake spread over the pictures, in which the runner-up
    was right (Platt 1999): without it, val without a mistake would ask for temperature 0, and
    scores of 1 that no finite number of pictures can vouch for.

    Convention: `scores` (n, classes) float32 as the network gives them; `truth` (n,) indices;
    `floor` as in galago.bundle.confidence.
    """
    rows = np.arange(len(truth))
    others = scores.copy()
    others[rows, truth] = -1
    runner_up = others.argmax(axis=1)
    imagined = 1 / (len(truth) + 2)

    def cross_entropy(log_temperature: float) -> float:
        logs = np.log(soften(scores, float(np.exp(log_temperature)), floor).clip(1e-30))
        return -float(
            ((1 - imagined) * logs[rows, truth] + imagined * logs[rows, runner_up]).mean()
        )

    found = minimize_scalar(cross_entropy, bounds=np.log(_TEMPERATURES), method="bounded")
    return float(np.exp(found.x))


def expected_calibration_error(scores: Scores, truth: Truth) -> Reliability:
    """How far the best score is from the share of right answers, in bins of equal width.

    Convention: `scores` (n, classes) float32, rows of sum 1; `truth` (n,) indices.
    Source: Naeini et al. 2015; the mean over the bins, weighted by their pictures.
    """
    confidence = scores.max(axis=1).astype(np.float64)
    right = scores.argmax(axis=1) == truth
    which = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    bins = tuple(
        _bin(index, confidence[which == index], right[which == index]) for index in range(BINS)
    )
    error = sum(
        part.n * abs(part.confidence - part.accuracy)
        for part in bins
        if part.confidence is not None and part.accuracy is not None
    )
    return Reliability(error / len(truth), bins)


def thresholds_for(
    scores: Scores, truth: Truth, precision: float = 0.95
) -> tuple[float | None, ...]:
    """For every class the lowest threshold that gives it the wanted precision.

    A class answers where its score is the best one and at or above its threshold. The threshold is
    a score that was seen, as no lower one has been tried. None: not even its surest answers are
    right often enough, or it was never the best.

    Convention: `scores` (n, classes) float32, softened; `truth` (n,) indices; precision 0–1.
    """
    predicted = scores.argmax(axis=1)
    return tuple(
        _threshold(scores[predicted == label, label], truth[predicted == label] == label, precision)
        for label in range(scores.shape[1])
    )


def _bin(index: int, confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Bin:
    n = len(right)
    return Bin(
        low=index / BINS,
        high=(index + 1) / BINS,
        n=n,
        confidence=float(confidence.mean()) if n else None,
        accuracy=float(right.mean()) if n else None,
    )


def _threshold(scores: Scores, right: NDArray[np.bool_], precision: float) -> float | None:
    """Scores of the answers of one class, (n,), and whether each was right."""
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    reached = np.cumsum(right[order]) / np.arange(1, len(order) + 1) >= precision
    # Equal scores pass together: only the last of them is a place to stop.
    reached &= np.diff(falling, append=-1) < 0
    return float(falling[reached][-1]) if reached.any() else None
