"""Is the converted model as good as the one it came from?

`compare` is pure; the limit and what follows from it are the caller's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galago.bundle.classifier import Scores
from galago.train.metrics import Metrics, measure

MAX_DROP_POINTS = 0.5  # percentage points of accuracy


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same pictures through both models; `agreement` is the share with the same top class."""

    original: Metrics
    converted: Metrics
    agreement: float

    @property
    def drop_points(self) -> float:
        """Accuracy lost, in percentage points; negative where the converted model is better."""
        return 100 * (self.original.accuracy - self.converted.accuracy)

    def within(self, max_drop_points: float) -> bool:
        """Whether no more accuracy is lost than allowed."""
        # One picture in a small test set weighs more than the limit: it alone must not decide.
        one_picture = 100 / self.original.n
        return self.drop_points <= max(max_drop_points, one_picture) + 1e-9


def compare(
    original: Scores, converted: Scores, truth: NDArray[np.int64], labels: tuple[str, ...]
) -> Comparison:
    """Compare two models' scores, (n, classes) each, for the same pictures."""
    return Comparison(
        measure(original, truth, labels),
        measure(converted, truth, labels),
        agreement=float(np.mean(original.argmax(axis=1) == converted.argmax(axis=1))),
    )
