"""Is the picture believable? Each fault is told, is over when it is over, and light is no fault."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from galago.bundle.image import write_image
from galago.bundle.preprocess import Pixels, as_pixels
from galago.edge.camera import open_camera
from galago.edge.health import Change, Health
from galago.edge.reference import Reference, Thumbnail
from galago.edge.sanity import CAUSES, Sanity, SanitySettings

SECOND = 1_000_000_000
LOOK = SECOND // 4
PROMPT_S = 3.0  # within which a fault is told, and is over


def view(seed: int = 0, size: tuple[int, int] = (640, 480)) -> Pixels:
    """A scene full of edges of every size, (480, 640, 3) uint8."""
    random = np.random.default_rng(seed)
    picture = np.full((size[1], size[0], 3), 120.0, np.float32)
    for cells, levels in ((8, 50), (20, 40), (64, 40), (160, 40)):
        spots = random.uniform(-levels, levels, (cells * 3 // 4, cells, 3)).astype(np.float32)
        picture += cv2.resize(spots, size, interpolation=cv2.INTER_NEAREST)
    return as_pixels(np.clip(picture, 0, 255).astype(np.uint8))


class Watched:
    """A judge that is shown pictures, four a simulated second, with the noise of a sensor."""

    def __init__(self, *, noisy: bool = True, reference: Reference | None = None) -> None:
        self.changes: list[Change] = []
        self.health = Health(self.changes.append)
        self.sanity = Sanity(self.health, noisy=noisy, reference=reference)
        self.time_ns = 0
        self._random = np.random.default_rng(1)

    def look(self, picture: Pixels) -> None:
        self.sanity.look(picture, self.time_ns)
        self.time_ns += LOOK

    def show(self, picture: Pixels, seconds: float) -> None:
        """The picture with other noise in every frame."""
        for _ in range(round(seconds * 4)):
            levels = self._random.integers(-4, 5, picture.shape, dtype=np.int16)
            self.look(as_pixels(np.clip(picture + levels, 0, 255).astype(np.uint8)))

    @property
    def wrong(self) -> set[str]:
        return {name.removeprefix("camera.") for name in self.health.states}

    def told(self) -> list[tuple[str, str]]:
        """Every change since the start: (name, begun or over)."""
        return [
            (
                change.state.name.removeprefix("camera."),
                "begun" if change.ended_ns is None else "over",
            )
            for change in self.changes
        ]


@pytest.fixture
def watched() -> Watched:
    """A judge that has learnt the view."""
    judge = Watched()
    judge.show(view(), 5)
    assert judge.sanity.reference is not None
    assert judge.told() == []
    return judge


def torn(picture: Pixels) -> Pixels:
    broken = picture.copy()
    broken[300:] = 128
    return broken


FAULTS: dict[str, Callable[[Pixels], Pixels]] = {
    "dark": lambda picture: as_pixels(picture // 30),
    "bright": lambda picture: np.full_like(picture, 255),
    "resized": lambda picture: np.ascontiguousarray(picture[::2, ::2]),
    "blurred": lambda picture: as_pixels(cv2.GaussianBlur(picture, (0, 0), 6)),
    "moved": lambda picture: np.roll(picture, 64, axis=1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_and_is_over(watched: Watched, fault: str) -> None:
    """Within 3 s of its beginning a fault is told, alone, and within 3 s of its end it is over."""
    watched.show(FAULTS[fault](view()), PROMPT_S)
    assert watched.wrong == {fault}
    watched.show(view(), PROMPT_S)
    assert watched.told() == [(fault, "begun"), (fault, "over")]


def test_a_torn_picture_is_told_and_is_over(watched: Watched) -> None:
    """A lower part of one colour is told; the decoder's grey has no noise, as the rest has."""
    for _ in range(12):
        watched.look(torn(view()))
    assert "torn" in watched.wrong
    watched.show(view(), PROMPT_S)
    assert watched.wrong == set()


def test_a_frozen_picture_is_told_and_is_over(watched: Watched) -> None:
    """The same bytes for 2 s are told where a sensor's noise should be."""
    for _ in range(12):
        watched.look(view())
    assert watched.wrong == {"frozen"}
    watched.show(view(), PROMPT_S)
    assert watched.told() == [("frozen", "begun"), ("frozen", "over")]


def test_a_stream_may_repeat_a_still_scene() -> None:
    """A compressed stream is frozen after 20 s of the same picture and not before."""
    judge = Watched(noisy=False)
    for _ in range(19 * 4):
        judge.look(view())
    assert judge.wrong == set()
    for _ in range(2 * 4):
        judge.look(view())
    assert judge.wrong == {"frozen"}


@pytest.mark.parametrize(("shade", "name"), [(0, "dark"), (255, "bright")])
def test_black_and_white_may_repeat(shade: int, name: str) -> None:
    """A clipped picture has no noise, so it is dark or bright and not frozen."""
    judge = Watched()
    for _ in range(60):
        judge.look(np.full((480, 640, 3), shade, np.uint8))
    assert judge.wrong == {name}


