"""The USB camera without a device; tests/virtual_pi/test_usb.py has it with one."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from galago.bundle.preprocess import Pixels
from galago.edge.camera import open_camera
from galago.edge.camera.base import Pool
from galago.edge.camera.usb import decoded
from galago.edge.camera.v4l2 import Agreed, Wanted, cameras, stable_name
from galago.errors import CameraError, UsageError

REFUSED = {
    "usb:": "usb: needs something after it, such as usb:0",
    "usb:x": "usb: takes a number or a path under /dev, received 'x': write usb:0 or usb:/dev/v4l/",
    "usb:-1": "usb: takes a number or a path under /dev, received '-1'",
    "usb:²": "usb: takes a number or a path under /dev, received '²'",
    "usb:0?sise=640x480": "usb: unknown key 'sise': expected size, fps, format, exposure, foc",
    "usb:0?size=640": "usb: size must be WIDTHxHEIGHT in pixels, such as 640x480, received '640'",
    "usb:0?format=h264": "usb: format must be one of mjpg, yuyv, received 'h264'",
    "usb:0?fps=0": "usb: fps must be frames per second, above 0 and up to 1000, received '0'",
    "usb:0?exposure=long": "usb: exposure must be auto, or a number from 100 to 10000000, received",
    "usb:0?focus=-1": "usb: focus must be auto, or a number from 0 to 1023, received '-1'",
    "/dev/video0?white_balance=9": "usb: white_balance must be auto, or a number from 1000 to",
}


def plug_in(root: Path, number: int, **names: str) -> Path:
    """A /dev with a camera, and udev's names for it."""
    device = root / f"video{number}"
    device.touch()
    for kind, name in names.items():
        link = root / "v4l" / kind.replace("_", "-") / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(device)
    return device


def jpeg(size: tuple[int, int] = (48, 64)) -> Pixels:
    """A red picture as a camera sends it, (1, bytes) uint8."""
    image = np.zeros((*size, 3), np.uint8)
    image[:] = (20, 30, 200)
    return cv2.imencode(".jpg", image)[1].reshape(1, -1).astype(np.uint8)


@pytest.mark.parametrize("source", REFUSED)
def test_a_wrong_source_is_refused_before_a_device_is_touched(source: str) -> None:
    """A name or a key that cannot be meant is one line with what was expected."""
    with pytest.raises(UsageError) as refusal:
        open_camera(source)
    assert REFUSED[source] in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("source", ["usb:97", "/dev/v4l/by-id/usb-no-such-camera-index0"])
