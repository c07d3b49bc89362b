"""The scripted camera: pictures, faults, pace, loop, close."""

import threading
from itertools import islice, pairwise
from pathlib import Path
from time import monotonic_ns

import numpy as np
import pytest

from galago.bundle.image import write_image
from galago.bundle.preprocess import Pixels
from galago.edge.camera import open_camera
from galago.errors import CameraError

SECOND = 1_000_000_000
HANG_S = 20.0  # what a wait may last at most before a test calls it a hang


def pictures(source: str) -> list[Pixels]:
    """Play a script to its end and return what it showed."""
    with open_camera(source) as camera:
        return [frame.pixels for frame in camera]


def shades(source: str, count: int | None = None) -> str:
    """Play a script of black and white (or up to `count` frames of it), a letter a frame."""
    with open_camera(source) as camera:
        return "".join("w" if frame.pixels.all() else "b" for frame in islice(camera, count))


def test_a_script_plays_its_steps_in_order() -> None:
    """Each step shows as many frames as it says, one where it says nothing, numbered from 0."""
    assert shades("fake:black*2,white,black*3?pace=max") == "bbwbbb"
    with open_camera("fake:black*2,white?pace=max") as camera:
        assert [frame.number for frame in camera] == [0, 1, 2]


def test_bars_are_rgb() -> None:
    """The bars are white, yellow, cyan, green, magenta, red, blue, black from left to right."""
    (bars,) = pictures("fake:bars?pace=max&size=80x20")
    assert bars.shape == (20, 80, 3)
    assert bars.dtype == np.uint8
    assert bars[3, 5::10].tolist() == [
        [255, 255, 255],
        [255, 255, 0],
        [0, 255, 255],
        [0, 255, 0],
        [255, 0, 255],
        [255, 0, 0],
        [0, 0, 255],
        [0, 0, 0],
    ]
    assert (bars == bars[:1]).all()


def test_noise_is_the_same_for_the_same_seed() -> None:
    """Noise repeats with its seed, differs with another, and changes from frame to frame."""
    one, again, other = (pictures(f"fake:noise*9?pace=max&seed={seed}") for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one[0], other[0])
    assert all(not np.array_equal(*pair) for pair in pairwise(one))
    assert one[0].shape == (480, 640, 3)
    assert 120 < one[0].mean() < 135


def test_an_image_sets_the_size_of_its_script(tmp_path: Path) -> None:
    """An image is shown pixel for pixel, and drawn pictures beside it take its size."""
    image = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    write_image(tmp_path / "porch.png", image)
    black, porch = pictures(f"fake:black,{tmp_path}/porch.png?pace=max")
    np.testing.assert_array_equal(porch, image)
    assert black.shape == image.shape


def test_a_size_holds_for_every_picture(tmp_path: Path) -> None:
    """With a size, images and drawn pictures all come in it."""
    write_image(tmp_path / "porch.png", np.zeros((30, 50, 3), np.uint8))
    shown = pictures(f"fake:noise,{tmp_path}/porch.png*2?pace=max&size=20x10")
    assert [picture.shape for picture in shown] == [(10, 20, 3)] * 3


@pytest.mark.parametrize("what", ["bars", "noise", "black", "white"])
def test_no_reader_can_change_what_the_next_one_sees(what: str) -> None:
    """Frames share their memory, so it refuses to be written to."""
    for picture in pictures(f"fake:{what}*9?pace=max&size=16x16"):
        with pytest.raises(ValueError, match="read-only"):
            picture[:] = 99


def test_a_fake_camera_is_live_in_real_time() -> None:
    """Live frames come at their rate, each stamped with the clock when it is captured."""
    with open_camera("fake:black*6?fps=20") as camera:
        assert camera.live
        before = monotonic_ns()
        frames = []
        for frame in camera:
            assert before <= frame.time_ns <= monotonic_ns()
            before = frame.time_ns
            frames.append(frame)
    assert len(frames) == 6
    assert frames[-1].time_ns - frames[0].time_ns >= 5 * SECOND // 20 - SECOND // 1000