def test_a_slow_camera_is_not_frozen_by_one_copy() -> None:
    """With a picture every three seconds, two equal ones are a copy and not yet a fault."""
    judge = Watched()
    for picture in (view(0), view(0), view(1), view(1), view(2), view(2)):
        judge.sanity.look(picture, judge.time_ns)
        judge.time_ns += 3 * SECOND
    assert judge.told() == []


@pytest.mark.parametrize(("name", "near", "beyond"), [("dark", 29, 15), ("bright", 241, 253)])
def test_light_at_the_limit_does_not_flicker(name: str, near: int, beyond: int) -> None:
    """Near the limit it is dark, or white, if it was so before, and is not if it was not."""
    judge = Watched()
    judge.show(np.full((480, 640, 3), near, np.uint8), 5)
    assert judge.told() == []
    for level in (beyond, near, beyond, near):
        judge.show(np.full((480, 640, 3), level, np.uint8), 4)
    assert judge.told() == [(name, "begun")]


def test_a_lens_that_dries_does_not_flicker(watched: Watched) -> None:
    """Two fifths of the view without detail are not enough to be told, and too much to be over."""
    fogged, drying = FAULTS["blurred"](view()), view()
    drying[:, :256] = fogged[:, :256]
    watched.show(drying, 6)
    assert watched.told() == []
    for picture in (fogged, drying, fogged, drying):
        watched.show(picture, 5)
    assert watched.told() == [("blurred", "begun")]


def test_light_is_no_fault(watched: Watched) -> None:
    """Half the light, half as much again, sudden and slow, warm and cold: nothing is told."""
    picture = view().astype(np.float32)
    warm = np.array([1.1, 1.0, 0.9], np.float32)
    for gain in (0.5, 1.5, 0.7, 1.0, *np.linspace(0.5, 1.4, 20)):
        for tint in (warm, 1 / warm):
            watched.show(np.clip(picture * gain * tint, 0, 255).astype(np.uint8), 1)
    assert watched.told() == []


def test_subjects_are_no_fault(watched: Watched) -> None:
    """What passes before the camera, a third of the view at a time, is what it is there for."""
    random = np.random.default_rng(3)
    for number in range(20):
        picture = view()
        x, y = int(random.integers(320)), int(random.integers(240))
        picture[y : y + 290, x : x + 360] = view(number + 2)[:290, : 640 - x][:, :360][: 480 - y]
        watched.show(picture, 2)
    assert watched.told() == []


def test_a_camera_that_trembles_has_not_moved(watched: Watched) -> None:
    """A mast in the wind moves the view by a percent."""
    for by in (3, -3, 6, -6, 2, 0) * 4:
        watched.show(np.roll(view(), by, axis=1), 0.5)
    assert watched.told() == []


def test_another_view_is_told(watched: Watched) -> None:
    """A camera that looks elsewhere altogether is told, later, as a subject may fill the view."""
    watched.show(view(9), 4)
    assert watched.wrong == set()
    watched.show(view(9), 10)
    assert watched.wrong == {"moved"}


def test_a_small_push_is_told(watched: Watched) -> None:
    """A push by 3 % of the width counts."""
    watched.show(np.roll(view(), 20, axis=1), PROMPT_S)
    assert watched.wrong == {"moved"}


