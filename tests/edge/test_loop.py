"""The loop holds one frame, the newest, and knows when a camera has died."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.classifier import Classifier, Scores
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import Pixels
from galago.edge.camera import Frame, open_camera
from galago.edge.loop import Loop, Newest
from galago.errors import CameraError


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


def frame(number: int) -> Frame:
    return Frame(np.zeros((2, 2, 3), np.uint8), number, number)


def test_only_the_newest_frame_waits() -> None:
    """Older ones are dropped and counted."""
    newest = Newest(wait=False)
    for number in range(5):
        newest.put(frame(number))
    taken = newest.take(0)
    assert taken is not None
    assert taken.number == 4
    assert newest.dropped == 4
    assert newest.take(0) is None


def test_a_recording_waits_for_the_loop() -> None:
    """Frames are handed over one by one; none is dropped."""
    newest = Newest(wait=True)
    thread = threading.Thread(target=lambda: [newest.put(frame(n)) for n in range(50)])
    thread.start()
    taken = [newest.take(5) for _ in range(50)]
    thread.join(5)
    assert [seen.number for seen in taken if seen] == list(range(50))
    assert newest.dropped == 0


def test_the_last_frame_comes_before_the_error() -> None:
    """What a camera gave before it failed is still looked at."""
    newest = Newest(wait=False)
    newest.put(frame(0))
    newest.finish(CameraError("unplugged"))
    assert newest.take(0) is not None
    with pytest.raises(CameraError, match="unplugged"):
        newest.take(0)


def test_finishing_frees_a_waiting_camera() -> None:
    """A capture thread that waits for the loop does not wait for ever."""
    newest = Newest(wait=True)
    newest.put(frame(0))
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(newest.put(frame(1))))
    thread.start()
    newest.finish()
    thread.join(5)
    assert answers == [False]


def test_every_frame_of_a_script_is_seen(classifier: Classifier, stop: threading.Event) -> None:
    """At full pace nothing is lost, and the loop ends with the camera."""
    with open_camera("fake:bars*40?pace=max") as camera, Loop(camera, classifier, stop) as loop:
        numbers = [seen.frame.number for seen in loop]
    assert numbers == list(range(40))
    assert (loop.frames, loop.dropped) == (40, 0)


class Slow:
    """The classifier, ten times slower than the camera."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    def __call__(self, pixels: Pixels) -> Scores:
        time.sleep(0.05)
        return self._classifier(pixels)


def test_a_slow_loop_drops_old_frames_of_a_live_camera(
    classifier: Classifier, stop: threading.Event
) -> None:
    """Frames seen and frames dropped are together all that the camera gave, in order."""
    source = "fake:bars*60?fps=200&size=32x32"
    with open_camera(source) as camera, Loop(camera, Slow(classifier), stop) as loop:  # type: ignore[arg-type]
        numbers = [seen.frame.number for seen in loop]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 59
    assert loop.dropped > 0
    assert loop.frames + loop.dropped == 60


def test_a_failing_camera_ends_the_loop_with_its_error(
    classifier: Classifier, stop: threading.Event
) -> None:
    """After the frames that it gave."""
    source = "fake:bars*5,error?pace=max"
    with open_camera(source) as camera, Loop(camera, classifier, stop) as loop:
        seen = iter(loop)
        for _ in range(5):
            next(seen)
        with pytest.raises(CameraError):
            next(seen)


def test_a_stalled_camera_is_an_error_after_its_deadline(
    classifier: Classifier, stop: threading.Event
) -> None:
    """Silence is not waited for without end, and the message says how long it was."""
    source = "fake:bars*3,stall*forever"
    with (
        open_camera(source) as camera,
        Loop(camera, classifier, stop, timeout_s=0.3) as loop,
        pytest.raises(CameraError, match=r"gave no frame for 0\.3 s: check its cable"),
    ):
        for _seen in loop:
            pass
    assert loop.frames <= 3


def test_a_stop_is_noticed_while_no_frame_comes(
    classifier: Classifier, stop: threading.Event
) -> None:
    """Not only between two frames."""
    threading.Timer(0.2, stop.set).start()
    with open_camera("fake:stall*forever") as camera, Loop(camera, classifier, stop) as loop:
        assert list(loop) == []


def test_no_thread_is_left_over(classifier: Classifier, stop: threading.Event) -> None:
    """However the loop ends."""
    before = threading.active_count()
    for source in ("fake:bars*3", "fake:bars*forever", "fake:stall*forever"):
        with open_camera(source) as camera, Loop(camera, classifier, stop) as loop:
            if "bars" in source:
                next(iter(loop))
    assert threading.active_count() == before
