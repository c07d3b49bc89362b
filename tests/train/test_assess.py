"""What is said about a model, from scores that can be counted on one's fingers."""

import json
import math

import numpy as np
import pytest

from galago.bundle.confidence import soften
from galago.train.assess import Assessment, NaiveClaim, as_text, assess, wilson
from galago.train.metrics import measure
from tests.train.drawn_scores import overconfident

LABELS = ("bird", "cat", "dog")


def judged(naive: NaiveClaim | None = None) -> Assessment:
    val, test = overconfident(500, 3, seed=0), overconfident(400, 3, seed=1)
    return assess(*val, *test, LABELS, precision=0.9, naive=naive)


def test_the_documented_keys_are_those_of_evaluate() -> None:
    """Softening changes none of them: other programs compare these figures."""
    scores, truth = overconfident(400, 3, seed=1)
    document, plain = judged().to_dict(), measure(scores, truth, LABELS).to_dict()
    assert {key: document[key] for key in plain} == plain
    assert json.loads(json.dumps(document, allow_nan=False)) == json.loads(json.dumps(document))


def test_an_overconfident_network_is_told_so() -> None:
    """Its calibration error falls, judged on pictures that the temperature has not seen."""
    assessment = judged()
    assert assessment.temperature > 1.5
    assert assessment.before.error > 0.1
    assert assessment.after.error < assessment.before.error / 2
    calibration = assessment.to_dict()["calibration"]
    assert calibration["ece_before"] == assessment.before.error
    assert calibration["ece_after"] == assessment.after.error


def test_coverage_is_counted_on_test() -> None:
    """Thresholds from val, pictures from test: every share is counted again here."""
    test, truth = overconfident(400, 3, seed=1)
    assessment = judged()
    limits = [math.inf if limit is None else limit for limit in assessment.thresholds]
    softened = soften(test, assessment.temperature)
    best = softened.argmax(axis=1)
    answered = softened.max(axis=1) >= np.array(limits)[best]
    unknown = assessment.unknown
    assert unknown.coverage == answered.mean()
    assert unknown.precision == (best == truth)[answered].mean()
    for index, label in enumerate(LABELS):
        figures, given = unknown.per_class[label], answered & (best == index)
        assert figures.answered == given.sum()
        assert figures.precision == ((truth[given] == index).mean() if given.any() else None)
        assert figures.unknown == (~answered)[truth == index].mean()


def test_a_class_never_answered_is_null_in_json_and_named_in_the_text() -> None:
    """A class that val never shows right has no threshold, and no precision either."""
    val = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]], np.float32)
    assessment = assess(val, np.array([0, 1, 1]), val, np.array([0, 1, 2]), LABELS)
    document = json.loads(json.dumps(assessment.to_dict(), allow_nan=False))
    assert document["unknown"]["per_class"]["dog"]["threshold"] is None
    assert document["unknown"]["per_class"]["dog"]["precision"] is None
    assert assessment.thresholds[2] is None
    assert "never answered  dog" in as_text(assessment)


def test_a_class_without_test_pictures_has_no_curve() -> None:
    """Not a warning, not NaN."""
    scores = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]], np.float32)
    truth = np.array([0, 1])
    document = assess(scores, truth, scores, truth, LABELS).to_dict()
    assert document["curves"]["dog"] == {"average_precision": None, "points": ()}
    assert document["unknown"]["per_class"]["dog"]["recall"] is None


def test_curves_are_thinned_and_keep_their_ends() -> None:
    """At most 100 points, from recall 1 to recall 0."""
    curve = judged().curves["cat"]
    assert 50 < len(curve.points) <= 100
    assert curve.points[0][0] == 1.0
    assert curve.points[-1] == (0.0, 1.0)
    assert curve.average_precision is not None
    recall = [point[0] for point in curve.points]
    area = np.trapezoid([point[1] for point in curve.points][::-1], recall[::-1])
    assert curve.average_precision == pytest.approx(area, abs=0.02)


def test_the_interval_is_wilsons() -> None:
    """Figures from Wilson's own example range; it never leaves 0 to 1."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=5e-4)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] <= 1.0
    low, high = judged().accuracy_interval
    assert low < judged().metrics.accuracy < high


def test_the_naive_claim_is_kept_and_said() -> None:
    """What a careless split would have claimed stands beside the honest figure."""
    assessment = judged(naive=NaiveClaim(0.991, 0.8, 120))
    assert assessment.to_dict()["naive_split"] == {"accuracy": 0.991, "honest": 0.8, "n": 120}
    assert "would have claimed 99.10%, honest 80.00%" in as_text(assessment)
    assert judged().to_dict()["naive_split"] is None


def test_the_terminal_says_it_in_a_few_lines() -> None:
    """Interval, calibration before and after, coverage and precision, each with its figure."""
    assessment = judged()
    lines = as_text(assessment).splitlines()
    assert len(lines) == 3
    low, high = assessment.accuracy_interval
    assert f"between {low:.2%} and {high:.2%}" in lines[0]
    assert (
        f"error {assessment.before.error:.2%}, corrected {assessment.after.error:.2%}" in lines[1]
    )
    assert f"answers {assessment.unknown.coverage:.2%} of the pictures" in lines[2]
