"""From scores to a label that does not flicker."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galago.bundle.classifier import Classifier, Scores
from galago.bundle.confidence import soften
from galago.bundle.model_file import ModelFile
from galago.edge.decision import (
    UNKNOWN,
    Decision,
    DecisionSettings,
    LabelDecision,
    decide,
)
from galago.edge.rules import ENTER, LEAVE_SHARE, Rules
from galago.errors import UsageError

LABELS = ("cat", "dog", "fox")
SECOND = 1_000_000_000
CAT, DOG = (np.array(row, np.float32) for row in ([0.95, 0.05, 0], [0.05, 0.95, 0]))
NOBODY = np.array([0.34, 0.33, 0.33], np.float32)
AT_ONCE = DecisionSettings(smooth_s=0.4, hold_s=0, enter=0.6, leave=0.35)


def rules(chosen: DecisionSettings = AT_ONCE, **model: object) -> Rules:
    return Rules.resolve(chosen, LABELS, **model)  # type: ignore[arg-type]


def watch(
    rows: Iterable[Scores], fps: float, by: Rules, start: Decision | None = None
) -> list[Decision]:
    """Decisions over `rows` of scores that come `fps` times a second."""
    decisions: list[Decision] = []
    state = start
    start_ns = 0 if start is None else start.time_ns + round(SECOND / fps)
    for number, scores in enumerate(rows):
        state = decide(state, scores, start_ns + round(number * SECOND / fps), by)
        decisions.append(state)
    return decisions


def changes(decisions: Sequence[Decision]) -> list[tuple[int, int]]:
    """Labels that were taken up, each with its time."""
    found, label = [], UNKNOWN
    for decision in decisions:
        if decision.label != label:
            found.append((decision.label, decision.time_ns))
        label = decision.label
    return found


def told(decisions: Sequence[Decision]) -> list[tuple[int, int]]:
    """Labels that were told, each with its time."""
    found, label = [], UNKNOWN
    for decision in decisions:
        if decision.told.label != label:
            found.append((decision.told.label, decision.time_ns))
        label = decision.told.label
    return found


def test_a_clear_first_frame_is_believed_where_nothing_has_to_last() -> None:
    """There is nothing to smooth it with."""
    assert decide(None, CAT, 0, rules()).label == 0


def test_an_unclear_first_frame_is_unknown() -> None:
    """Half and half is no answer."""
    assert decide(None, np.array([0.5, 0.5, 0], np.float32), 0, rules()).label == UNKNOWN


def test_one_wrong_frame_changes_nothing() -> None:
    """A single outlier at fifteen frames a second is smoothed away."""
    decisions = watch([CAT] * 10 + [DOG] + [CAT] * 10, 15, rules())
    assert {decision.label for decision in decisions} == {0}


@pytest.mark.parametrize("fps", [2, 5, 15])
def test_one_wrong_frame_of_few_changes_nothing_either(fps: int) -> None:
    """By default a label must last longer than one picture, however rare pictures are."""
    decisions = watch([CAT] * 20 + [DOG] + [CAT] * 10, fps, rules(DecisionSettings()))
    assert [label for label, _ in changes(decisions)] == [0]


@pytest.mark.parametrize("fps", [5, 15, 60, 240])
def test_a_change_takes_the_same_time_at_every_frame_rate(fps: int) -> None:
    """Smoothing is over time: about a smoothing time after the change the new label is there."""
    before = watch([CAT] * fps, fps, rules())[-1]
    after = watch([DOG] * (2 * fps), fps, rules(), before)
    changed = next(decision for decision in after if decision.label == 1)
    assert (changed.since_ns - before.time_ns) / SECOND == pytest.approx(0.4, abs=0.1 + 1 / fps)


def test_a_label_must_last_before_it_is_taken_up() -> None:
    """A second and not less; what breaks off earlier leaves no trace."""
    by = rules(DecisionSettings(smooth_s=0, hold_s=1.0))
    short = watch([NOBODY] + [CAT] * 9 + [NOBODY] * 20, 10, by)
    assert changes(short) == []
    assert changes(watch([NOBODY] + [CAT] * 30, 10, by)) == [(0, int(1.1 * SECOND))]


def test_a_label_is_kept_between_leaving_and_entering() -> None:
    """Scores that waver in the middle neither take up nor give up a label."""
    wavering = [
        np.array([0.45 + 0.1 * (n % 2), 0.55 - 0.1 * (n % 2), 0], np.float32) for n in range(99)
    ]
    cat, dog = watch([CAT], 15, rules())[-1], watch([DOG], 15, rules())[-1]
    assert {decision.label for decision in watch(wavering, 15, rules(), cat)} == {0}
    assert {decision.label for decision in watch(wavering, 15, rules(), dog)} == {1}


def test_a_label_without_support_becomes_unknown() -> None:
    """With three classes none may be likely."""
    first = decide(None, CAT, 0, rules())
    later = decide(first, NOBODY, 5 * SECOND, rules())
    assert later.label == UNKNOWN
    assert later.score == pytest.approx(0.34, abs=0.01)


def test_since_is_the_time_of_the_change() -> None:
    """It stays while the label stays."""
    decisions = watch([CAT] * 5, 10, rules())
    assert [decision.since_ns for decision in decisions] == [0] * 5


def test_no_smoothing_follows_every_frame() -> None:
    """A smoothing time of zero is allowed and means none."""
    by = rules(DecisionSettings(smooth_s=0, hold_s=0))
    assert decide(decide(None, CAT, 0, by), DOG, 1, by).label == 1


# Cool-down.


def test_a_label_that_cools_down_is_seen_and_not_told() -> None:
    """The cat comes back after four seconds: shown at once, told when ten have passed."""
    by = rules(DecisionSettings(smooth_s=0, hold_s=0, cool_down_s=10))
    decisions = watch([CAT] * 2 + [DOG] * 2 + [CAT] * 16, 1, by)
    assert [(label, ns // SECOND) for label, ns in changes(decisions)] == [(0, 0), (1, 2), (0, 4)]
    assert [(label, ns // SECOND) for label, ns in told(decisions)] == [(0, 0), (1, 2), (0, 10)]


def test_what_has_gone_before_its_cool_down_is_over_is_never_told() -> None:
    """Nor is what was told last told again: nothing is new to whoever listens."""
    own = {"cat": LabelDecision(cool_down_s=10)}
    by = rules(DecisionSettings(smooth_s=0, hold_s=0, label=own))
    decisions = watch([CAT] * 2 + [DOG] * 2 + [CAT] * 3 + [DOG] * 20, 1, by)
    assert [(label, ns // SECOND) for label, ns in told(decisions)] == [(0, 0), (1, 2)]


def test_what_follows_a_label_told_late_must_last_as_well() -> None:
    """The cat is told when its cool-down is over, unless a dog has begun to take its place."""
    own = {"cat": LabelDecision(cool_down_s=10)}
    by = rules(DecisionSettings(smooth_s=0, hold_s=2, label=own))
    decisions = watch([CAT] * 4 + [DOG] * 4 + [CAT] * 3 + [DOG] * 9, 1, by)
    late = watch([CAT] * 4 + [DOG] * 4 + [CAT] * 5 + [DOG] * 9, 1, by)
    assert [(label, ns // SECOND) for label, ns in told(decisions)] == [(0, 2), (1, 6)]
    assert [(label, ns // SECOND) for label, ns in told(late)] == [(0, 2), (1, 6), (0, 12), (1, 15)]


# Time that is not as it should be.


def test_after_a_gap_the_scores_from_before_count_no_more() -> None:
    """An hour away, with smoothing over ten minutes: the first picture back stands alone."""
    by = rules(DecisionSettings(smooth_s=600, hold_s=1, enter=0.6))
    before = watch([CAT] * 40, 10, by)[-1]
    back = decide(before, DOG, before.time_ns + 3600 * SECOND, by)
    np.testing.assert_array_equal(back.scores, DOG)
    assert (before.label, back.label) == (0, 0)  # the dog must last as well


def test_waiting_does_not_go_on_through_a_gap() -> None:
    """A cat half a second before an outage and one picture after it have not lasted a second."""
    by = rules(DecisionSettings(smooth_s=0, hold_s=1))
    before = watch([NOBODY] * 5 + [CAT] * 5, 10, by)[-1]
    back_ns = before.time_ns + 3600 * SECOND
    back = decide(before, CAT, back_ns, by)
    assert back.label == UNKNOWN
    assert decide(back, CAT, back_ns + SECOND, by).label == 0


def test_what_is_still_there_after_a_gap_is_not_told_again() -> None:
    """A reconnected camera is no event."""
    by = rules(DecisionSettings())
    before = watch([CAT] * 40, 10, by)[-1]
    later = watch([CAT] * 40, 10, by, before._replace(time_ns=before.time_ns + 60 * SECOND))
    assert {decision.told for decision in later} == {before.told}


def test_pictures_that_are_rare_on_purpose_are_no_gaps() -> None:
    """One in ten minutes: the second in agreement is told, the first outlier is not."""
    rows = [CAT] * 5 + [DOG] + [CAT] * 3 + [DOG] * 3
    decisions = watch(rows, 1 / 600, rules(DecisionSettings()))
    assert [(label, ns // SECOND // 600) for label, ns in changes(decisions)] == [(0, 2), (1, 10)]


def test_time_that_stands_still_or_steps_back_a_little_changes_nothing() -> None:
    """Smoothing goes nowhere and no duration is negative."""
    by = rules(DecisionSettings())
    before = watch([CAT] * 40, 10, by)[-1]
    for time_ns in (before.time_ns, before.time_ns - SECOND):
        after = decide(before, DOG, time_ns, by)
        np.testing.assert_allclose(after.scores, before.scores, atol=1e-6)
        assert (after.label, after.time_ns) == (before.label, before.time_ns)


def test_a_clock_that_starts_anew_is_a_gap() -> None:
    """Times are the new clock's from then on; nothing waits for the old one."""
    by = rules(DecisionSettings(cool_down_s=600))
    before = watch([CAT] * 40, 10, by)[-1]._replace(time_ns=7200 * SECOND)
    after = decide(before, DOG, SECOND, by)
    assert (after.label, after.since_ns, after.time_ns) == (0, SECOND, SECOND)
    later = watch([DOG] * 20 + [CAT] * 20, 10, by, after)
    assert [label for label, _ in told([before, *later])] == [0, 1, 0]


