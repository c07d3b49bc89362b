"""Temperature and thresholds, from scores whose truth is known because we drew it ourselves."""

import math

import numpy as np
import pytest

from galago.bundle.confidence import UNKNOWN, answers, as_limits, soften
from galago.train.calibration import (
    expected_calibration_error,
    fit_temperature,
    thresholds_for,
)
from tests.train.drawn_scores import honest, overconfident


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_a_known_sharpening_is_recovered(classes: int, sharpness: float) -> None:
    """Scores whose logits were multiplied by 3 need temperature 3."""
    scores, truth = honest(6000, classes)
    sharpened = soften(scores, 1 / sharpness)
    assert fit_temperature(sharpened, truth) == pytest.approx(sharpness, rel=0.08)


def test_softening_mends_what_sharpening_broke() -> None:
    """The calibration error on other pictures falls to that of the honest scores."""
    temperature = fit_temperature(*overconfident(4000, 3, seed=1))
    test, truth = overconfident(4000, 3, seed=2)
    broken = expected_calibration_error(test, truth).error
    mended = expected_calibration_error(soften(test, temperature), truth).error
    assert broken > 0.08
    assert mended < 0.025


@pytest.mark.parametrize("n", [1, 3, 300])
def test_val_without_a_mistake_gives_no_certainty(n: int) -> None:
    """The temperature is finite, and the scores claim no more than so many pictures can show."""
    truth = np.arange(n) % 3
    scores = soften(np.eye(3, dtype=np.float32)[truth], 2.0)
    temperature = fit_temperature(scores, truth)
    assert 0.05 <= temperature <= 20
    confidence = soften(scores, temperature).max(axis=1).mean()
    assert confidence == pytest.approx((n + 1) / (n + 2), abs=0.01)


def test_calibration_error_by_hand() -> None:
    """Two bins: 0.62 with half of it right, 0.9 with all of it right."""
    scores = np.array([[0.62, 0.38], [0.62, 0.38], [0.1, 0.9], [0.1, 0.9]], np.float32)
    found = expected_calibration_error(scores, np.array([0, 1, 1, 1]))
    assert found.error == pytest.approx((2 * 0.12 + 2 * 0.1) / 4, abs=1e-6)
    assert len(found.bins) == 15
    filled = {part.n: part for part in found.bins if part.n}
    assert sum(part.n for part in found.bins) == 4
    assert all(part.low <= (part.confidence or 0) < part.high for part in filled.values())
    assert found.bins[0].accuracy is None


def test_a_score_of_one_lies_in_the_last_bin() -> None:
    """Not in a sixteenth."""
    found = expected_calibration_error(np.eye(2, dtype=np.float32), np.array([0, 1]))
    assert (found.bins[-1].n, found.error) == (2, 0.0)


def test_thresholds_hold_the_wanted_precision_and_no_lower_one_does() -> None:
    """Checked by trying every score that a class was given."""
    scores, truth = honest(800, 4, seed=3)
    thresholds = thresholds_for(scores, truth, 0.9)
    predicted = scores.argmax(axis=1)
    for label, threshold in enumerate(thresholds):
        assert threshold is not None
        own, right = scores[predicted == label, label], truth[predicted == label] == label
        assert right[own >= threshold].mean() >= 0.9
        assert all(right[own >= lower].mean() < 0.9 for lower in own[own < threshold])


def test_what_the_thresholds_answer_is_as_often_right_as_wanted() -> None:
    """Of val, by construction; the answers below are unknown."""
    scores, truth = honest(800, 4, seed=3)
    given = answers(scores, as_limits(thresholds_for(scores, truth, 0.9)))
    answered = given != UNKNOWN
    assert 0.1 < answered.mean() < 0.9
    assert (given == truth)[answered].mean() >= 0.9
    assert (scores.argmax(axis=1) == truth).mean() < 0.8


def test_classes_that_cannot_be_believed_have_no_threshold() -> None:
    """One that was never right, and one that was never the best."""
    scores = np.array([[0.9, 0.1, 0], [0.8, 0.2, 0], [0.2, 0.8, 0]], np.float32)
    bird, *others = thresholds_for(scores, np.array([0, 0, 2]))
    assert bird == pytest.approx(0.8)
    assert others == [None, None]


def test_equal_scores_pass_together() -> None:
    """A threshold cannot tell a right answer from a wrong one of the same score."""
    scores = np.array([[0.9, 0.1], [0.7, 0.3], [0.7, 0.3], [0.2, 0.8]], np.float32)
    assert thresholds_for(scores, np.array([0, 0, 1, 1]), 0.95)[0] == pytest.approx(0.9)
    assert thresholds_for(scores, np.array([1, 0, 0, 1]), 0.6)[0] == pytest.approx(0.7)
    assert math.isfinite(fit_temperature(scores, np.array([0, 0, 1, 1])))
