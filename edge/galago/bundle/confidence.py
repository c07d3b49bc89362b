"""How far a score can be believed: softened scores, and `unknown` where none is high enough.

- `soften` makes a score of 0.9 mean "right nine times in ten", and never changes the best class.
- A class answers only at or above its own threshold; below it the answer is UNKNOWN.
- A threshold of None is never reached: that class was never right often enough to be believed.
- Temperature and thresholds belong together: the thresholds were chosen on softened scores.

    limits = as_limits(thresholds)  # once
    label = int(answers(soften(scores, temperature), limits))
"""

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from galago.bundle.classifier import Scores

UNKNOWN = -1  # no class is certain enough

Limits: TypeAlias = NDArray[np.float32]

# The smallest score that a float network can tell from 0; Keras clips there too. A quantized output
# tells no score below half of its step of 1/256.
FLOAT_FLOOR, QUANTIZED_FLOOR = 1e-7, 1 / 512


def soften(scores: Scores, temperature: float, floor: float = FLOAT_FLOOR) -> Scores:
    """Divide the logits behind `scores` by `temperature`: above 1 doubts more, below 1 less.

    The logits of a softmax are the logarithms of its scores, up to a constant that softmax ignores;
    the two columns [1 − p, p] of a sigmoid are the softmax of [0, logit], so both forms are right.

    Convention: (classes,) or (n, classes) float32, 0–1, sum 1 over the last axis → the same.
    Scores below `floor` count as `floor`: what was rounded to 0 was not impossible.
    Raises: ValueError: the temperature is not a positive number.
    Source: Guo et al., On Calibration of Modern Neural Networks, 2017.
    """
    if not (temperature > 0 and math.isfinite(temperature)):
        raise ValueError(f"a temperature must be a positive number, received {temperature}")
    logits = np.log(np.clip(scores, floor, 1.0, dtype=np.float64)) / temperature
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    softened: Scores = (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float32)
    return softened


def as_limits(thresholds: Sequence[float | None]) -> Limits:
    """Thresholds, one per class, 0–1 or None, to (classes,) float32; None is infinite."""
    return np.array([math.inf if limit is None else limit for limit in thresholds], np.float32)


def answers(scores: Scores, limits: Limits) -> NDArray[np.intp]:
    """Index of the best class, or UNKNOWN where its score is below its limit.

    Convention: softened scores (classes,) or (n, classes), limits (classes,) → () or (n,).
    """
    best = scores.argmax(axis=-1)
    # Written so that a NaN is unknown.
    return np.where(scores.max(axis=-1) >= limits[best], best, UNKNOWN)
