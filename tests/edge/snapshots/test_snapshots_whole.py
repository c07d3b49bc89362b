"""From a frame to the store: darkroom, recorder and shelf together, as in the daemon."""

from pathlib import Path

import numpy as np
import pytest

from galago.edge.health import Health
from galago.edge.serving import Serving
from galago.edge.snapshots.darkroom import Darkroom
from galago.edge.snapshots.place import files
from galago.edge.snapshots.settings import SnapshotSettings
from galago.edge.snapshots.shelf import Shelf
from galago.edge.store.reader import Reader
from galago.edge.store.recorder import Recorder
from galago.edge.store.settings import StoreSettings
from tests.edge.snapshots.frames import Lent, event, seen
from tests.edge.snapshots.shelves import taken

SETTINGS = SnapshotSettings(keep_mb=1, keep_free_mb=0, keep_each=2)


def see(folder: Path, serving: Serving, health: Health, lent: Lent, events: int) -> None:
    """Let the daemon's parts see so many events, of noise, and close them."""
    random = np.random.default_rng(0)
    with (
        Recorder(folder, StoreSettings(), health, Shelf(folder, SETTINGS, health)) as recorder,
        Darkroom(recorder.put, SETTINGS, health) as darkroom,
    ):
        for _ in range(events):
            what = seen(lent.frame(random.integers(0, 256, (480, 640, 3), np.uint8)))
            darkroom.develop(what, event(what, serving), serving)
            what.frame.release()
            while lent.out:
                pass


def test_events_and_pictures_arrive_together(
    tmp_path: Path, serving: Serving, lent: Lent, health: Health
) -> None:
    """Each event names a picture; of those the shelf keeps what fits."""
    see(tmp_path, serving, health, lent, events=12)
    with Reader(tmp_path) as reader:
        named = {stored.event.snapshot for stored in reader.events()}
        kept = {snapshot.name for snapshot in reader.snapshots()}
    assert len(named) == 12
    assert None not in named
    assert 2 <= len(kept) < 12
    assert kept <= named
    assert all(files(tmp_path, name).full.exists() for name in kept)
    assert taken(tmp_path / "pictures") <= 1_000_000
    assert health.states == {}


@pytest.mark.parametrize("times", [1, 2])
def test_an_event_whose_picture_has_no_place_names_none(
    tmp_path: Path, serving: Serving, lent: Lent, health: Health, times: int
) -> None:
    """It is stored all the same, also after a restart; health says why."""
    (tmp_path / "pictures").write_text("in the way")
    for _ in range(times):
        see(tmp_path, serving, health, lent, events=3)
    with Reader(tmp_path) as reader:
        assert [stored.event.snapshot for stored in reader.events()] == [None] * 3 * times
        assert reader.snapshots() == []
    assert "snapshots.failed" in health.states