def test_a_camera_that_is_not_there_is_named(
    source: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """What was looked for is said in one line, and OpenCV says nothing."""
    with pytest.raises(CameraError, match=r"^no camera at /dev/(video97|v4l/by-id/usb-no).*: plug"):
        open_camera(source)
    assert capfd.readouterr() == ("", "")


def test_a_device_that_is_no_camera_is_refused() -> None:
    """Any other device says that it is none."""
    with pytest.raises(CameraError, match=r"^/dev/null is not a camera of Video4Linux: "):
        open_camera("/dev/null")


def test_a_number_becomes_the_makers_name(tmp_path: Path) -> None:
    """A camera is known by its maker and serial number, wherever it is plugged in."""
    plug_in(tmp_path, 0, by_id="usb-A_Cam_1-video-index0", by_path="pci-0-usb-0:1-video-index0")
    plug_in(tmp_path, 2, by_id="usb-B_Cam_7-video-index0", by_path="pci-0-usb-0:2-video-index0")
    names = tmp_path / "v4l"
    assert stable_name(tmp_path / "video2", names) == names / "by-id" / "usb-B_Cam_7-video-index0"
    assert cameras(names) == [
        str(names / "by-id" / f"usb-{name}-video-index0") for name in ("A_Cam_1", "B_Cam_7")
    ]


def test_twins_are_told_apart_by_their_sockets(tmp_path: Path) -> None:
    """Two cameras of one serial number share a name, so that only the socket tells which is which.

    The name leads to one of them, and to the other when that one is unplugged.
    """
    plug_in(tmp_path, 0, by_id="usb-A_Cam_1-video-index0", by_path="pci-0-usb-0:1-video-index0")
    plug_in(tmp_path, 2, by_id="usb-A_Cam_1-video-index0", by_path="pci-0-usb-0:2-video-index0")
    names = tmp_path / "v4l"
    for number, socket in ((0, 1), (2, 2)):
        known = stable_name(tmp_path / f"video{number}", names)
        assert known == names / "by-path" / f"pci-0-usb-0:{socket}-video-index0"


def test_a_camera_of_the_board_is_no_twin(tmp_path: Path) -> None:
    """What is not on USB has no maker's name, and casts no doubt on those that have one."""
    plug_in(tmp_path, 0, by_path="platform-fe801000.csi-video-index0")
    plug_in(tmp_path, 1, by_id="usb-A_Cam_1-video-index0", by_path="pci-0-usb-0:1-video-index0")
    names = tmp_path / "v4l"
    assert stable_name(tmp_path / "video1", names) == names / "by-id" / "usb-A_Cam_1-video-index0"


def test_a_link_stays_as_the_user_wrote_it(tmp_path: Path) -> None:
    """A link is stable already, of udev's making or the user's own, even while it leads nowhere."""
    plug_in(tmp_path, 0, by_id="usb-A_Cam_1-video-index0")
    own = tmp_path / "porch"
    own.symlink_to(tmp_path / "video5")
    assert stable_name(own, tmp_path / "v4l") == own


def test_without_names_there_is_none(tmp_path: Path) -> None:
    """Where udev gives no names, as in a container, nothing is made up."""
    assert stable_name(plug_in(tmp_path, 0), tmp_path / "v4l") is None
    assert cameras(tmp_path / "v4l") == []


@pytest.mark.parametrize(
    ("wanted", "detail"),
    [
        (Wanted(), "640x480 MJPG 30 fps"),
        (Wanted(size=(640, 480), fps=30, format="mjpg"), "640x480 MJPG 30 fps"),
        (Wanted(size=(800, 600)), "640x480 MJPG 30 fps (asked for 800x600)"),
        (Wanted(fps=60, format="yuyv"), "640x480 MJPG 30 fps (asked for YUYV, 60 fps)"),
    ],
)
def test_the_detail_says_what_was_agreed_on(wanted: Wanted, detail: str) -> None:
    """What the camera gives, and what was asked for only where that is something else."""
    assert Agreed((640, 480), "MJPG", 30.0).describe(wanted) == detail


def test_a_camera_that_does_not_say_its_rate() -> None:
    """Some drivers give no rate: none is made up."""
    assert Agreed((640, 480), "MJPG", -1.0).describe(Wanted()) == "640x480 MJPG"


def test_a_jpeg_becomes_rgb() -> None:
    """Red stays red; time and number are handed on."""
    frame = decoded(jpeg(), 5, 7, Pool())
    assert frame is not None
    assert (frame.time_ns, frame.number, frame.pixels.shape) == (5, 7, (48, 64, 3))
    assert np.abs(frame.pixels.astype(int) - (200, 30, 20)).max() < 8


def test_bytes_behind_a_jpeg_do_no_harm() -> None:
    """Cameras fill their buffers up, with zeros or with what was there before."""
    whole = jpeg()
    for rest in (np.zeros((1, 100), np.uint8), whole[:, 50:150]):
        assert decoded(np.concatenate([whole, rest], axis=1), 0, 0, Pool()) is not None


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_torn_jpeg_is_none(share: float) -> None:
    """However little is missing at its end, it is no picture."""
    whole = jpeg((480, 640))
    assert decoded(whole[:, : int(whole.size * share)], 0, 0, Pool()) is None


def test_what_is_no_jpeg_is_none() -> None:
    """Noise that happens to hold the end marker, or a size beyond all bounds, raises nothing."""
    noise = np.frombuffer(b"\x12\x34\xff\xd9" * 20, np.uint8).reshape(1, -1)
    assert decoded(noise, 0, 0, Pool()) is None
    huge = jpeg()
    start = huge.tobytes().index(b"\xff\xc0") + 5  # of height and width
    huge[0, start : start + 4] = 0xFF
    assert decoded(huge, 0, 0, Pool()) is None
