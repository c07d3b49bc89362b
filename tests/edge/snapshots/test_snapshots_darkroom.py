"""The darkroom: pictures of events, in order, without keeping a camera's buffer from it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.image import decode_image, encode_image
from galago.bundle.preprocess import Pixels, preprocess
from galago.edge.health import Health
from galago.edge.record import Picture
from galago.edge.regions import WHOLE, Cutter, Region
from galago.edge.serving import Serving
from galago.edge.snapshots.darkroom import FRAMES, ROOM, Darkroom
from galago.edge.snapshots.place import day
from galago.edge.snapshots.settings import SnapshotSettings
from tests.edge.snapshots.frames import CERTAIN, DOUBT, LOW, Lent, Records, event, seen

SETTINGS = SnapshotSettings(width=320)
DOOR = Region("door", 0.25, 0.1, 0.5, 0.8)
NS = 1_000_000_000


@pytest.fixture
def darkroom(records: Records, health: Health) -> Darkroom:
    """Not yet open: what it is given waits."""
    return Darkroom(records.put, SETTINGS, health)


def scene(seed: int = 1, height: int = 480, width: int = 640) -> Pixels:
    """A picture with an object somewhere."""
    random = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 110, np.uint8)
    top, left = (int(random.integers(0, side // 2)) for side in (height, width))
    pixels[top : top + height // 3, left : left + width // 3] = random.integers(0, 256, 3)
    return pixels


def shape(content: bytes) -> tuple[int, ...]:
    return decode_image(content, Path("picture.jpg")).shape


def picture_of(
    pixels: Pixels, serving: Serving, records: Records, region: Region = WHOLE
) -> Picture:
    """What a darkroom of its own makes of one frame."""
    darkroom = Darkroom(records.put, SETTINGS, Health())
    with darkroom:
        what = seen(Lent().frame(pixels), region=region)
        darkroom.develop(what, event(what, serving), serving)
    picture = records.all[-1].picture
    assert picture is not None
    return picture


def test_an_event_names_its_picture(
    darkroom: Darkroom, records: Records, lent: Lent, serving: Serving
) -> None:
    """The name tells its time, and the picture knows what the event does."""
    with darkroom:
        what = seen(lent.frame(scene()), region=DOOR)
        told = event(what, serving)
        darkroom.develop(what, told, serving)
        what.frame.release()
    [record] = records.all
    assert record.event is not None
    assert record.picture is not None
    assert record.event == replace(told, snapshot=record.picture.name)
    assert record.picture.name.endswith("_empty_door")
    assert day(record.picture.name) == told.time[:10]
    assert record.picture.kind == "event"
    assert record.picture.label == told.label
    assert record.picture.score == told.score
    assert record.picture.region == "door"
    assert record.picture.model == serving.sha256
    assert lent.out == 0


def test_the_picture_is_whole_and_no_wider_than_asked_for(
    serving: Serving, records: Records
) -> None:
    """A smaller one keeps its size."""
    assert shape(picture_of(scene(), serving, records).full) == (240, 320, 3)
    assert shape(picture_of(scene(1, 60, 80), serving, records).full) == (60, 80, 3)


@pytest.mark.parametrize("region", [WHOLE, DOOR], ids=["whole", "door"])
def test_the_crop_is_what_the_model_saw(serving: Serving, records: Records, region: Region) -> None:
    """Pixel for pixel, but for JPEG itself: the loop's own cut and preprocessing."""
    pixels = np.random.default_rng(0).integers(0, 256, (481, 641, 3), np.uint8)
    crop = picture_of(pixels, serving, records, region).crop
    [view] = Cutter((region,))(pixels)
    assert crop == encode_image(preprocess(view, serving.classifier.spec), ".jpg", quality=95)


