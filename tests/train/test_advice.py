"""What the report tells a person to do next."""

from dataclasses import replace

import numpy as np
import pytest

from galago.train.assess import Assessment, NaiveClaim, assess
from galago.train.metrics import ClassMetrics
from galago.train.report.advice import MAX, Case, advise, confused_pairs

LABELS = ("bird", "cat", "dog")


def assessed(said: list[int], shown: list[int]) -> Assessment:
    """A network that is 90 % sure of what it says, alike on val and test."""
    scores = np.full((len(said), 3), 0.05, np.float32)
    scores[np.arange(len(said)), said] = 0.9
    truth = np.array(shown)
    return assess(scores, truth, scores, truth, LABELS, precision=0.8)


def good(n: int = 1200) -> Assessment:
    """Right in 95 % of the pictures of every class; its mistakes are of all kinds."""
    shown = [index % 3 for index in range(n)]
    said = [
        (label + 1 + index // 20 % 2) % 3 if index % 20 == 0 else label
        for index, label in enumerate(shown)
    ]
    return assessed(said, shown)


def case(
    assessment: Assessment,
    accuracy: tuple[float, float] = (0.96, 0.95),
    counts: tuple[int, int, int] = (400, 400, 400),
    *,
    is_last: bool = False,
) -> Case:
    kept = dict(zip(("accuracy", "val_accuracy"), accuracy, strict=True))
    return Case(assessment, kept, is_last, dict(zip(LABELS, counts, strict=True)))


def titles(known: Case) -> list[str]:
    return [advice.title for advice in advise(known)]


def test_a_good_network_is_left_in_peace() -> None:
    """No advice for its own sake."""
    assert titles(case(good())) == []


@pytest.mark.parametrize(
    ("known", "title"),
    [
        (case(good(), (0.99, 0.80)), "It remembers more than it understands"),
        (case(good(), (0.70, 0.69)), "It has not learned all there is"),
        (case(good(), counts=(400, 20, 90)), "Too few pictures of cat"),
        (case(good(), counts=(900, 100, 400)), "The classes are uneven"),
        (case(good(60)), "Test on more pictures"),
    ],
)
def test_what_stands_out_is_said(known: Case, title: str) -> None:
    """Each of these runs has one thing that is worth a person's time."""
    assert title in titles(known)


def test_a_network_still_learning_is_given_more_epochs() -> None:
    """Other than one that more epochs did not help."""
    (going,), (done,) = (advise(case(good(), (0.7, 0.7), is_last=last)) for last in (True, False))
    assert "train for more epochs" in going.text
    assert "train for more epochs" not in done.text


def test_the_naive_claim_comes_first() -> None:
    """Nothing else counts if the figure itself deceives; a difference within chance is not said."""
    burst = replace(good(), naive=NaiveClaim(0.99, 0.80, 200))
    advice = advise(case(burst, (0.99, 0.80)))
    assert advice[0].title == "Do not believe 99\N{NO-BREAK SPACE}%"
    assert "80\N{NO-BREAK SPACE}%" in advice[0].text
    assert titles(case(replace(good(), naive=NaiveClaim(0.99, 0.96, 50)))) == []


def test_a_class_that_is_missed_and_taken_for_another_is_named() -> None:
    """So is the pair, for a person to look at."""
    shown = [index % 3 for index in range(600)]
    said = [0 if label == 1 and index % 2 else label for index, label in enumerate(shown)]
    found = titles(case(assessed(said, shown)))
    assert "cat is often missed" in found
    assert "cat is taken for bird" in found
    assert "bird will never be answered" in found
    assert confused_pairs(assessed(said, shown)) == [("cat", "bird", 100)]


def test_guessing_is_called_guessing() -> None:
    """Always the same answer is worth the share of that class."""
    shown = [index % 3 for index in range(300)]
    advice = advise(case(assessed([0] * 300, shown), (0.34, 0.33)))
    assert advice[0].title == "This is hardly better than guessing"
    assert "33\N{NO-BREAK SPACE}%" in advice[0].text


def test_scores_that_stay_wrong_are_not_to_be_believed() -> None:
    """Where val was easier than test, no temperature from val can mend them."""
    metrics = good().metrics
    easy = replace(good(), after=replace(good().after, error=0.15))
    assert "Do not take the scores at their word" in titles(case(easy))
    few = replace(easy, metrics=replace(metrics, n=60))
    assert "Do not take the scores at their word" not in titles(case(few))


def test_recall_of_a_handful_of_pictures_is_not_judged() -> None:
    """Two of three found is chance."""
    per_class = {**good().metrics.per_class, "dog": ClassMetrics(1.0, 0.67, 0.8, 3)}
    few = replace(good(), metrics=replace(good().metrics, per_class=per_class))
    assert titles(case(few)) == []


def test_more_than_is_read_is_not_written() -> None:
    """A hopeless run gets the most important advice only."""
    shown = [index % 3 for index in range(30)]
    hopeless = replace(assessed([0] * 30, shown), naive=NaiveClaim(0.9, 0.3, 100))
    assert len(advise(case(hopeless, (0.99, 0.3), (900, 5, 5)))) == MAX


def test_problems_of_the_pictures_come_first() -> None:
    """Figures from leaking pictures and false labels are not worth improving before these."""
    known = case(good(), (0.99, 0.6))
    spoilt = replace(known, problems={"suspicious-label": 2, "duplicate-across-splits": 3})
    first, second = advise(spoilt)[:2]
    assert first.title == "Some pictures are learnt and tested"
    assert first.text.startswith("3 of them")
    assert second.title == "Some labels look wrong"
    assert advise(replace(known, problems={"near-duplicate": 5})) == advise(known)
