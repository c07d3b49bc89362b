"""How good a model is, from its scores: the same figures for Keras and for TFLite."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from galago.bundle.classifier import Scores

_EPSILON = 1e-7  # Keras clips probabilities there before it takes the logarithm


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """Of one class; `support` is the number of its pictures."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """`loss` is the mean cross-entropy in nats; rows of `confusion` are the truth."""

    accuracy: float
    loss: float
    n: int
    labels: tuple[str, ...]
    per_class: dict[str, ClassMetrics]
    confusion: list[list[int]]

    def to_dict(self) -> dict[str, Any]:
        """The document that `galago evaluate --json` prints."""
        return asdict(self)


def measure(scores: Scores, truth: NDArray[np.int64], labels: tuple[str, ...]) -> Metrics:
    """Compare scores with the truth.

    Convention: `scores` (n, classes) float32 with rows of sum 1; `truth` (n,) indices of labels.
    A class that is never predicted has precision 0.
    """
    predicted = scores.argmax(axis=1)
    indices = list(range(len(labels)))
    columns = precision_recall_fscore_support(truth, predicted, labels=indices, zero_division=0)
    return Metrics(
        accuracy=float(np.mean(predicted == truth)),
        loss=_cross_entropy(scores, truth),
        n=len(truth),
        labels=labels,
        per_class={
            label: ClassMetrics(float(precision), float(recall), float(f1), int(support))
            for label, precision, recall, f1, support in zip(labels, *columns, strict=True)
        },
        confusion=confusion_matrix(truth, predicted, labels=indices).tolist(),
    )


def _cross_entropy(scores: Scores, truth: NDArray[np.int64]) -> float:
    of_truth = scores[np.arange(len(truth)), truth].astype(np.float64)
    return float(-np.log(of_truth.clip(_EPSILON, 1 - _EPSILON)).mean())
