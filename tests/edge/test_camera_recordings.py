"""Clips and folders: colours, order, numbers, clip time, pace, loop, close."""

import threading
from itertools import islice
from pathlib import Path
from time import monotonic_ns

import cv2
import numpy as np
import pytest

from galago.bundle.image import read_image, write_image
from galago.edge.camera import Camera, Frame, open_camera
from galago.edge.camera.file import VideoFile
from galago.edge.camera.quiet import opencv_quiet
from galago.errors import CameraError

SECOND = 1_000_000_000
ORANGE = (230, 120, 20)  # no two channels alike, so that an exchange of any two shows
HANG_S = 20.0  # what a wait may last at most before a test calls it a hang


def write_clip(path: Path, *, frames: int = 6, fps: float = 25.0) -> Path:
    """Write orange frames with a white square that wanders to the right, 20 pixels a frame."""
    codec = "MJPG" if path.suffix == ".avi" else "mp4v"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (160, 96))
    for index in range(frames):
        picture = np.full((96, 160, 3), ORANGE[::-1], np.uint8)
        picture[8:24, 20 * index : 20 * index + 20] = 255
        video.write(picture)
    video.release()
    return path


def write_folder(path: Path, values: list[int | None]) -> Path:
    """Write plain PNGs 00.png, 01.png … of the given red values; None makes an unreadable one."""
    path.mkdir(exist_ok=True)
    for index, red in reversed(list(enumerate(values))):
        image = path / f"{index:02}.png"
        if red is None:
            image.write_text("no picture")
        else:
            write_image(image, np.full((8, 12, 3), (red, 7, 90), np.uint8))
    return path


def place(frame: Frame) -> int:
    """Return the number of the frame in its clip, read from where the white square is."""
    return int(frame.pixels[16, :, 2].astype(float).argmax()) // 20


def times(frames: list[Frame]) -> list[int]:
    """Return the frames' times since the first, in ns."""
    return [frame.time_ns - frames[0].time_ns for frame in frames]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.avi"])
def test_a_clip_plays_in_order_and_in_rgb(tmp_path: Path, name: str) -> None:
    """Every frame of a clip comes once, in order, upright, with red, green and blue in place."""
    clip = write_clip(tmp_path / name)
    with open_camera(f"file:{clip}?pace=max") as camera:
        frames = list(camera)
    assert [place(frame) for frame in frames] == [0, 1, 2, 3, 4, 5]
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4, 5]
    for frame in frames:
        assert frame.pixels.shape == (96, 160, 3)
        assert frame.pixels.dtype == np.uint8
        assert np.abs(frame.pixels[60:, :].mean(axis=(0, 1)) - ORANGE).max() < 8
        assert frame.pixels[8:24].mean() > frame.pixels[-24:-8].mean() + 5


@pytest.mark.parametrize("fps", [25.0, 30.0, 12.5])
def test_a_clip_at_full_speed_tells_clip_time(tmp_path: Path, fps: float) -> None:
    """Times are exactly start + number / rate, however fast the frames are taken."""
    clip = write_clip(tmp_path / "clip.mp4", fps=fps)
    before = monotonic_ns()
    frames = list(open_camera(f"file:{clip}?pace=max"))
    start = frames[0].time_ns
    assert before <= start <= monotonic_ns()
    assert [frame.time_ns for frame in frames] == [
        start + round(number * SECOND / fps) for number in range(6)
    ]


