"""Scores whose truth is known, because it was drawn from them."""

import numpy as np

from galago.bundle.classifier import Scores
from galago.bundle.confidence import soften
from galago.train.calibration import Truth


def honest(n: int, classes: int, seed: int = 0) -> tuple[Scores, Truth]:
    """Scores that are exactly as often right as they say."""
    random = np.random.default_rng(seed)
    scores = random.dirichlet([0.4] * classes, n).clip(1e-4, None)
    scores /= scores.sum(axis=1, keepdims=True)
    truth = (scores.cumsum(axis=1) < random.random((n, 1))).sum(axis=1).clip(0, classes - 1)
    return scores.astype(np.float32), truth.astype(np.int64)


def overconfident(n: int, classes: int, seed: int = 0) -> tuple[Scores, Truth]:
    """The same with logits three times as large: temperature 3 makes them honest again."""
    scores, truth = honest(n, classes, seed)
    return soften(scores, 1 / 3), truth
