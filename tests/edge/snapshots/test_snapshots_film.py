"""Films around events: from a ring in memory, in a form that browsers play."""

import os
import signal
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from galago.bundle.image import encode_image
from galago.edge.health import Health
from galago.edge.serving import Serving
from galago.edge.snapshots.darkroom import Darkroom
from galago.edge.snapshots.film import FilmError, make_film
from galago.edge.snapshots.projector import RING_BYTES, Projector
from galago.edge.snapshots.settings import SnapshotSettings
from galago.errors import StoppedError
from tests.edge.snapshots.frames import CERTAIN, Lent, Records, event, seen

NS = 1_000_000_000
WITH_CLIPS = SnapshotSettings(clip_before_s=2, clip_after_s=1, clip_rate=5)


def jpeg(level: int, size: tuple[int, int] = (60, 80)) -> bytes:
    return encode_image(np.full((*size, 3), level, np.uint8), ".jpg")


def film(frames: list[bytes], rate: float = 5) -> bytes:
    """As make_film; skips where this OpenCV has no VP8."""
    try:
        return make_film(frames, rate)
    except FilmError as error:
        if "VP8" in str(error):
            pytest.skip(str(error))
        raise


def levels(content: bytes, tmp_path: Path) -> list[float]:
    """Mean brightness of each frame of a film."""
    path = tmp_path / "film.webm"
    path.write_bytes(content)
    capture = cv2.VideoCapture(str(path))
    found: list[float] = []
    while True:
        there, frame = capture.read()
        if not there:
            return found
        found.append(float(frame.mean()))


def test_a_film_is_webm_with_all_its_frames(tmp_path: Path) -> None:
    """EBML's first bytes, and WebM as its kind: what browsers look for."""
    content = film([jpeg(level) for level in (20, 60, 100, 140, 180, 220)])
    assert content.startswith(b"\x1a\x45\xdf\xa3")
    assert b"webm" in content[:64]
    assert b"V_VP8" in content
    assert levels(content, tmp_path) == pytest.approx([20, 60, 100, 140, 180, 220], abs=6)


def test_frames_of_another_size_are_made_to_fit(tmp_path: Path) -> None:
    """A camera may change its size; a damaged picture is left out."""
    content = film([jpeg(50), jpeg(150, (120, 160)), b"damaged", jpeg(200)])
    assert levels(content, tmp_path) == pytest.approx([50, 150, 200], abs=6)


def test_a_film_that_is_stopped_is_no_fault() -> None:
    """A service manager stops all processes of a service at once; health has nothing to tell."""
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    frames = [encode_image(noise, ".jpg", quality=90)] * 200
    children = Path(f"/proc/{os.getpid()}/task")

    def stop_child() -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for task in children.glob("*/children"):
                for child in task.read_text().split():
                    if b"snapshots.film" in Path(f"/proc/{child}/cmdline").read_bytes():
                        os.kill(int(child), signal.SIGTERM)
                        return
            time.sleep(0.01)

    stopper = threading.Thread(target=stop_child)
    stopper.start()
    with pytest.raises(StoppedError):
        make_film(frames, rate=5.0)
    stopper.join()


def test_no_film_comes_of_no_pictures() -> None:
    """It is told, as any other reason."""
    with pytest.raises(FilmError, match="ended with"):
        make_film([b"damaged"], 5)


def test_nowhere_to_put_a_film_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The disk is no place for it: the service's folder in memory is asked for first."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    film([jpeg(1)])
    assert list(tmp_path.iterdir()) == []


def test_an_event_gets_a_film_of_before_and_after(
    records: Records, health: Health, lent: Lent, serving: Serving, tmp_path: Path
) -> None:
    """It comes after the event's own record, for the picture of that name."""
    film([jpeg(1)])
    with Darkroom(records.put, WITH_CLIPS, health) as darkroom:
        for tick in range(60):  # 15 pictures a second, brighter each time
            pixels = np.full((60, 80, 3), 4 * tick, np.uint8)
            what = seen(lent.frame(pixels, NS + tick * NS // 15), CERTAIN)
            darkroom.glance(what, serving)
            if tick == 40:
                darkroom.develop(what, event(what, serving), serving)
            what.frame.release()
            while lent.out:
                pass
        all_ = records.wait(lambda all_: any(record.film for record in all_))
    pictures = [record.picture for record in all_ if record.picture and record.event]
    [made] = [record.film for record in all_ if record.film]
    assert made is not None
    assert pictures[0] is not None
    assert made.name == pictures[0].name
    found = levels(made.clip, tmp_path)
    assert found == sorted(found)
    assert found[0] == pytest.approx(40, abs=13)  # two seconds before 160
    assert found[-1] == pytest.approx(220, abs=13)  # one after
    assert len(found) == pytest.approx(15, abs=1)
    assert health.states == {}


def test_nothing_is_filmed_unless_asked_for(
    records: Records, health: Health, lent: Lent, serving: Serving
) -> None:
    """By default no frame is held for it."""
    darkroom = Darkroom(records.put, SnapshotSettings(), health)
    what = seen(lent.frame(np.zeros((60, 80, 3), np.uint8)), CERTAIN)
    darkroom.glance(what, serving)
    what.frame.release()
    assert lent.out == 0


def test_the_ring_has_a_ceiling(records: Records, health: Health) -> None:
    """However large the pictures are and however long the time before is."""
    settings = SnapshotSettings(clip_before_s=30, clip_after_s=30, clip_rate=15)
    projector = Projector(records.put, settings, health)
    for tick in range(100):
        projector.expose(tick * NS // 15, bytes(1_000_000))
    assert projector._ring_bytes <= RING_BYTES
    assert len(projector._ring) == 16


def test_the_ring_forgets_what_no_film_can_want(records: Records, health: Health) -> None:
    """Minutes later only the last seconds are there."""
    projector = Projector(records.put, WITH_CLIPS, health)
    for second in range(100):
        projector.expose(second * NS, b"picture")
    assert len(projector._ring) == 5


def test_too_many_events_at_once_get_no_films(records: Records, health: Health) -> None:
    """They are counted, and their pictures are not concerned."""
    projector = Projector(records.put, WITH_CLIPS, health)
    for nth in range(10):
        projector.wanted(f"picture{nth}", NS)
    assert projector.left_out == 6