def test_a_broken_camera_teaches_nothing() -> None:
    """The reference is taken from good pictures only, however late they come."""
    judge = Watched()
    judge.show(np.zeros((480, 640, 3), np.uint8), 6)
    for _ in range(24):
        judge.look(torn(view()))
    assert judge.sanity.reference is None
    judge.show(view(), 6)
    assert judge.sanity.reference is not None
    small = cv2.resize(view(), (320, 240), interpolation=cv2.INTER_AREA)
    off = np.abs(judge.sanity.reference.grey.astype(int) - cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
    assert off.mean() < 2


def test_a_reference_of_the_set_up_outlives_a_restart() -> None:
    """A camera that was moved while nobody looked is told after the next start."""
    reference = Reference.of([Thumbnail()(view())])
    judge = Watched(reference=reference)
    judge.show(np.roll(view(), 64, axis=1), PROMPT_S)
    assert judge.wrong == {"moved"}
    assert judge.sanity.reference is reference


def test_a_bare_wall_is_no_fault() -> None:
    """A view without texture is never out of focus or elsewhere."""
    judge = Watched()
    for shade in (150, 100, 180):
        judge.show(np.full((480, 640, 3), shade, np.uint8), 6)
    assert judge.told() == []


@pytest.mark.parametrize("shade", [0, 60, 255])
def test_a_letterbox_is_not_torn(shade: int) -> None:
    """A bar of one colour that was always there is part of the view."""
    judge = Watched()
    random = np.random.default_rng(0)
    for _ in range(48):
        boxed = view() + random.integers(0, 4, (480, 640, 3), dtype=np.uint8)
        boxed[400:] = shade
        judge.look(boxed)
    assert judge.told() == []


def test_a_torn_part_may_have_any_colour(watched: Watched) -> None:
    """Decoders that fill with the last colour are told by the reference, which had more there."""
    broken = view()
    broken[300:] = (40, 80, 60)
    for _ in range(12):
        watched.look(broken)
    assert "torn" in watched.wrong


def odd() -> Iterator[Pixels]:
    """Frames that no camera should give."""
    for shape in ((1, 1, 3), (1, 40000, 3), (40000, 1, 3), (4000, 6000, 3), (2, 2, 3), (0, 9, 3)):
        yield np.full(shape, 128, np.uint8)
        yield np.zeros(shape, np.uint8)
    for other in ((480, 640), (480, 640, 1), (480, 640, 4), (3,), ()):
        yield np.full(other, 128, np.uint8)
    yield as_pixels(np.full((48, 64, 3), 0.5))
    yield view()[::-1, ::-1]
    yield view()[..., ::-1]


def test_no_frame_raises() -> None:
    """However odd a frame is, as the first or as a later one, the judge goes on."""
    for first in odd():
        judge = Watched()
        judge.look(first)
    judge = Watched()
    judge.show(view(), 5)
    for frame in odd():
        judge.look(frame)
    judge.show(view(), PROMPT_S)
    assert judge.wrong == set()


def test_an_old_frame_is_passed_over() -> None:
    """A frame that is looked at again, or comes late, says nothing."""
    judge = Watched()
    for number in range(40):
        judge.sanity.look(view(), 20 * SECOND + number // 20)
        judge.sanity.look(view(2), SECOND * (number % 20))
    assert judge.told() == []


def test_a_frame_is_not_written_to(watched: Watched) -> None:
    """The judge looks at shared memory."""
    picture = view()
    picture.flags.writeable = False
    watched.look(picture)


def test_how_long_is_a_setting() -> None:
    """A longer time until a state is told is kept to."""
    judge = Watched()
    judge.sanity = Sanity(judge.health, noisy=True, settings=SanitySettings(enter_s=10))
    judge.show(np.zeros((480, 640, 3), np.uint8), 9)
    assert judge.wrong == set()
    judge.show(np.zeros((480, 640, 3), np.uint8), 2)
    assert judge.wrong == {"dark"}


def test_every_cause_says_what_to_do() -> None:
    """Each state has one line for people: what is seen, a colon, and a verb."""
    assert set(CAUSES) == {f"camera.{name}" for name in ("frozen", "torn", *FAULTS)}
    for cause in CAUSES.values():
        assert ": " in cause
        assert "\n" not in cause


# --- with the scripted camera ---------------------------------------------------------------------


@pytest.fixture
def porch(tmp_path: Path) -> Path:
    """A picture for a script."""
    write_image(tmp_path / "porch.png", view())
    return tmp_path / "porch.png"


SCRIPTED = {
    "frozen": "frozen*6s",
    "torn": "torn*6s",
    "resized": "resized*6s",
    "blurred": "blurred*6s",
    "moved": "shifted*6s",
    "dark": "black*6s",
    "bright": "white*6s",
}


@pytest.mark.parametrize("name", SCRIPTED)
def test_every_state_can_be_scripted(porch: Path, name: str) -> None:
    """Each fault of the fake camera gives its state within 3 s, and none within 3 s of its end."""
    script = f"fake:{porch}*6s,{SCRIPTED[name]},{porch}*6s?noise=4&pace=max"
    with open_camera(script) as camera:
        judge = Watched(noisy=camera.noisy)
        for frame in camera:
            if frame.number % 8 == 0:  # full speed: 30 frames are a second
                judge.sanity.look(frame.pixels, frame.number * SECOND // 30)
    begun, over = judge.changes
    assert begun.state.name == over.state.name == f"camera.{name}"
    assert over.ended_ns is not None
    assert 6 * SECOND <= begun.state.since_ns <= (6 + PROMPT_S) * SECOND
    assert 12 * SECOND <= over.ended_ns <= (12 + PROMPT_S) * SECOND


def test_a_living_camera_freezes_and_recovers(porch: Path) -> None:
    """In real time: a camera with noise that freezes is told before the freeze is over."""
    told: list[Change] = []
    with open_camera(f"fake:{porch}*1s,frozen*2.6s,{porch}*1s?noise=4&fps=20") as camera:
        sanity = Sanity(Health(told.append), noisy=camera.noisy)
        next_ns = 0
        for frame in camera:
            if frame.time_ns >= next_ns:
                sanity.look(frame.pixels, frame.time_ns)
                next_ns = frame.time_ns + LOOK
    assert [(change.state.name, change.ended_ns is None) for change in told] == [
        ("camera.frozen", True),
        ("camera.frozen", False),
    ]