def test_a_thumbnail_is_small(serving: Serving, records: Records) -> None:
    """At most 160 pixels wide; a few kB, and noise, which no codec likes, below 50 kB."""
    thumbnail = picture_of(scene(), serving, records).thumbnail
    assert shape(thumbnail) == (120, 160, 3)
    assert len(thumbnail) < 5000
    noise = np.random.default_rng(0).integers(0, 256, (240, 160, 3), np.uint8)
    tall = picture_of(noise, serving, records).thumbnail
    assert shape(tall) == (240, 160, 3)
    assert len(tall) <= 50_000


def test_frames_run_out_and_events_go_on(
    darkroom: Darkroom, records: Records, lent: Lent, serving: Serving
) -> None:
    """In their order, those without a picture counted; no more than two frames are held."""
    for seed in range(5):
        what = seen(lent.frame(scene(seed)))
        darkroom.develop(what, replace(event(what, serving), seconds=seed), serving)
        what.frame.release()
    assert lent.out == FRAMES
    with darkroom:
        pass
    assert [record.event and record.event.seconds for record in records.all] == [0, 1, 2, 3, 4]
    assert [record.picture is not None for record in records.all] == [True] * 2 + [False] * 3
    assert all(record.event and record.event.snapshot is None for record in records.all[2:])
    assert darkroom.without_picture == 3
    assert lent.out == 0


def test_a_darkroom_that_is_stuck_loses_no_event(
    darkroom: Darkroom, records: Records, lent: Lent, serving: Serving
) -> None:
    """So many wait; those that find no room go on by themselves."""
    what = seen(lent.frame(scene()))
    for _ in range(ROOM + 5):
        darkroom.develop(what, event(what, serving), serving)
    assert len(records.all) == 5
    with darkroom:
        pass
    assert len(records.all) == ROOM + 5


def test_pictures_of_one_moment_have_names_of_their_own(
    darkroom: Darkroom, records: Records, lent: Lent, serving: Serving
) -> None:
    """Two regions whose names look alike once they are plain."""
    frame = lent.frame(scene())
    whats = [seen(frame, region=replace(DOOR, name=name)) for name in ("front door", "front-door")]
    told = event(whats[0], serving)
    with darkroom:
        for what in whats:
            darkroom.develop(what, replace(told, region=what.region.name), serving)
    names = [record.picture.name for record in records.all if record.picture]
    assert names == [names[0], f"{names[0]}-2"]
    assert {day(name) for name in names} == {told.time[:10]}


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((480, 640), np.uint8),
        np.zeros((480, 640, 1), np.uint8),
        np.zeros((480, 640, 4), np.uint8),
        np.zeros((480, 640, 3), np.float32),
        np.zeros((0, 640, 3), np.uint8),
    ],
    ids=["grey", "one channel", "four channels", "float", "empty"],
)
def test_a_frame_that_is_no_picture_is_told(  # noqa: PLR0913, PLR0917 - fixtures
    darkroom: Darkroom,
    records: Records,
    lent: Lent,
    serving: Serving,
    health: Health,
    pixels: Pixels,
) -> None:
    """The event goes on without; health says why, and that it is over with the next good one."""
    with darkroom:
        what = seen(lent.frame(pixels))
        darkroom.develop(what, event(what, serving), serving)
        what.frame.release()
        records.wait(lambda all_: len(all_) == 1)
        assert records.all[0].picture is None
        state = health.states["snapshots.undeveloped"]
        assert state.cause.startswith("a frame could not be made a picture: a frame must")
        what = seen(lent.frame(scene()))
        darkroom.develop(what, event(what, serving), serving)
        what.frame.release()
    assert records.all[1].picture is not None
    assert health.states == {}
    assert lent.out == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (4000, 6000)])
def test_a_frame_of_odd_size_is_a_picture(
    serving: Serving, records: Records, size: tuple[int, int]
) -> None:
    """One pixel, one row, one column, very many."""
    picture = picture_of(np.full((*size, 3), 99, np.uint8), serving, records)
    height, width, _ = shape(picture.full)
    assert 1 <= width <= 320
    assert 1 <= height <= 8192
    assert shape(picture.crop)[:2] == (
        serving.classifier.spec.height,
        serving.classifier.spec.width,
    )