# Scores that are not as they should be.


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("temperature", [1.0, 0.8])
def test_scores_that_are_no_numbers_are_of_nothing_known(bad: float, temperature: float) -> None:
    """One such picture changes nothing, many are unknown, and good ones are believed again."""
    by = rules(DecisionSettings(), temperature=temperature)
    broken = np.full(3, bad, np.float32)
    rows = [CAT] * 30 + [broken] + [CAT] * 15 + [broken] * 60 + [CAT] * 60
    decisions = watch(rows, 15, by)
    assert np.isfinite([decision.scores for decision in decisions]).all()
    assert [label for label, _ in changes(decisions)] == [0, UNKNOWN, 0]
    assert decide(None, broken, 0, by).label == UNKNOWN


# Thresholds: whose they are.


def test_thresholds_are_the_model_files_own() -> None:
    """Each class has its own, and gives up at a share of it; one without is never answered."""
    by = rules(DecisionSettings(), thresholds={"cat": 0.5, "dog": 0.7, "fox": None})
    assert by.enter == pytest.approx((0.5, 0.7, np.inf))
    assert by.leave == pytest.approx((0.5 * LEAVE_SHARE, 0.7 * LEAVE_SHARE, np.inf))
    fox = np.array([0, 0, 1], np.float32)
    assert changes(watch([fox] * 99, 15, by)) == []


