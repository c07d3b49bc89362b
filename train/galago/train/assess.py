"""Judge a trained model: its figures, how far they can be believed, and when it should not answer.

- Everything is fitted on val and judged on test; nothing looks at test to choose anything.
- Pure: scores in, figures out. `report` draws them, `metrics.json` and the page say the same.
- A figure that cannot be computed, such as the precision of a class never answered, is None.

    assessment = assess(val_scores, val.labels, test_scores, test.labels, labels)
    print(as_text(assessment))
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve

from galago.bundle.classifier import Scores
from galago.bundle.confidence import UNKNOWN, answers, as_limits, soften
from galago.train.calibration import (
    Reliability,
    Truth,
    expected_calibration_error,
    fit_temperature,
    thresholds_for,
)
from galago.train.metrics import Metrics, measure

PRECISION = 0.95  # wanted of every answer that is given
CURVE_POINTS = 100
_Z = 1.959964  # 95 % of a normal distribution lie within so many standard deviations


@dataclass(frozen=True, slots=True)
class NaiveClaim:
    """What a split that tears bursts apart would have claimed.

    `accuracy` is that claim, measured on `n` pictures; `honest` is what whole bursts give. 0–1.
    """

    accuracy: float
    honest: float
    n: int


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision over recall of one class; `points` (recall, precision), recall falling.

    None and empty where the class has no test pictures.
    """

    average_precision: float | None
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class ClassAnswers:
    """One class when it must be sure, on the test pictures.

    `answered`: how often the class is the answer; `precision`: share of these that are right;
    `recall`: share of the class's pictures that are found; `unknown`: share of them answered
    `unknown`.
    """

    threshold: float | None
    answered: int
    precision: float | None
    recall: float | None
    unknown: float | None


@dataclass(frozen=True, slots=True)
class Answers:
    """What the thresholds do on the test pictures.

    `wanted`: the precision they were chosen for on val; `coverage`: share of the pictures that get
    an answer; `precision`: share of those answers that are right. 0–1.
    """

    wanted: float
    coverage: float
    precision: float | None
    per_class: dict[str, ClassAnswers]


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that is said about a model.

    `metrics` are those of the unsoftened scores, as everyone computes them. `accuracy_interval`:
    between these lies the true accuracy with 95 % certainty (Wilson 1927). `before`, `after`:
    calibration on test without and with `temperature`, which was fitted on `n_val` pictures.
    """

    metrics: Metrics
    accuracy_interval: tuple[float, float]
    n_val: int
    temperature: float
    before: Reliability
    after: Reliability
    unknown: Answers
    curves: dict[str, Curve]
    naive: NaiveClaim | None = None

    @property
    def thresholds(self) -> tuple[float | None, ...]:
        """In the order of the labels; None: that class is never answered."""
        return tuple(self.unknown.per_class[label].threshold for label in self.metrics.labels)

    def to_dict(self) -> dict[str, Any]:
        """The document of `galago evaluate --json`, and what else is known: metrics.json."""
        return {
            **self.metrics.to_dict(),
            "accuracy_interval": list(self.accuracy_interval),
            "calibration": {
                "temperature": self.temperature,
                "n_val": self.n_val,
                "ece_before": self.before.error,
                "ece_after": self.after.error,
                "bins_before": [asdict(part) for part in self.before.bins],
                "bins_after": [asdict(part) for part in self.after.bins],
            },
            "unknown": asdict(self.unknown),
            "curves": {label: asdict(curve) for label, curve in self.curves.items()},
            "naive_split": None if self.naive is None else asdict(self.naive),
        }


def assess(  # noqa: PLR0913 - two sets of pictures, scores and truth of each
    val_scores: Scores,
    val_truth: Truth,
    test_scores: Scores,
    test_truth: Truth,
    labels: tuple[str, ...],
    *,
    precision: float = PRECISION,
    naive: NaiveClaim | None = None,
) -> Assessment:
    """Fit temperature and thresholds on val, and measure everything on test.

    Convention: scores (n, classes) float32 as the network gives them, rows of sum 1; truth (n,)
    indices of `labels`; `precision` 0–1, wanted of every answer that is given.
    """
    temperature = fit_temperature(val_scores, val_truth)
    thresholds = thresholds_for(soften(val_scores, temperature), val_truth, precision)
    softened = soften(test_scores, temperature)
    metrics = measure(test_scores, test_truth, labels)
    return Assessment(
        metrics=metrics,
        accuracy_interval=accuracy_interval(metrics),
        n_val=len(val_truth),
        temperature=temperature,
        before=expected_calibration_error(test_scores, test_truth),
        after=expected_calibration_error(softened, test_truth),
        unknown=_answer(softened, test_truth, labels, thresholds, precision),
        curves={
            label: _curve(softened[:, index], test_truth == index)
            for index, label in enumerate(labels)
        },
        naive=naive,
    )


def as_text(assessment: Assessment) -> str:
    """What the terminal says below the figures of `evaluate.as_text`."""
    low, high = assessment.accuracy_interval
    unknown = assessment.unknown
    lines = [
        f"certain to 95%  accuracy lies between {low:.2%} and {high:.2%}",
        f"calibration     {_calibration(assessment)}",
        f"unknown         {_coverage(unknown)}",
    ]
    if silent := never_answered(assessment):
        lines.append(f"never answered  {', '.join(silent)}: no score is right often enough on val")
    if (naive := assessment.naive) is not None:
        lines.append(
            f"naive split     would have claimed {naive.accuracy:.2%}, honest {naive.honest:.2%}"
        )
    return "\n".join(lines)


def never_answered(assessment: Assessment) -> list[str]:
    """Labels of the classes whose threshold is never reached."""
    classes = assessment.unknown.per_class
    return [label for label, figures in classes.items() if figures.threshold is None]


def accuracy_interval(metrics: Metrics) -> tuple[float, float]:
    """Between these lies the true accuracy with 95 % certainty, 0–1."""
    return wilson(round(metrics.accuracy * metrics.n), metrics.n)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share, 0–1, that stays inside 0–1 and serves small `n`."""
    share, spread = hits / n, _Z * _Z / n
    centre = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def _calibration(assessment: Assessment) -> str:
    before, after = assessment.before.error, assessment.after.error
    return f"error {before:.2%}, corrected {after:.2%}  (temperature {assessment.temperature:.2f})"


