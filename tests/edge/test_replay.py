"""Recorded video through the daemon's own code, scored as events."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from galago.bundle.classifier import Classifier
from galago.bundle.model_file import ModelFile
from galago.edge.config.read import read_config
from galago.edge.decision import DecisionSettings
from galago.edge.replay import Announcement, Interval, announce, read_truth, record, score
from galago.edge.rules import Rules
from galago.edge.tune import Trial, as_toml, tune
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


def test_frames_in_between_are_left_out_by_the_clips_own_time(model_path: Path, clip: Path) -> None:
    """Five a second of a clip of fifteen: every third, and the events are still found."""
    classifier = Classifier.open(ModelFile.read(model_path))
    seen = record(classifier, clip, DecisionSettings(), rate=5)
    times_ns = [time_ns for time_ns, _ in seen.looks]
    assert times_ns == [pytest.approx(number * 2e8, abs=1000) for number in range(30)]
    assert [told.label for told in seen.announcements] == list(LABELS)


def test_trying_again_decides_as_the_daemons_loop_did(model_path: Path, clip: Path) -> None:
    """What is tuned is the very thing that runs."""
    classifier = Classifier.open(ModelFile.read(model_path))
    chosen = DecisionSettings(hold_s=0.2, cool_down_s=1)
    seen = record(classifier, clip, chosen)
    again = announce(seen.looks, Rules.of(chosen, classifier), classifier.labels)
    assert again == seen.announcements != []


def test_tuning_proposes_what_finds_every_event(model_path: Path, clip: Path) -> None:
    """And of two that do, the quicker; no point of the curve beats another in everything."""
    classifier = Classifier.open(ModelFile.read(model_path))
    truth = read_truth(clip.with_suffix(".json"))
    slow = DecisionSettings(hold_s=1.6, cool_down_s=0.5)
    tuning = tune(record(classifier, clip, slow), truth, classifier, slow)
    assert tuning.proposed.f1 == 1
    assert tuning.proposed.delay_s < 0.5
    assert tuning.proposed.settings.cool_down_s == 0.5
    points = [costs(trial) for trial in tuning.curve]
    assert points
    assert not [(a, b) for a in points for b in points if a != b and dominates(a, b)]


def costs(trial: Trial) -> tuple[float, float, float]:
    return trial.score.false_per_hour, -trial.score.recall, trial.delay_s


def dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True))


def test_the_lines_to_paste_are_the_configuration(tmp_path: Path) -> None:
    """Thresholds of the model file's own are not repeated."""
    for chosen in (DecisionSettings(0.2, 0.8), DecisionSettings(0.2, 0.8, enter=0.7, leave=0.28)):
        path = tmp_path / "galago.toml"
        path.write_text(as_toml(chosen))
        assert read_config(path).config.decision == chosen
    assert "enter" not in as_toml(DecisionSettings())


def test_tuning_prints_curve_and_warning(
    model_path: Path, clip: Path, galago: Callable[..., Outcome]
) -> None:
    """For people the lines to paste, for programs the same as numbers."""
    truth = clip.with_suffix(".json")
    command = ("replay", clip, "--truth", truth, "--model", model_path, "--tune")
    text = galago(*command).out
    assert "[decision]\nsmooth_s = " in text
    assert "tuned on this very clip" in text
    outcome = galago(*command, "--json")
    document = json.loads(outcome.out)
    assert document["n_truth"] == 3
    keys = {"smooth_s", "hold_s", "enter", "leave", "precision", "recall", "false_per_hour"}
    assert all(point.keys() >= keys for point in [document["proposed"], *document["curve"]])
    assert "tuned on this very clip" in outcome.err


def test_a_configuration_decides_otherwise(
    model_path: Path, clip: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """A label that must last for a minute is none in a clip of six seconds."""
    config = tmp_path / "galago.toml"
    config.write_text("[decision]\nhold_s = 60.0\n")
    truth = clip.with_suffix(".json")
    words = ("--truth", truth, "--model", model_path, "--json", "--config", config)
    assert json.loads(galago("replay", clip, *words).out)["n_found"] == 0
    config.write_text("[decision.label.cirle]\nhold_s = 60.0\n")
    outcome = galago("replay", clip, *words)
    assert outcome.code == 2
    assert "did you mean 'circle'" in outcome.complaint
