"""What may be written for a camera, and what the refusals say."""

import struct
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.image import write_image
from galago.edge.camera import open_camera
from galago.errors import CameraError, UsageError

REFUSED = {
    "": "a camera source starts with its kind, received '': expected one of picamera2:,",
    "clip.mp4": "starts with its kind, received 'clip.mp4'",
    "fil:clip.mp4": "unknown camera kind 'fil': expected one of picamera2:,",
    "http://me:secret@host/x": "unknown camera kind 'http': expected one of picamera2:,",
    "picamera2:": "picamera2: needs something after it, such as picamera2:0",
    "picamera2:front": "picamera2: expected the camera's number, 0 for the first, received 'front'",
    "picamera2?zoom=2": "picamera2: unknown key 'zoom': expected size, small, mode, fps, roi,",
    "picmera2": "a camera source starts with its kind, received 'picmera2': expected one of",
    "picamra2:0": "unknown camera kind 'picamra2': expected one of picamera2:,",
    "file:": "file: needs something after it, such as file:clip.mp4",
    "dir:?fps=3": "dir: needs something after it, such as dir:frames/",
    "file:clip.mp4?": "file: expected key=value after '?', received ''",
    "file:clip.mp4?loop": "file: expected key=value after '?', received 'loop'",
    "file:clip.mp4?lop=1": "unknown key 'lop': expected pace, loop, patience (did you mean 'loop'",
    "file:clip.mp4?fps=5": "file: unknown key 'fps': expected pace, loop",
    "file:clip.mp4?loop=1&loop=1": "file: the key 'loop' is given twice: leave one",
    "file:clip.mp4?loop=yes": "file: loop must be 0 or 1, received 'yes'",
    "file:clip.mp4?pace=min": "file: pace must be max (leave it out for the usual pace), received",
    "file:clip.mp4?patience=0": "file: patience must be a number from 0.1 to 86400, received '0'",
    "dir:frames?fps=0": "dir: fps must be frames per second, above 0 and up to 1000, received '0'",
    "dir:frames?fps=nan": "dir: fps must be frames per second, above 0 and up to 1000, received",
    "dir:frames?fps=1001": "received '1001'",
    "fake:bars?size=640": "fake: size must be WIDTHxHEIGHT in pixels, such as 640x480, received",
    "fake:bars?size=0x480": "received '0x480'",
    "fake:bars?seed=-1": "fake: seed must be a whole number from 0 up, received '-1'",
    "fake:bars?fps=5&pace=max": "fake: pace=max has no fps, received both: leave one of the two",
    "fake:brs*3": "fake: unknown step 'brs*3', expected bars, noise, black, white, stall, error,",
    "fake:bars*3,": "fake: unknown step ''",
    "fake:porch.gif": "or a path to an image, such as bars*30",
    "fake:bars*0": "fake: bars takes a number of frames, 1 or more, or a time, received '0'",
    "fake:bars*1.5": "fake: bars takes a number of frames, 1 or more, or a time, received '1.5'",
    "fake:bars*": "fake: bars takes a number of frames, 1 or more, or a time, received ''",
    "fake:stall": "fake: stall takes a time in seconds, received '': write stall*2.5s or stall*for",
    "fake:stall*2": "fake: stall takes a time in seconds, received '2'",
    "fake:error*2": "fake: error takes no amount, received '2': write error",
    "fake:bars*forever,black": "fake: nothing comes after 'bars', which lasts for ever",
    "fake:stall*forever,black": "fake: nothing comes after 'stall', which lasts for ever",
    "fake:frozen*2s": "fake: 'frozen' shows the last picture, and there is none before it",
    "fake:stall*1s,torn*2,bars": "fake: 'torn' shows the last picture, and there is none before",
    "fake:bars,blured*2s": "fake: unknown step 'blured*2s', expected bars, noise, black, white, s",
    "fake:bars,shifted*x": "fake: shifted takes a number of frames, 1 or more, or a time, received",
    "fake:bars,frozen*forever,bars": "fake: nothing comes after 'frozen', which lasts for ever",
    "fake:bars?noise=-1": "fake: noise must be a whole number from 0 up, received '-1'",
    "fake:bars?noise=256": "fake: noise must be a whole number from 0 to 255, received '256'",
    "fake:end,black": "fake: nothing comes after 'end', which lasts for ever",
    "rtsp:": "rtsp: needs something after it, such as rtsp://host/path",
    "rtsp:host/x": "rtsp: expected rtsp://[USER:PASSWORD@]HOST[:PORT]/PATH; write / ? # and % of a",
    "rtsp://me:se/secret@host/x": "rtsp: expected rtsp://[USER:PASSWORD@]HOST[:PORT]/PATH; write",
    "rtsp://me:1?secret@host/x": "and @ outside of it as %40",
    "rtsp://me:1#secret@host/x": "rtsp: keys start at '#': write one in a password as %23",
    "rtsp://me:1#2&secret@host/x": "rtsp: keys start at '#': write one in a password as %23",
    "rtsp://me:secret@host:99999/x": "rtsp: expected rtsp://[USER:PASSWORD@]HOST",
    "rtsp://me:secret@host/x#size=1": "rtsp: unknown key 'size': expected transport, open_timeout",
    "rtsp://me:secret@host/x#transport=tpc": "rtsp: transport must be one of tcp, udp (did you mea",
    "rtsps://me:secret@host/x#read_timeout=0": "rtsps: read_timeout must be a number from 0.1 to",
}