def _coverage(unknown: Answers) -> str:
    answered = f"answers {unknown.coverage:.2%} of the pictures"
    if unknown.precision is None:
        return answered
    return f"{answered}, {unknown.precision:.2%} of them rightly  (wanted {unknown.wanted:.0%})"


def _answer(
    scores: Scores,
    truth: Truth,
    labels: tuple[str, ...],
    thresholds: tuple[float | None, ...],
    wanted: float,
) -> Answers:
    given = answers(scores, as_limits(thresholds))
    answered, right = given != UNKNOWN, given == truth
    return Answers(
        wanted=wanted,
        coverage=float(answered.mean()),
        precision=_share(right[answered]),
        per_class={
            label: ClassAnswers(
                threshold=thresholds[index],
                answered=int((given == index).sum()),
                precision=_share(right[given == index]),
                recall=_share(right[truth == index]),
                unknown=_share(~answered[truth == index]),
            )
            for index, label in enumerate(labels)
        },
    )


def _share(of: NDArray[np.bool_]) -> float | None:
    return float(of.mean()) if len(of) else None


def _curve(scores: NDArray[np.float32], positive: NDArray[np.bool_]) -> Curve:
    """One class against all others; at most CURVE_POINTS points, ends kept.

    One for each recall, the one of the highest precision: the others lie straight below it.
    """
    if not positive.any():
        return Curve(None, ())
    precision, recall, _ = precision_recall_curve(positive, scores)
    best = np.flatnonzero(np.diff(recall, append=-1))  # recall falls, precision rises in between
    kept = best[np.linspace(0, len(best) - 1, min(len(best), CURVE_POINTS)).round().astype(int)]
    points = zip(recall[kept].tolist(), precision[kept].tolist(), strict=True)
    return Curve(float(average_precision_score(positive, scores)), tuple(points))
