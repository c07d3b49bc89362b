"""The loop: every picture once, the newest first, each region by itself."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.classifier import Classifier, Scores
from galago.bundle.image import write_image
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import Pixels
from galago.edge.camera import Frame, open_camera
from galago.edge.camera.closing import Closing
from galago.edge.decision import DecisionSettings
from galago.edge.loop import Loop, LoopSettings
from galago.edge.motion import MotionSettings
from galago.edge.pacing import Pacing
from galago.edge.regions import Region, parse_regions
from galago.errors import CameraError, UsageError
from tests.conftest import draw


@pytest.fixture
def classifier(model_path: Path) -> Classifier:
    """The shapes' classifier."""
    return Classifier.open(ModelFile.read(model_path))


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    """What a signal would set; set at the end, so that no loop outlives its test."""
    event = threading.Event()
    yield event
    event.set()


def over(
    source: str, classifier: Classifier, stop: threading.Event, settings: LoopSettings | None = None
) -> Loop:
    return Loop(partial(open_camera, source), classifier, stop, settings)


def test_every_frame_of_a_script_is_seen(classifier: Classifier, stop: threading.Event) -> None:
    """At full pace nothing is lost, and the loop ends with the camera."""
    with over("fake:bars*40?pace=max", classifier, stop) as loop:
        numbers = [seen.frame.number for seen in loop]
    assert numbers == list(range(40))
    assert (loop.frames, loop.dropped) == (40, 0)


def test_scores_are_those_of_the_classifier_alone(
    classifier: Classifier, stop: threading.Event, tmp_path: Path
) -> None:
    """Preparing in another thread changes no bit, and no picture is taken for another."""
    pictures = [draw(label, seed) for seed in range(8) for label in ("circle", "square", "empty")]
    for number, picture in enumerate(pictures):
        write_image(tmp_path / f"{number:02}.png", picture)
    with over(f"dir:{tmp_path}?pace=max", classifier, stop) as loop:
        scores = [seen.scores.copy() for seen in loop]
    np.testing.assert_array_equal(scores, [classifier(picture) for picture in pictures])


@pytest.mark.parametrize("rate", [None, 1000.0])
def test_a_pace_changes_no_answer(
    classifier: Classifier, stop: threading.Event, tmp_path: Path, rate: float | None
) -> None:
    """Prepared ahead or only when it is wanted, the picture is the same."""
    write_image(tmp_path / "circle.png", draw("circle", 1))
    settings = LoopSettings(pacing=Pacing(rate=rate))
    with over(f"fake:{tmp_path}/circle.png*5?pace=max", classifier, stop, settings) as loop:
        scores = [seen.scores.copy() for seen in loop]
    np.testing.assert_array_equal(scores, [classifier(draw("circle", 1))] * 5)


@pytest.mark.parametrize("rate", [None, 1000.0])
def test_another_model_takes_over_between_two_pictures(
    classifier: Classifier,
    model_path: Path,
    stop: threading.Event,
    tmp_path: Path,
    rate: float | None,
) -> None:
    """No picture is lost, nothing is told anew, and new regions are looked at."""
    write_image(tmp_path / "circle.png", draw("circle", 1))
    other = Classifier.open(ModelFile.read(model_path))
    pacing = Pacing(rate=rate)
    at_once = DecisionSettings(hold_s=0)
    settings = LoopSettings(parse_regions(["all=0,0,1,1"]), pacing, decision=at_once)
    wider = replace(settings, regions=parse_regions(["all=0,0,1,1", "left=0,0,0.5,1"]))
    source = f"fake:{tmp_path}/circle.png*40?pace=max"
    looked: list[tuple[int, str | None, bool]] = []
    with over(source, classifier, stop, settings) as loop:
        for seen in loop:
            if (seen.frame.number, seen.region.name) == (20, "all"):
                loop.replace(other, wider)
            looked.append((seen.frame.number, seen.region.name, seen.changed))
    assert [number for number, name, _ in looked if name == "all"] == list(range(40))
    assert [number for number, name, _ in looked if name == "left"] == list(range(21, 40))
    assert [number for number, name, new in looked if name == "all" and new] == [0]


