"""The newest picture of a camera that stalls, fails, comes back, or never opens."""

import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from galago.edge.camera import Camera, open_camera
from galago.edge.feed import Feed
from galago.edge.health import Change, Health
from galago.errors import CameraError, StoppedError


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    """What a signal would set."""
    event = threading.Event()
    yield event
    event.set()


class Opener:
    """Opens one source after the other, the last one again and again; counts."""

    def __init__(self, *sources: str) -> None:
        self._sources = sources
        self.opened: list[Camera] = []

    def __call__(self) -> Camera:
        source = self._sources[min(len(self.opened), len(self._sources) - 1)]
        self.opened.append(open_camera(source))
        return self.opened[-1]


def watched() -> tuple[Health, list[str]]:
    """Health, and a list that says what began ("+") and what is over ("-")."""
    said: list[str] = []

    def tell(change: Change) -> None:
        said.append(f"{'+' if change.ended_ns is None else '-'}{change.state.name}")

    return Health(tell), said


def test_a_stalled_camera_is_told_and_then_opened_again(stop: threading.Event) -> None:
    """Its deadline is its patience; frames of the new one end both states."""
    opener = Opener("fake:bars*3,stall*forever?patience=2.5", "fake:bars*forever")
    health, said = watched()
    with Feed(opener, stop, health=health) as feed:
        for _ in range(20):
            assert feed.next() is not None
    assert len(opener.opened) == 2
    assert said[:2] == ["+camera.stalled", "+camera.failed"]
    assert sorted(said[2:]) == ["-camera.failed", "-camera.stalled"]
    assert health.states == {}


def test_a_second_loss_is_raised(stop: threading.Event) -> None:
    """The message says how long there was silence, or what the camera said."""
    opener = Opener("fake:bars*3,stall*forever?patience=0.3")
    with (
        Feed(opener, stop) as feed,
        pytest.raises(CameraError, match=r"gave no frame for 0\.3 s: check its cable"),
    ):
        while feed.next():
            pass
    assert len(opener.opened) == 2


def test_a_camera_that_fails_is_opened_again_once(stop: threading.Event) -> None:
    """And the state has its cause."""
    causes: list[str] = []
    health = Health(lambda change: causes.append(change.state.cause))
    opener = Opener("fake:bars*3,error?fps=200")
    with (
        Feed(opener, stop, health=health) as feed,
        pytest.raises(CameraError, match="the fake camera failed"),
    ):
        while feed.next():
            pass
    assert len(opener.opened) == 2
    assert causes[0].endswith("(opening it again)")


def test_a_camera_that_cannot_be_opened_again_says_why(stop: threading.Event) -> None:
    """The error is that of its second opening, and nothing is left over."""
    before = threading.active_count()
    opener = Opener("fake:bars*3,error?fps=200", "file:nowhere.mp4")
    with pytest.raises(CameraError, match=r"nowhere\.mp4"), Feed(opener, stop) as feed:
        while feed.next():
            pass
    assert threading.active_count() == before


def test_a_recording_has_no_second_chance(stop: threading.Event) -> None:
    """What cannot be read once cannot be read twice."""
    opener = Opener("fake:bars*3,error?pace=max")
    with Feed(opener, stop) as feed, pytest.raises(CameraError):
        while feed.next():
            pass
    assert len(opener.opened) == 1


def test_a_camera_that_does_not_open_is_its_error(stop: threading.Event) -> None:
    """Raised where the feed begins, in the thread that began it."""
    with (
        pytest.raises(CameraError, match=r"nowhere\.mp4"),
        Feed(partial(open_camera, "file:nowhere.mp4"), stop),
    ):
        pass


def test_a_stop_is_noticed_while_the_camera_opens(stop: threading.Event) -> None:
    """A network camera may take half a minute to open; a person who stops does not wait for it."""
    opens, gave_up = threading.Event(), threading.Event()

    def opener() -> Camera:
        opens.set()
        gave_up.wait(10)
        return open_camera("fake:bars*forever")

    def waiting() -> None:
        assert opens.is_set()
        stop.set()

    with pytest.raises(StoppedError), Feed(opener, stop, waiting=waiting):
        pass
    gave_up.set()


def test_waiting_is_told_while_no_frame_comes(stop: threading.Event) -> None:
    """Again and again, until the camera's patience ends."""
    waited: list[float] = []
    source = "fake:bars*1,stall*forever?patience=0.6"
    feed = Feed(partial(open_camera, source), stop, waiting=lambda: waited.append(time.monotonic()))
    with feed:
        assert feed.next() is not None
        before = len(waited)
        with pytest.raises(CameraError):
            while feed.next() is not None:
                pass
    assert len(waited) - before >= 5


def test_a_stop_is_noticed_while_no_frame_comes(stop: threading.Event) -> None:
    """Not only between two frames."""
    threading.Timer(0.2, stop.set).start()
    with Feed(partial(open_camera, "fake:stall*forever"), stop) as feed:
        assert feed.next() is None


def test_the_newest_is_taken_and_the_others_counted(stop: threading.Event) -> None:
    """A reader that was away finds what is there now."""
    with Feed(partial(open_camera, "fake:bars*50?fps=200"), stop) as feed:
        time.sleep(0.5)
        prepared = feed.next()
        assert prepared is not None
        assert prepared.frame.number == 49
        assert feed.dropped == 49
        assert feed.next() is None