def glance_at(
    darkroom: Darkroom,
    lent: Lent,
    serving: Serving,
    looks: list[tuple[int, int, tuple[float, float, float]]],
) -> None:
    """Let it see (second, scene, scores), one after the other, each done with before the next."""
    for second, seed, values in looks:
        what = seen(lent.frame(scene(seed), round(second * NS)), values)
        darkroom.glance(what, serving)
        what.frame.release()
        while lent.out:
            pass


def kept(records: Records) -> list[str]:
    return [record.picture.label for record in records.all if record.picture]


def test_what_is_in_doubt_is_kept_for_labelling(
    darkroom: Darkroom, records: Records, lent: Lent, serving: Serving
) -> None:
    """Without an event; what is certain, or nothing known at all, is not kept."""
    with darkroom:
        glance_at(darkroom, lent, serving, [(1000, 1, CERTAIN), (1001, 2, LOW), (1002, 3, DOUBT)])
    [record] = records.all
    assert record.event is None
    assert record.picture is not None
    assert record.picture.kind == "uncertain"
    assert record.picture.label == "circle"
    assert record.picture.score == pytest.approx(0.48)


def test_a_region_has_its_turn_once_in_a_while(
    darkroom: Darkroom, records: Records, lent: Lent, serving: Serving
) -> None:
    """Ten minutes, and a label waits for turns of the others."""
    circle, square = (0.5, 0.05, 0.45), (0.45, 0.05, 0.5)
    looks = [
        (1000, 1, circle),
        (1300, 2, square),  # too soon
        (1601, 3, circle),  # the others' turn
        (1603, 4, square),
        (2300, 5, square),  # the others' turn again
        (2900, 6, circle),
    ]
    with darkroom:
        glance_at(darkroom, lent, serving, looks)
    assert kept(records) == ["circle", "square", "circle"]
    times = [record.picture.time_ms for record in records.all if record.picture]
    assert np.diff(times) / 1000 == pytest.approx([603, 1297], abs=5)


def test_one_scene_is_kept_once(
    darkroom: Darkroom, records: Records, lent: Lent, serving: Serving
) -> None:
    """However long the model is in doubt about it; brighter or darker, it is the same."""
    with darkroom:
        glance_at(darkroom, lent, serving, [(1000, 1, DOUBT), (9000, 1, DOUBT), (18_000, 2, DOUBT)])
    assert len(kept(records)) == 2


def test_nothing_is_kept_for_labelling_where_that_is_off(
    records: Records, health: Health, lent: Lent, serving: Serving
) -> None:
    """uncertain_every_s = 0."""
    with Darkroom(records.put, replace(SETTINGS, uncertain_every_s=0), health) as darkroom:
        glance_at(darkroom, lent, serving, [(1000, 1, DOUBT), (9000, 2, DOUBT)])
    assert records.all == []


def test_doubt_leaves_a_frame_for_events(
    darkroom: Darkroom, records: Records, lent: Lent, serving: Serving
) -> None:
    """Where one is in use already, the other is for an event."""
    what = seen(lent.frame(scene(), 1000 * NS), DOUBT)
    darkroom.develop(what, event(what, serving), serving)
    darkroom.glance(what, serving)
    darkroom.develop(what, event(what, serving), serving)
    with darkroom:
        pass
    assert [record.picture is not None for record in records.all] == [True, True]


def test_a_change_on_its_way_is_no_doubt(
    darkroom: Darkroom, records: Records, lent: Lent, serving: Serving
) -> None:
    """The smoothed scores pass the boundary, the frame's own do not."""
    what = seen(lent.frame(scene(), 1000 * NS), DOUBT)
    passing = what._replace(scores=np.array([0.01, 0.01, 0.98], np.float32))
    with darkroom:
        darkroom.glance(passing, serving)
    assert records.all == []
