"""Is the converted model as good as the one it came from?

- `compare` is pure: scores in, figures out, the same pictures through both models.
- A loss counts against a class only where it cannot be chance: few pictures prove little.

    comparison = compare(original, converted, truth, labels)
    for complaint in comparison.complaints(Limits()):
        print(complaint)
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galago.bundle.classifier import Scores
from galago.train.assess import wilson
from galago.train.calibration import expected_calibration_error
from galago.train.metrics import Metrics, measure


@dataclass(frozen=True, slots=True)
class Limits:
    """What a conversion may cost, in percentage points.

    `drop`: of accuracy over all pictures; `class_drop`: of the recall of any class.
    """

    drop: float = 0.5
    class_drop: float = 3.0


@dataclass(frozen=True, slots=True)
class ClassChange:
    """What conversion did to the `n` pictures of one class.

    `before`, `after`: recall, 0–1. `agreement`: share with the same answer as before. `lost`,
    `gained`: pictures that were right only before, only after.
    """

    n: int
    before: float
    after: float
    agreement: float
    lost: int
    gained: int

    @property
    def drop_points(self) -> float:
        """Recall lost, in percentage points; negative where the class has gained."""
        return 100 * (self.lost - self.gained) / self.n

    @property
    def drop_interval(self) -> tuple[float, float]:
        """Between these lies the true drop with 95 % certainty, in percentage points.

        Only pictures whose answer turned tell anything: of these, the share that was lost has a
        Wilson interval. The sign test stands on the same ground (McNemar 1947).
        """
        turned = self.lost + self.gained
        if not turned:
            return 0.0, 0.0
        low, high = (100 * (2 * share - 1) * turned / self.n for share in wilson(self.lost, turned))
        return low, high

    @property
    def is_real(self) -> bool:
        """Whether the loss is more than chance would explain."""
        return self.drop_interval[0] > 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same pictures through both models.

    `agreement`: share with the same top class. `calibration`: expected calibration error before and
    after, 0–1.
    """

    original: Metrics
    converted: Metrics
    agreement: float
    classes: dict[str, ClassChange]
    calibration: tuple[float, float]

    @property
    def drop_points(self) -> float:
        """Accuracy lost, in percentage points; negative where the converted model is better."""
        return 100 * (self.original.accuracy - self.converted.accuracy)

    def complaints(self, limits: Limits) -> tuple[str, ...]:
        """What is beyond the limits, a clause each; empty if nothing is."""
        complaints = []
        # One picture in a small test set weighs more than the limit: it alone must not decide.
        if self.drop_points > max(limits.drop, 100 / self.original.n) + 1e-9:
            complaints.append(
                f"conversion loses {self.drop_points:.2f} points of accuracy, at most "
                f"{limits.drop:g} are allowed"
            )
        for label, change in self.classes.items():
            if change.is_real and change.drop_points > limits.class_drop + 1e-9:
                low, high = change.drop_interval
                complaints.append(
                    f"recall of {label} falls by {change.drop_points:.1f} points ({low:.1f} to "
                    f"{high:.1f} with 95 % certainty), at most {limits.class_drop:g} are allowed"
                )
        return tuple(complaints)

    def to_dict(self) -> dict[str, Any]:
        """For `galago convert --json` and the model file's manifest."""
        before, after = self.calibration
        return {
            "n": self.original.n,
            "agreement": self.agreement,
            "drop_points": self.drop_points,
            "calibration_error": {"float": before, "converted": after},
            "classes": {
                label: {**asdict(change), "drop_interval": list(change.drop_interval)}
                for label, change in self.classes.items()
            },
        }


def compare(
    original: Scores, converted: Scores, truth: NDArray[np.int64], labels: tuple[str, ...]
) -> Comparison:
    """Compare two models' scores, (n, classes) float32 each, for the same pictures.

    Convention: `truth` (n,) indices of `labels`; a class without pictures is left out of `classes`.
    """
    right_before, right_after = original.argmax(axis=1) == truth, converted.argmax(axis=1) == truth
    same = ~turned(original, converted)
    classes = {}
    for index, label in enumerate(labels):
        of_class = truth == index
        if of_class.any():
            classes[label] = ClassChange(
                n=int(of_class.sum()),
                before=float(right_before[of_class].mean()),
                after=float(right_after[of_class].mean()),
                agreement=float(same[of_class].mean()),
                lost=int((right_before & ~right_after)[of_class].sum()),
                gained=int((right_after & ~right_before)[of_class].sum()),
            )
    return Comparison(
        measure(original, truth, labels),
        measure(converted, truth, labels),
        agreement=float(same.mean()),
        classes=classes,
        calibration=(
            expected_calibration_error(original, truth).error,
            expected_calibration_error(converted, truth).error,
        ),
    )


def turned(original: Scores, converted: Scores) -> NDArray[np.bool_]:
    """Whether each picture has another top class than before; scores (n, classes) each → (n,)."""
    other: NDArray[np.bool_] = original.argmax(axis=1) != converted.argmax(axis=1)
    return other


def most_changed(original: Scores, converted: Scores) -> NDArray[np.intp]:
    """Indices of the pictures by falling change of scores; those with another answer come first.

    Convention: scores (n, classes) float32 each, rows of sum 1 → (n,). The change is half the sum
    of the differences (total variation), 0–1.
    """
    change = np.abs(original - converted).sum(axis=1) / 2
    return np.lexsort((-change, ~turned(original, converted)))
