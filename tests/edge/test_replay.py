"""Recorded video through the daemon's own code, scored as events."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from galago.edge.replay import Announcement, Interval, score
from tests.conftest import LABELS, Outcome, write_clip

TRUTH = [Interval("empty", 0, 2), Interval("bird", 2, 4), Interval("empty", 4, 3600)]


def test_a_perfect_score() -> None:
    """Each event announced once, a little late."""
    found = [Announcement("empty", 0.1), Announcement("bird", 2.4), Announcement("empty", 4.5)]
    result = score(found, TRUTH)
    assert (result.precision, result.recall, result.n_found) == (1, 1, 3)
    assert (result.false_per_hour, result.median_delay_s) == (0, 0.4)


def test_what_was_not_there_is_false() -> None:
    """A second announcement of the same event, and one of another label."""
    found = [
        Announcement("empty", 0.1),
        Announcement("bird", 2.4),
        Announcement("bird", 3.0),
        Announcement("squirrel", 3.1),
    ]
    result = score(found, TRUTH)
    assert result.precision == 0.5
    assert result.recall == pytest.approx(2 / 3)
    assert result.false_per_hour == pytest.approx(2)
    assert result.n_false == 2


def test_too_late_is_not_found() -> None:
    """An announcement after the event's end is about something else."""
    assert score([Announcement("bird", 4.0)], TRUTH).n_found == 0
    assert score([Announcement("bird", 3.9)], TRUTH).n_found == 1


def test_a_little_early_counts() -> None:
    """The truth's own borders are a matter of frames."""
    assert score([Announcement("bird", 1.6)], TRUTH).n_found == 1
    assert score([Announcement("bird", 1.4)], TRUTH).n_found == 0


def test_nothing_announced_is_no_division_by_zero() -> None:
    """Recall 0, no delay."""
    result = score([], TRUTH)
    assert (result.precision, result.recall, result.median_delay_s) == (0, 0, None)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds each of circle, empty and square, with its truth."""
    path = write_clip(tmp_path / "clip.mp4", LABELS, each=30)
    events = [
        {"label": label, "start_s": 2 * index, "end_s": 2 * index + 2}
        for index, label in enumerate(LABELS)
    ]
    path.with_suffix(".json").write_text(json.dumps({"fps": 15, "events": events}))
    return path


def test_a_clip_is_scored_with_the_documented_keys(
    model_path: Path, clip: Path, galago: Callable[..., Outcome]
) -> None:
    """All three events are found, in clip time however fast the machine is."""
    truth = clip.with_suffix(".json")
    command = ("replay", clip, "--truth", truth, "--model", model_path, "--json")
    document = json.loads(galago(*command).out)
    assert document.keys() >= {
        "precision", "recall", "false_per_hour", "median_delay_s", "n_truth", "n_found",
    }  # fmt: skip
    assert (document["n_truth"], document["n_found"], document["precision"]) == (3, 3, 1.0)
    assert 0.0 < document["median_delay_s"] < 1.5
    assert json.loads(galago(*command).out) == document


@pytest.mark.parametrize("text", ["", "[]", '{"events": []}', '{"events": [{"label": "a"}]}'])
def test_a_truth_of_another_form_is_refused(
    model_path: Path, clip: Path, galago: Callable[..., Outcome], text: str
) -> None:
    """One line, exit 2."""
    truth = clip.with_suffix(".json")
    truth.write_text(text)
    outcome = galago("replay", clip, "--truth", truth, "--model", model_path)
    assert outcome.code == 2
    assert str(truth) in outcome.complaint