@pytest.mark.parametrize("kind", ["file", "dir"])
def test_a_paced_recording_keeps_its_rate(tmp_path: Path, kind: str) -> None:
    """Paced, no frame comes before its clip time, and the times are the same as at full speed."""
    if kind == "file":
        camera = open_camera(f"file:{write_clip(tmp_path / 'clip.mp4', fps=20)}")
    else:
        camera = open_camera(f"dir:{write_folder(tmp_path / 'frames', [1] * 6)}?fps=20")
    frames = []
    for frame in camera:
        assert monotonic_ns() >= frame.time_ns
        frames.append(frame)
    assert times(frames) == [number * SECOND // 20 for number in range(6)]


def test_a_recording_waits_for_its_reader(tmp_path: Path) -> None:
    """A clip and a folder are not live, and say what the user asked for."""
    clip, folder = write_clip(tmp_path / "clip.mp4"), write_folder(tmp_path / "frames", [1])
    for source in (f"file:{clip}", f"dir:{folder}?pace=max"):
        with open_camera(source) as camera:
            assert not camera.live
            assert camera.source == source


def test_a_looped_clip_goes_on_counting(tmp_path: Path) -> None:
    """A loop starts the pictures again, while numbers and times go on."""
    clip = write_clip(tmp_path / "clip.mp4", frames=3)
    with open_camera(f"file:{clip}?pace=max&loop=1") as camera:
        frames = list(islice(camera, 8))
    assert [place(frame) for frame in frames] == [0, 1, 2, 0, 1, 2, 0, 1]
    assert [frame.number for frame in frames] == list(range(8))
    assert times(frames) == [number * SECOND // 25 for number in range(8)]


def test_a_looped_folder_goes_on_counting(tmp_path: Path) -> None:
    """A folder loops as a clip does; ten frames a second where nothing else is said."""
    folder = write_folder(tmp_path / "frames", [10, 20])
    with open_camera(f"dir:{folder}?pace=max&loop=1") as camera:
        frames = list(islice(camera, 5))
    assert [frame.pixels[0, 0, 0] for frame in frames] == [10, 20, 10, 20, 10]
    assert times(frames) == [number * SECOND // 10 for number in range(5)]


def test_a_folder_plays_by_name_with_gaps(tmp_path: Path) -> None:
    """Images come sorted by name, pixel for pixel; an unreadable one leaves number and time out."""
    folder = write_folder(tmp_path / "frames", [10, None, 30, 40])
    (folder / "notes.txt").write_text("not a picture by name")
    (folder / ".hidden.png").write_text("not for us")
    (folder / "99.png").mkdir()
    with open_camera(f"dir:{folder}?fps=4&pace=max") as camera:
        frames = list(camera)
    assert [frame.pixels[0, 0].tolist() for frame in frames] == [
        [10, 7, 90],
        [30, 7, 90],
        [40, 7, 90],
    ]
    assert [frame.number for frame in frames] == [0, 2, 3]
    assert times(frames) == [0, SECOND // 2, 3 * SECOND // 4]
    np.testing.assert_array_equal(frames[0].pixels, read_image(folder / "00.png"))


@pytest.mark.parametrize("values", [[], [None, None]])
def test_a_folder_without_a_readable_image_is_refused(
    tmp_path: Path, values: list[int | None]
) -> None:
    """A folder that can give no frame is an error when it is opened."""
    folder = write_folder(tmp_path / "frames", values)
    with pytest.raises(CameraError, match=f"no readable image among {len(values)} "):
        open_camera(f"dir:{folder}")


def test_a_looped_folder_that_is_emptied_fails(tmp_path: Path) -> None:
    """A loop over images that have gone is an error, not an endless search."""
    folder = write_folder(tmp_path / "frames", [10, 20])
    with open_camera(f"dir:{folder}?pace=max&loop=1") as camera:
        frames = iter(camera)
        next(frames)
        for image in folder.iterdir():
            image.unlink()
        with pytest.raises(CameraError, match="gives none now"):
            next(frames)


def test_a_looped_clip_that_is_removed_fails(tmp_path: Path) -> None:
    """A loop over a clip that has gone is an error."""
    clip = write_clip(tmp_path / "clip.mp4", frames=2)
    with open_camera(f"file:{clip}?pace=max&loop=1") as camera:
        frames = iter(camera)
        next(frames)
        clip.unlink()
        next(frames)
        with pytest.raises(CameraError, match="cannot be read"):
            next(frames)


def test_a_clip_without_a_frame_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A recording that was started and never got a frame is an error when it is opened."""
    clip = write_clip(tmp_path / "clip.mp4", frames=0)
    with pytest.raises(CameraError, match="video"):
        open_camera(f"file:{clip}")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["clip.mp4", "clip.download"])
def test_a_clip_that_was_cut_off_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    """A clip whose end is missing is named as such, whatever its name, and FFMPEG stays silent."""
    whole = write_clip(tmp_path / "whole.mp4").read_bytes()
    clip = tmp_path / name
    clip.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CameraError, match="has no index"):
        open_camera(f"file:{clip}")
    assert capfd.readouterr() == ("", "")


def test_a_clip_whose_frames_are_damaged_is_refused(tmp_path: Path) -> None:
    """A clip that opens and gives no frame is an error when it is opened."""
    clip = write_clip(tmp_path / "clip.avi")
    head, movi, frames = clip.read_bytes().partition(b"movi")
    clip.write_bytes(head + movi + frames[:8] + bytes(len(frames) - 8))
    with pytest.raises(CameraError, match="has no frame that can be decoded"):
        open_camera(f"file:{clip}")


def test_a_clip_with_a_64_bit_box_is_whole(tmp_path: Path) -> None:
    """A box with a 64-bit size, as very long recordings have, is stepped over."""
    clip = write_clip(tmp_path / "clip.mp4")
    content = clip.read_bytes()
    index = content.rindex(b"moov") - 4
    box = (1).to_bytes(4, "big") + b"skip" + (1016).to_bytes(8, "big") + bytes(1000)
    clip.write_bytes(content[:index] + box + content[index:])
    with open_camera(f"file:{clip}?pace=max") as camera:
        assert len(list(camera)) == 6


def test_a_second_iteration_goes_on(tmp_path: Path) -> None:
    """Whoever looks at the first frame and then iterates misses none and gets none twice."""
    clip = write_clip(tmp_path / "clip.mp4")
    with open_camera(f"file:{clip}?pace=max") as camera:
        first = next(iter(camera))
        rest = list(camera)
    assert [place(frame) for frame in [first, *rest]] == [0, 1, 2, 3, 4, 5]
    assert [frame.number for frame in [first, *rest]] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", ["file", "dir"])
def test_a_frame_belongs_to_its_reader(tmp_path: Path, kind: str) -> None:
    """A kept frame does not change when later frames come, and may be written to."""
    if kind == "file":
        camera = open_camera(f"file:{write_clip(tmp_path / 'clip.mp4')}?pace=max")
    else:
        camera = open_camera(f"dir:{write_folder(tmp_path / 'frames', [10, 20])}?pace=max")
    frames = iter(camera)
    kept = next(frames)
    before = kept.pixels.copy()
    following = next(frames)
    np.testing.assert_array_equal(kept.pixels, before)
    following.pixels[:] = 0
    assert kept.pixels.any()


def closing_from_elsewhere(camera: Camera) -> threading.Timer:
    """Start a thread that closes the camera in a moment."""
    timer = threading.Timer(0.1, camera.close)
    timer.start()
    return timer


@pytest.mark.parametrize("kind", ["file", "dir"])
def test_close_ends_the_wait_for_a_frame(tmp_path: Path, kind: str) -> None:
    """A close from another thread ends a pacing wait of minutes at once, without another frame."""
    if kind == "file":
        camera = open_camera(f"file:{write_clip(tmp_path / 'clip.avi', fps=25, frames=2)}")
        camera._fps = 0.01  # type: ignore[attr-defined]  # no codec here writes so slow a clip
    else:
        camera = open_camera(f"dir:{write_folder(tmp_path / 'frames', [1, 2])}?fps=0.01")
    closer = closing_from_elsewhere(camera)
    begun = monotonic_ns()
    frames = list(camera)
    assert (monotonic_ns() - begun) / SECOND < HANG_S
    closer.join()
    assert [frame.number for frame in frames] == [0]


@pytest.mark.parametrize("kind", ["file", "dir"])
def test_a_closed_recording_gives_nothing(tmp_path: Path, kind: str) -> None:
    """Closing twice is fine, and neither a new nor a begun iteration gives a frame after it."""
    if kind == "file":
        source = f"file:{write_clip(tmp_path / 'clip.mp4')}?pace=max&loop=1"
    else:
        source = f"dir:{write_folder(tmp_path / 'frames', [1, 2, 3])}?pace=max&loop=1"
    with open_camera(source) as camera:
        begun = iter(camera)
        next(begun)
    assert list(begun) == []
    camera.close()
    assert list(camera) == []
    fresh = open_camera(source)
    fresh.close()
    assert list(fresh) == []


def test_close_lets_go_of_the_clip(tmp_path: Path) -> None:
    """A close in the middle of a clip closes its decoder too, without waiting for a reader."""
    camera = VideoFile(write_clip(tmp_path / "clip.mp4"), source="file:clip.mp4", paced=False)
    next(iter(camera))
    assert camera._video.isOpened()
    camera.close()
    assert not camera._video.isOpened()


def test_opencv_gets_its_voice_back() -> None:
    """The silence around a question ends with it."""
    logging = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging
    before = logging.getLogLevel()
    logging.setLogLevel(4)
    try:
        with opencv_quiet():
            assert logging.getLogLevel() == 0
        assert logging.getLogLevel() == 4
    finally:
        logging.setLogLevel(before)
