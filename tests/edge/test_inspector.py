"""The thread that judges a few frames a second, and keeps the view of the set-up."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from galago.bundle.image import write_image
from galago.edge.camera import Frame, open_camera
from galago.edge.health import Health
from galago.edge.inspector import Inspector
from galago.edge.reference import Reference
from galago.errors import DataError, UsageError
from tests.conftest import draw

PERIOD_NS = 250_000_000


def eventually(what: Callable[[], bool]) -> bool:
    """Whether it comes true within a few seconds."""
    deadline = time.monotonic() + 10
    while not what() and time.monotonic() < deadline:
        time.sleep(0.01)
    return what()


def show(inspector: Inspector, script: str, looks: int, begin: int = 1) -> list[Frame]:
    """Offer so many frames, a look apart by their own time, each when the last has been judged."""
    frames = []
    with open_camera(f"fake:{script}?pace=max&noise=9&size=320x240") as camera:
        for number, frame in zip(range(begin, begin + looks), camera, strict=False):
            frame.time_ns = number * PERIOD_NS
            inspector.offer(frame)
            assert eventually(lambda frame=frame: frame.holders == 1)  # type: ignore[misc]
            frames.append(frame)
    return frames


def test_what_is_wrong_is_told_to_health() -> None:
    """And each frame is let go of once it has been judged."""
    health = Health()
    with open_camera("fake:bars") as camera, Inspector(camera, health) as inspector:
        show(inspector, "black*forever", 12)
        assert list(health.states) == ["camera.dark"]


def test_frames_between_two_looks_are_not_held() -> None:
    """The loop offers all of them; four a second are judged."""
    with open_camera("fake:bars") as camera:
        inspector = Inspector(camera, Health())  # its thread not begun: what is held stays held
        frames = list(open_camera("fake:bars*20?pace=max"))
        for number, frame in enumerate(frames):
            frame.time_ns = PERIOD_NS + number * PERIOD_NS // 10
            inspector.offer(frame)
        assert [frame.number for frame in frames if frame.holders == 2] == [10]


def test_the_view_at_set_up_is_kept_and_found_again(tmp_path: Path) -> None:
    """Written once it is learnt; at the next start it is what the view is compared with."""
    kept, scene, health = tmp_path / "view.png", tmp_path / "scene.png", Health()
    write_image(scene, draw("circle", seed=1))
    with open_camera("fake:bars") as camera, Inspector(camera, health, kept) as inspector:
        show(inspector, f"{scene}*forever", 30)
        assert eventually(kept.exists)
    before = Reference.load(kept).grey
    with open_camera("fake:bars") as camera, Inspector(camera, health, kept) as inspector:
        show(inspector, f"{scene},shifted*forever", 40)
        assert "camera.moved" in health.states
    assert (Reference.load(kept).grey == before).all()


def test_a_view_that_cannot_be_kept_is_told_and_stops_nothing(tmp_path: Path) -> None:
    """The folder is gone by the time it is learnt."""
    folder, health = tmp_path / "gone", Health()
    folder.mkdir()
    with open_camera("fake:bars") as camera:
        inspector = Inspector(camera, health, folder / "view.png")
        folder.rmdir()
        with inspector:
            show(inspector, "bars*forever", 30)
            assert eventually(lambda: "reference.unsaved" in health.states)


def test_a_file_that_is_no_view_is_refused(tmp_path: Path) -> None:
    """At the start, as is a folder that is not there."""
    (tmp_path / "view.png").write_text("no picture")
    with open_camera("fake:bars") as camera:
        with pytest.raises(DataError, match="is not a reference"):
            Inspector(camera, Health(), tmp_path / "view.png")
        with pytest.raises(UsageError, match="is not a folder"):
            Inspector(camera, Health(), tmp_path / "nowhere" / "view.png")
