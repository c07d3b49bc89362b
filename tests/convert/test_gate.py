"""The gate: what is lost, and whether it can be chance."""

import numpy as np
import pytest

from galago.bundle.classifier import Scores
from galago.convert.gate import ClassChange, Comparison, Limits, compare, most_changed

LABELS = ("a", "b")


def rows(*labels: int, classes: int = 2) -> Scores:
    """Scores that are sure of `labels`."""
    return np.eye(classes, dtype=np.float32)[list(labels)]


def turned(lost: int, gained: int, n: int) -> Comparison:
    """`n` pictures of the first class, some right only before, some only after."""
    before = [0] * (n - gained) + [1] * gained
    after = [1] * lost + [0] * (n - lost)
    return compare(rows(*before), rows(*after), np.zeros(n, np.int64), LABELS)


@pytest.mark.parametrize(
    ("lost", "limit", "passes"), [(0, 0.5, True), (1, 0.4, True), (3, 0.5, False), (3, 2.0, True)]
)
def test_lost_accuracy_counts_in_points(lost: int, limit: float, passes: bool) -> None:
    """Of 200 pictures three are 1.5 points; a single one never decides alone."""
    comparison = turned(lost, 0, 200)
    assert comparison.drop_points == pytest.approx(lost / 2)
    assert comparison.agreement == pytest.approx(1 - lost / 200)
    assert (not comparison.complaints(Limits(limit, 100))) is passes


def test_the_complaint_has_the_figures() -> None:
    """What was lost, and what would have been allowed."""
    (complaint,) = turned(6, 0, 200).complaints(Limits(0.5, 100))
    assert complaint == "conversion loses 3.00 points of accuracy, at most 0.5 are allowed"


def test_a_class_may_fail_while_accuracy_hardly_moves() -> None:
    """Forty pictures of a rare class lost among two thousand: two points, and the class is gone."""
    truth = np.repeat([0, 1], [1960, 40])
    comparison = compare(rows(*truth), rows(*([0] * 2000)), truth, LABELS)
    (complaint,) = comparison.complaints(Limits(drop=5))
    assert complaint.startswith("recall of b falls by 100.0 points (")


@pytest.mark.parametrize(
    ("lost", "gained", "real"), [(1, 0, False), (3, 0, False), (4, 0, True), (6, 3, False)]
)
def test_small_classes_are_judged_with_their_interval(lost: int, gained: int, real: bool) -> None:
    """Three of ten pictures lost may be chance, four without a gain are not."""
    comparison = turned(lost, gained, 10)
    assert comparison.classes["a"].is_real is real
    assert bool(comparison.complaints(Limits(drop=100))) is real


def test_the_interval_holds_the_drop() -> None:
    """It is symmetric for equal losses and gains, and narrower with more pictures."""
    low, high = turned(5, 5, 100).classes["a"].drop_interval
    assert low == pytest.approx(-high)
    few, many = (ClassChange(n, 1, 0.9, 0.9, n // 10, 0) for n in (50, 500))
    for change in (few, many):
        low, high = change.drop_interval
        assert low < change.drop_points <= high + 1e-9
    assert few.drop_interval[0] < many.drop_interval[0]


def test_gains_and_losses_cancel_in_accuracy_not_in_agreement() -> None:
    """Ten answers changed, five each way: nothing is lost, yet a tenth is another answer."""
    comparison = turned(5, 5, 100)
    assert comparison.drop_points == 0
    assert comparison.agreement == pytest.approx(0.9)


def test_a_class_without_pictures_is_left_out() -> None:
    """Nothing can be said of it."""
    assert set(turned(0, 0, 10).classes) == {"a"}


def test_calibration_error_is_of_both() -> None:
    """Scores of 1 that are wrong half of the time are off by a half."""
    assert turned(50, 0, 100).calibration == pytest.approx((0, 0.5))


def test_changed_answers_come_before_moved_scores() -> None:
    """First other answers, then the largest movement."""
    original = np.array([[0.9, 0.1], [0.55, 0.45], [0.9, 0.1], [0.52, 0.48]], np.float32)
    converted = np.array([[0.6, 0.4], [0.45, 0.55], [0.9, 0.1], [0.3, 0.7]], np.float32)
    assert most_changed(original, converted).tolist() == [3, 1, 0, 2]