def test_the_configuration_goes_first_and_of_one_class_before_of_all() -> None:
    """Even for a class that the model file would never answer."""
    chosen = DecisionSettings(enter=0.8, label={"fox": LabelDecision(enter=0.4, hold_s=3)})
    by = rules(chosen, thresholds={"cat": 0.5, "dog": None, "fox": None})
    assert by.enter == pytest.approx((0.8, 0.8, 0.4))
    assert by.hold_ns == (400_000_000, 400_000_000, 3 * SECOND, 400_000_000)


def test_without_any_threshold_there_is_one_for_all() -> None:
    """A model from elsewhere has none fitted."""
    assert rules(DecisionSettings()).enter == pytest.approx((ENTER,) * 3)


def test_a_leave_above_the_model_files_enter_is_no_hysteresis_and_no_error() -> None:
    """A new model with lower thresholds must not stop the daemon."""
    by = rules(DecisionSettings(leave=0.6), thresholds=dict.fromkeys(LABELS, 0.5))
    assert by.leave == by.enter


def test_a_threshold_at_the_top_can_be_reached() -> None:
    """Where every picture of val was easy, the threshold is the highest score there is."""
    sure = np.array([1, 0, 0], np.float32)
    top = float(soften(sure, 1.7, 1 / 512)[0])
    by = rules(
        DecisionSettings(),
        thresholds=dict.fromkeys(LABELS, top),
        temperature=1.7,
        floor=1 / 512,
    )
    assert [label for label, _ in changes(watch([NOBODY, *[sure] * 30], 15, by))] == [0]