def test_full_speed_is_not_live() -> None:
    """At full speed nothing is lost and nothing waits: a thousand frames, in real time."""
    with open_camera("fake:black*1000?pace=max&size=8x8") as camera:
        assert not camera.live
        frames = list(camera)
    assert [frame.number for frame in frames] == list(range(1000))
    assert all(one.time_ns <= two.time_ns for one, two in pairwise(frames))
    assert frames[-1].time_ns - frames[0].time_ns < HANG_S * SECOND  # 33 s at 30 per second


def test_a_late_reader_gets_no_burst() -> None:
    """After a long look at one frame, the next ones again come a period apart."""
    with open_camera("fake:black*5?fps=20") as camera:
        frames = iter(camera)
        next(frames)
        threading.Event().wait(0.3)  # six periods
        late = list(frames)
    assert [frame.number for frame in late] == [1, 2, 3, 4]
    assert late[-1].time_ns - late[0].time_ns >= 3 * SECOND // 20 - SECOND // 1000


def test_a_stall_gives_no_frame_for_its_time() -> None:
    """A stall holds the next frame back for as long as it says."""
    with open_camera("fake:black,stall*0.2s,white?fps=1000") as camera:
        black, white = camera
    assert white.time_ns - black.time_ns >= SECOND // 5 - SECOND // 1000
    assert white.pixels.all()


@pytest.mark.parametrize("script", ["black,stall*forever", "black,stall*100s", "black*2?fps=0.01"])
def test_close_ends_every_wait(script: str) -> None:
    """A close from another thread ends a stall and a wait for the next frame at once."""
    with open_camera(f"fake:{script}") as camera:
        closer = threading.Timer(0.1, camera.close)
        closer.start()
        begun = monotonic_ns()
        assert len(list(camera)) == 1
        assert (monotonic_ns() - begun) / SECOND < HANG_S
        closer.join()


def test_a_failing_camera_fails_after_its_frames() -> None:
    """The error step raises CameraError behind exactly the frames before it."""
    with open_camera("fake:black*3,error,white?pace=max") as camera:
        assert [frame.number for frame in islice(camera, 3)] == [0, 1, 2]
        with pytest.raises(CameraError, match="the fake camera failed: its script says error"):
            next(iter(camera))


def test_a_camera_recovers_behind_its_error() -> None:
    """Iterating again after an error goes on with the next step."""
    with open_camera("fake:error,white*2?pace=max") as camera:
        with pytest.raises(CameraError):
            next(iter(camera))
        assert [frame.number for frame in camera] == [0, 1]


def test_a_second_iteration_goes_on() -> None:
    """Whoever looks at the first frame and then iterates misses none and gets none twice."""
    with open_camera("fake:black*2,white?pace=max") as camera:
        first = next(iter(camera))
        assert [first.number, *(frame.number for frame in camera)] == [0, 1, 2]


def test_a_loop_starts_the_script_again() -> None:
    """A loop goes on with the first step and goes on counting."""
    assert shades("fake:black*2,white?pace=max&loop=1", count=7) == "bbwbbwb"
    with open_camera("fake:black*2?pace=max&loop=1") as camera:
        assert [frame.number for frame in islice(camera, 5)] == [0, 1, 2, 3, 4]


def test_end_ends_even_a_loop() -> None:
    """No frame comes after the end step."""
    with open_camera("fake:black*2,end?pace=max&loop=1") as camera:
        assert len(list(camera)) == 2
        assert list(camera) == []


def test_forever_has_no_end() -> None:
    """A step for ever goes on giving frames."""
    assert shades("fake:black,white*forever?pace=max&size=8x8", count=50) == "b" + 49 * "w"


@pytest.mark.parametrize("script", ["black*9?pace=max", "black*9", "error", "stall*forever"])
def test_a_closed_fake_gives_nothing(script: str) -> None:
    """Closing twice is fine, and a closed camera gives neither frame nor error."""
    with open_camera(f"fake:{script}") as camera:
        pass
    assert list(camera) == []
    camera.close()
    assert list(camera) == []


def test_a_fake_camera_says_what_was_asked() -> None:
    """The source is what the user wrote."""
    with open_camera("fake:black*9?fps=5") as camera:
        assert camera.source == "fake:black*9?fps=5"


def test_seconds_of_a_picture_are_frames_at_its_rate() -> None:
    """A picture's amount may be a time; at full speed a second is 30 frames."""
    assert shades("fake:black*0.1s,white?fps=50") == "bbbbbw"
    assert shades("fake:black*0.1s,white?pace=max") == "bbbw"
    assert shades("fake:black*0s,white?pace=max") == "bw"


