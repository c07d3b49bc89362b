"""Softened scores, and `unknown` below a class's threshold."""

import math

import numpy as np
import pytest

from galago.bundle.classifier import Scores
from galago.bundle.confidence import (
    QUANTIZED_FLOOR,
    UNKNOWN,
    answers,
    as_limits,
    soften,
)


def softmax(logits: list[float], temperature: float = 1.0) -> Scores:
    powers = np.exp(np.array(logits) / temperature)
    scores: Scores = (powers / powers.sum()).astype(np.float32)
    return scores


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_scores_are_softened_as_their_logits_would_be(temperature: float) -> None:
    """Although only the scores are at hand, the result is softmax(logits / temperature)."""
    logits = [2.0, -1.0, 0.5, 0.0]
    softened = soften(softmax(logits), temperature)
    assert softened == pytest.approx(softmax(logits, temperature), rel=1e-5)


def test_a_sigmoids_two_columns_are_softened_as_its_logit_would_be() -> None:
    """[1 − p, p] becomes [1 − q, q] with logit(q) = logit(p) / T."""
    logit = 3.0
    p, q = (1 / (1 + math.exp(-value)) for value in (logit, logit / 2))
    assert soften(np.array([1 - p, p], np.float32), 2.0) == pytest.approx([1 - q, q], rel=1e-5)


def test_rows_are_softened_by_themselves_and_sum_to_one() -> None:
    """Many pictures at once give what each gives alone, in float32."""
    rows = np.stack([softmax([3.0, 0.0, 1.0]), softmax([0.0, 5.0, 1.0])])
    softened = soften(rows, 1.7)
    assert softened.dtype == np.float32
    assert softened.sum(axis=1) == pytest.approx([1, 1])
    assert np.array_equal(softened, np.stack([soften(row, 1.7) for row in rows]))


@pytest.mark.parametrize("temperature", [0.05, 0.7, 4.0, 20.0])
def test_the_best_class_stays_the_best(temperature: float) -> None:
    """Whatever the temperature: accuracy is none of its business."""
    scores = np.random.default_rng(0).dirichlet([0.3] * 5, 500).astype(np.float32)
    assert np.array_equal(soften(scores, temperature).argmax(axis=1), scores.argmax(axis=1))


def test_scores_of_zero_and_one_stay_finite() -> None:
    """A saturated network is doubted too, and without a warning about log(0)."""
    softened = soften(np.array([0.0, 1.0], np.float32), 4.0)
    assert np.isfinite(softened).all()
    assert 0.9 < softened[1] < 1.0


def test_a_quantized_zero_is_not_taken_for_impossible() -> None:
    """Rounded to 256 steps, a score of 0 can hide 1/512: with that floor it is doubted as much."""
    exact, rounded = softmax([6.5, 0.0]), np.array([1.0, 0.0], np.float32)
    expected = soften(exact, 2.0)
    assert soften(rounded, 2.0, floor=QUANTIZED_FLOOR) == pytest.approx(expected, abs=0.01)
    assert soften(rounded, 2.0)[0] > expected[0] + 0.03


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_a_temperature_that_is_none_is_refused(temperature: float) -> None:
    """It comes from a file, and files can be damaged."""
    with pytest.raises(ValueError, match="a temperature must be a positive number"):
        soften(softmax([1.0, 0.0]), temperature)


def test_every_class_answers_from_its_own_threshold_on() -> None:
    """At the threshold is enough; below it the answer is unknown."""
    limits = as_limits([0.9, 0.5])
    scores = np.array([[0.9, 0.1], [0.89, 0.11], [0.5, 0.5], [0.4, 0.6]], np.float32)
    assert answers(scores, limits).tolist() == [0, UNKNOWN, UNKNOWN, 1]


def test_a_class_without_a_threshold_never_answers() -> None:
    """Not even with a score of 1."""
    limits = as_limits([None, 0.5])
    assert answers(np.array([[1.0, 0.0], [0.2, 0.8]], np.float32), limits).tolist() == [UNKNOWN, 1]


def test_one_picture_gives_one_answer() -> None:
    """The device asks about one frame at a time; a NaN is no answer."""
    limits = as_limits([0.5, 0.5])
    assert int(answers(np.array([0.3, 0.7], np.float32), limits)) == 1
    assert int(answers(np.array([math.nan, 0.7], np.float32), limits)) == UNKNOWN