def test_leaving_above_entering_is_refused() -> None:
    """In the table of all and in that of one class."""
    for chosen in (DecisionSettings(enter=0.5, leave=0.6), LabelDecision(enter=0.5, leave=0.6)):
        assert [problem.key for problem in chosen.check()] == ["leave"]
    assert list(DecisionSettings().check()) == []


def test_a_table_about_an_unknown_label_is_refused() -> None:
    """With the nearest one that there is."""
    with pytest.raises(UsageError, match=r"decision\.label\.dogs .*did you mean 'dog'"):
        rules(DecisionSettings(label={"dogs": LabelDecision()}))


def test_a_model_file_brings_its_temperature_and_thresholds(model_path: Path) -> None:
    """The rules of a real classifier soften its scores as they were when it was calibrated."""
    model = ModelFile.read(model_path)
    classifier = Classifier.open(model)
    assert classifier.temperature == model.manifest.temperature
    assert classifier.thresholds == model.manifest.thresholds
    by = Rules.of(DecisionSettings(), classifier)
    scores = np.array([0.7, 0.2, 0.1], np.float32)
    softened = soften(scores, model.manifest.temperature, 1 / 512)
    np.testing.assert_allclose(decide(None, scores, 0, by).scores, softened, atol=1e-6)


# Whatever comes.

WEIGHTS = st.lists(st.floats(0.0, 1.0, width=32), min_size=3, max_size=3)
ROWS = st.lists(WEIGHTS, min_size=1, max_size=40).map(
    lambda rows: [np.array(row, np.float32) / max(sum(row), 1e-3) for row in rows]
)
CHOSEN = st.builds(
    DecisionSettings,
    smooth_s=st.sampled_from([0.0, 0.2, 1.0, 30.0]),
    hold_s=st.sampled_from([0.0, 0.3, 2.0]),
    cool_down_s=st.sampled_from([0.0, 5.0]),
    enter=st.sampled_from([None, 0.3, 0.6, 0.9]),
)
MODEL = st.fixed_dictionaries(
    {
        "temperature": st.sampled_from([0.02, 0.5, 1.0, 3.0]),
        "thresholds": st.sampled_from([None, {"cat": 0.4, "dog": 0.8, "fox": None}]),
    }
)
STEPS_NS = st.lists(st.integers(-20 * SECOND, 20 * SECOND), min_size=40, max_size=40)


def run(rows: Sequence[Scores], steps_ns: Sequence[int], by: Rules) -> list[Decision]:
    """Decisions at times that are `steps_ns` apart."""
    decisions: list[Decision] = []
    state, time_ns = None, 10**15
    for scores, step_ns in zip(rows, steps_ns, strict=False):
        time_ns += step_ns
        state = decide(state, scores, time_ns, by)
        decisions.append(state)
    return decisions