@pytest.mark.parametrize("source", REFUSED)
def test_a_wrong_source_is_refused_in_one_line(source: str) -> None:
    """What cannot be meant is refused with what was expected, and nothing secret is repeated."""
    with pytest.raises(UsageError) as refusal:
        open_camera(source)
    message = str(refusal.value)
    assert REFUSED[source] in message
    assert "\n" not in message
    assert "secret" not in message


@pytest.mark.parametrize("suffix", ["mp4", "avi"])
@pytest.mark.parametrize(
    "content", [b"", b"no video at all\n" * 99, struct.pack(">I", 8) + b"free"]
)
def test_a_file_that_is_no_video_is_refused_quietly(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], suffix: str, content: bytes
) -> None:
    """A file that is no video is the camera's error, and OpenCV adds nothing on stderr."""
    path = tmp_path / f"clip.{suffix}"
    path.write_bytes(content)
    with pytest.raises(CameraError, match=r"clip.* is not a (whole MP4 )?video") as refusal:
        open_camera(f"file:{path}")
    assert "\n" not in str(refusal.value)
    assert capfd.readouterr() == ("", "")


def test_what_does_not_exist_is_a_camera_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A missing clip, folder or image is named, with exit code 4."""
    for source in (f"file:{tmp_path}/x.mp4", f"dir:{tmp_path}/x", f"fake:{tmp_path}/x.png*3"):
        with pytest.raises(
            CameraError, match=r"x.* cannot be read, expected .*: No such"
        ) as missing:
            open_camera(source)
        assert missing.value.exit_code == 4
    assert capfd.readouterr() == ("", "")


def test_a_neighbouring_kind_is_suggested(tmp_path: Path) -> None:
    """A folder given as a file, a file as a folder and a picture as a video name the right kind."""
    picture = tmp_path / "one.png"
    write_image(picture, np.zeros((4, 4, 3), np.uint8))
    for source, hint in (
        (f"file:{tmp_path}", "write dir:"),
        (f"dir:{picture}", "write file:"),
        (f"file:{picture}", "write fake:"),
    ):
        with pytest.raises(CameraError, match=hint):
            open_camera(source)


def test_an_unreadable_image_of_a_script_is_a_camera_error(tmp_path: Path) -> None:
    """A script's image that is none is refused when the camera is opened."""
    (tmp_path / "one.png").write_text("no picture")
    with pytest.raises(CameraError, match=r"one\.png cannot be read as an image"):
        open_camera(f"fake:bars*3,{tmp_path}/one.png*3")