def test_noise_of_the_sensor_makes_every_frame_another() -> None:
    """With noise no frame equals the one before, none is off by more, and a seed repeats it."""
    one, again, other = (
        pictures(f"fake:bars*40?pace=max&size=64x48&noise=5&seed={seed}") for seed in (1, 1, 2)
    )
    (clean,) = pictures("fake:bars?pace=max&size=64x48")
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert all(not np.array_equal(*pair) for pair in pairwise(one))
    assert np.abs(np.subtract(one, clean, dtype=int)).max() == 5


@pytest.mark.parametrize("every", [4, 5, 8, 16, 40])
def test_noise_differs_for_who_looks_now_and_then(every: int) -> None:
    """Whoever looks at every n-th frame never sees one picture for two seconds either."""
    seen = pictures("fake:bars*900?pace=max&size=16x12&noise=5")[::every]
    same = "".join("=" if one is two else " " for one, two in pairwise(seen))
    assert "=" * 8 not in same


def test_only_what_has_noise_is_noisy() -> None:
    """A drawn picture repeats, so an unchanged one says nothing about the camera."""
    for source, noisy in (
        ("fake:bars", False),
        ("fake:bars?noise=0", False),
        ("fake:bars?noise=1", True),
    ):
        with open_camera(source) as camera:
            assert camera.noisy is noisy


def test_frozen_is_the_last_frame_again_and_again() -> None:
    """A frozen camera repeats the very last frame, byte for byte, noise included."""
    *before, last, one, two, three = pictures("fake:bars*5,frozen*3?pace=max&size=64x48&noise=5")
    assert not np.array_equal(before[-1], last)
    for frozen in (one, two, three):
        np.testing.assert_array_equal(frozen, last)


def test_torn_is_uniform_below_a_cut() -> None:
    """A torn picture is the last one above a row and (128, 128, 128) below it."""
    live, *torn = pictures("fake:noise,torn*3?pace=max&size=64x50")
    for picture in torn:
        assert picture.shape == live.shape
        assert (picture[30:] == 128).all()
        assert picture[:30].std() > 50


def test_resized_is_half_as_wide_and_high() -> None:
    """A resized picture has another size, until the next step."""
    shown = pictures("fake:bars,resized*2,bars?pace=max&size=64x48")
    assert [picture.shape[:2] for picture in shown] == [(48, 64), (24, 32), (24, 32), (48, 64)]


def test_blurred_is_the_picture_without_its_edges() -> None:
    """A blurred picture is as bright as the last one, and no neighbours differ much."""
    bars, blurred = pictures("fake:bars,blurred?pace=max&size=640x48")
    assert abs(float(bars.mean()) - float(blurred.mean())) < 1
    assert np.abs(np.diff(bars.astype(int), axis=1)).max() == 255
    assert np.abs(np.diff(blurred.astype(int), axis=1)).max() < 30


def test_shifted_is_the_picture_moved_by_a_tenth() -> None:
    """A shifted picture shows the last one a tenth of the width further left."""
    bars, shifted = pictures("fake:bars,shifted?pace=max&size=80x20")
    np.testing.assert_array_equal(shifted[:, :-8], bars[:, 8:])


def test_faults_show_the_last_picture_not_the_last_fault() -> None:
    """Each fault spoils the picture itself, however many faults come one after the other."""
    shown = pictures("fake:bars,torn,blurred,stall*0s,frozen?pace=max&size=64x48")
    np.testing.assert_array_equal(shown[3], shown[0])
    assert shades("fake:white*2,black,frozen*2,white,frozen?pace=max") == "wwbbbww"


@pytest.mark.parametrize("what", ["frozen", "torn", "resized", "blurred", "shifted"])
@pytest.mark.parametrize("noise", [0, 3])
def test_no_reader_can_change_a_fault(what: str, noise: int) -> None:
    """Frames of a fault are shared and refuse to be written to, even of the smallest picture."""
    for size in ("16x16", "1x1"):
        for picture in pictures(f"fake:bars,{what}*9?pace=max&size={size}&noise={noise}"):
            with pytest.raises(ValueError, match="read-only"):
                picture[:] = 99