def forwards(steps_ns: Sequence[int]) -> list[int]:
    return [abs(step_ns) // 10 for step_ns in steps_ns]


@settings(max_examples=50, deadline=None)
@given(ROWS, STEPS_NS, CHOSEN, MODEL)
def test_the_same_comes_of_the_same_and_nothing_is_touched(
    rows: list[Scores], steps_ns: list[int], chosen: DecisionSettings, model: dict[str, object]
) -> None:
    """A pure function, whatever time does."""
    by, copies = rules(chosen, **model), [row.copy() for row in rows]
    first = run(rows, steps_ns, by)
    kept = [decision.scores.copy() for decision in first]
    for one, other, scores in zip(first, run(rows, steps_ns, by), kept, strict=True):
        assert one[1:] == other[1:]
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_array_equal(one.scores, scores)
        assert np.isfinite(one.scores).all()
        assert one.since_ns <= one.time_ns
    np.testing.assert_array_equal(rows, copies)


@settings(max_examples=50, deadline=None)
@given(ROWS, STEPS_NS, CHOSEN, MODEL)
def test_no_label_is_taken_up_below_its_threshold(
    rows: list[Scores], steps_ns: list[int], chosen: DecisionSettings, model: dict[str, object]
) -> None:
    """Neither when it is shown nor, at the latest, when it waits no more; none is kept below."""
    by = rules(chosen, **model)
    label = UNKNOWN
    for decision in run(rows, steps_ns, by):
        if decision.label not in (label, UNKNOWN):
            assert decision.scores[decision.label] >= by.enter[decision.label]
        label = decision.label


@settings(max_examples=50, deadline=None)
@given(ROWS, STEPS_NS, CHOSEN, MODEL)
def test_changes_are_as_far_apart_as_they_must_last(
    rows: list[Scores], steps_ns: list[int], chosen: DecisionSettings, model: dict[str, object]
) -> None:
    """Of what is shown and of what is told: no flicker."""
    decisions = run(rows, forwards(steps_ns), rules(chosen, **model))
    for found in (changes(decisions), told(decisions)):
        times_ns = [time_ns for _, time_ns in found]
        assert all(b - a >= chosen.hold_s * SECOND for a, b in pairwise(times_ns))


@settings(max_examples=50, deadline=None)
@given(ROWS, STEPS_NS, CHOSEN, MODEL)
def test_the_same_label_is_not_told_twice_within_its_cool_down(
    rows: list[Scores], steps_ns: list[int], chosen: DecisionSettings, model: dict[str, object]
) -> None:
    """Nor is anything told that is not seen at that moment."""
    decisions = run(rows, forwards(steps_ns), rules(chosen, **model))
    last_ns: dict[int, int] = {}
    for label, time_ns in told(decisions):
        assert time_ns - last_ns.get(label, -(10**18)) >= chosen.cool_down_s * SECOND
        last_ns[label] = time_ns
    for before, after in pairwise(decisions):
        assert after.told in (before.told, after.told._replace(label=after.label))


@settings(max_examples=50, deadline=None)
@given(ROWS, STEPS_NS, CHOSEN, MODEL, st.permutations(range(3)))
def test_the_order_of_the_classes_does_not_matter(
    rows: list[Scores],
    steps_ns: list[int],
    chosen: DecisionSettings,
    model: dict[str, object],
    order: list[int],
) -> None:
    """Classes in another order give the same answers, where no two are equally likely."""
    rows = [row + np.array([0, 1e-3, 2e-3], np.float32) for row in rows]
    there = [row[order] for row in rows]
    labels = tuple(LABELS[index] for index in order)
    by = rules(chosen, **model)
    turned = Rules.resolve(chosen, labels, **model)  # type: ignore[arg-type]
    for one, other in zip(run(rows, steps_ns, by), run(there, steps_ns, turned), strict=True):
        best, second = np.sort(one.scores)[[-1, -2]]
        if best - second < 1e-4 or np.abs(one.scores[:, None] - by.enter).min() < 1e-4:
            return  # float32 sums in another order may decide
        named = "unknown" if one.label == UNKNOWN else LABELS[one.label]
        assert named == ("unknown" if other.label == UNKNOWN else labels[other.label])


SCENES = st.lists(
    st.tuples(st.integers(3, 5), st.sampled_from([CAT, DOG, NOBODY])), min_size=1, max_size=5
)


@settings(max_examples=25, deadline=None)
@given(SCENES, st.sampled_from([2, 5, 15, 60, 240]))
def test_every_frame_rate_tells_the_same_story(scenes: list[tuple[int, Scores]], fps: int) -> None:
    """The same labels in the same order, at most two pictures apart in time from 240 a second."""
    by = rules(DecisionSettings())
    stories = []
    for rate in (fps, 240):
        rows = [scores for seconds, scores in scenes for _ in range(seconds * rate)]
        stories.append(changes(watch(rows, rate, by)))
    here, there = stories
    assert [label for label, _ in here] == [label for label, _ in there]
    for (_, one_ns), (_, other_ns) in zip(here, there, strict=True):
        assert abs(one_ns - other_ns) <= 2 * SECOND / fps + SECOND / 100