class Slow:
    """The classifier, ten times slower than the camera."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    def __getattr__(self, name: str) -> object:
        return getattr(self._classifier, name)

    def classify(self, image: Pixels) -> Scores:
        time.sleep(0.05)
        return self._classifier.classify(image)


def test_a_slow_loop_drops_old_frames_of_a_live_camera(
    classifier: Classifier, stop: threading.Event
) -> None:
    """Frames seen and frames dropped are together all that the camera gave, in order."""
    with over("fake:bars*60?fps=200&size=32x32", Slow(classifier), stop) as loop:  # type: ignore[arg-type]
        numbers = [seen.frame.number for seen in loop]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 59
    assert loop.dropped > 0
    assert loop.frames + loop.dropped == 60


def test_a_set_rate_is_kept(classifier: Classifier, stop: threading.Event) -> None:
    """What comes in between is dropped, and the newest is looked at."""
    settings = LoopSettings(pacing=Pacing(rate=5))
    with over("fake:bars*100?fps=100", classifier, stop, settings) as loop:
        numbers = [seen.frame.number for seen in loop]
    assert 4 <= len(numbers) <= 7
    assert loop.frames + loop.dropped == 100


def test_regions_are_looked_at_each_by_itself(
    classifier: Classifier, stop: threading.Event, tmp_path: Path
) -> None:
    """One camera, two results; a view is cut, not stretched, out of the picture."""
    left, right = draw("circle", 7), draw("square", 7)
    write_image(tmp_path / "both.png", np.hstack([left, right]))
    regions = parse_regions(["left=0,0,0.5,1", "right=80,0,80,60"])
    settings = LoopSettings(regions=regions)
    with over(f"fake:{tmp_path}/both.png*3?pace=max", classifier, stop, settings) as loop:
        seen = [(look.region.name, look.scores.copy()) for look in loop]
    assert [name for name, _ in seen] == ["left", "right"] * 3
    np.testing.assert_array_equal(seen[0][1], classifier(left))
    np.testing.assert_array_equal(seen[1][1], classifier(right))
    assert loop.frames == 3


def test_a_region_outside_the_picture_is_refused(
    classifier: Classifier, stop: threading.Event
) -> None:
    """With the size that the camera gives."""
    settings = LoopSettings(regions=(Region("door", 600, 0, 100, 100),))
    with (
        over("fake:bars*9?size=640x480", classifier, stop, settings) as loop,
        pytest.raises(UsageError, match=r"region door is 600,0,100,100 .* inside the 640 × 480"),
    ):
        next(iter(loop))


class Counting(Slow):
    """The classifier, and how often it was asked."""

    asked = 0

    def classify(self, image: Pixels) -> Scores:
        self.asked += 1
        return self._classifier.classify(image)


def test_the_motion_gate_spares_the_model(
    classifier: Classifier, stop: threading.Event, tmp_path: Path
) -> None:
    """While nothing moves only the floor rate is left; a change is looked at at once."""
    for label in ("circle", "empty"):
        write_image(tmp_path / f"{label}.png", draw(label, 5))
    script = ",".join(f"{tmp_path}/{label}.png*80" for label in ("empty", "circle", "empty"))
    counting = Counting(classifier)
    at_once = DecisionSettings(smooth_s=0, hold_s=0)
    settings = LoopSettings(motion=MotionSettings(floor_s=60), decision=at_once)
    with over(f"fake:{script}?fps=100", counting, stop, settings) as loop:  # type: ignore[arg-type]
        labels = [loop.labels[seen.decision.label] for seen in loop]
    assert counting.asked == 3
    assert labels[-1] == "empty"
    assert "circle" in labels


class Lender(Closing):
    """A camera that counts what it has lent."""

    live = True

    def __init__(self, frames: int) -> None:
        super().__init__("lender")
        self._frames = frames
        self.lent = self.most = 0

    def __iter__(self) -> Iterator[Frame]:
        for number in range(self._frames):
            self.lent += 1
            self.most = max(self.most, self.lent)
            yield Frame(np.zeros((8, 8, 3), np.uint8), number, number, self._give_back)

    def _give_back(self) -> None:
        self.lent -= 1


def test_every_frame_is_given_back(classifier: Classifier, stop: threading.Event) -> None:
    """At most three are out at once: one looked at, one waiting, one on its way."""
    lender = Lender(100)
    with Loop(lambda: lender, classifier, stop) as loop:
        for seen in loop:
            if seen.frame.number >= 50:
                break
    assert lender.lent <= 1  # the one that was looked at when the loop was left
    assert lender.most <= 3


def test_a_failing_camera_ends_the_loop_with_its_error(
    classifier: Classifier, stop: threading.Event
) -> None:
    """After the frames that it gave."""
    with over("fake:bars*5,error?pace=max", classifier, stop) as loop:
        seen = iter(loop)
        for _ in range(5):
            next(seen)
        with pytest.raises(CameraError):
            next(seen)


def test_no_thread_is_left_over(classifier: Classifier, stop: threading.Event) -> None:
    """However the loop ends."""
    before = threading.active_count()
    for source in ("fake:bars*3", "fake:bars*forever", "fake:stall*forever"):
        with over(source, classifier, stop) as loop:
            if "bars" in source:
                next(iter(loop))
    assert threading.active_count() == before
