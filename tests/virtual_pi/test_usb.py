"""The USB camera on a real driver: a webcam made of software, plugged into a virtual machine."""

import pytest

from tests.virtual_pi.conftest import Guest

pytestmark = pytest.mark.timeout(900)  # the first test makes the image and boots it

STABLE = "/dev/v4l/by-id/usb-Galago_Virtual_Webcam_VW0001-video-index0"


@pytest.mark.parametrize("source", ["usb:0", STABLE, "/dev/video0"])
def test_frames_arrive(guest: Guest, source: str) -> None:
    """Frames of the agreed size, in RGB, in order, stamped by the driver, without a gap."""
    seen = guest.play("look", source)
    assert seen["detail"] == "640x480 MJPG 30 fps"
    assert seen["shape"] == [480, 640, 3]
    assert seen["colours"] == ["red", "green"]
    assert seen["numbers"] == list(range(20))
    assert seen["times"] == sorted(seen["times"])
    assert 0 <= seen["age_s"] < 1


@pytest.mark.parametrize(
    ("keys", "detail", "shape"),
    [
        ("size=320x240", "320x240 MJPG 30 fps", [240, 320, 3]),
        ("size=320x240&format=yuyv&fps=15", "320x240 YUYV 15 fps", [240, 320, 3]),
        ("format=yuyv&fps=10", "640x480 YUYV 10 fps", [480, 640, 3]),
        ("size=800x600", "640x480 MJPG 30 fps (asked for 800x600)", [480, 640, 3]),
        ("fps=60", "640x480 MJPG 30 fps (asked for 60 fps)", [480, 640, 3]),
    ],
)
def test_what_is_asked_for_is_agreed_on(
    guest: Guest, keys: str, detail: str, shape: list[int]
) -> None:
    """Size, format and rate are what was asked for; where they differ, the detail says so."""
    seen = guest.play("look", f"usb:0?{keys}")
    assert seen["detail"] == detail
    assert seen["shape"] == shape
    assert seen["colours"] == ["red", "green"]


@pytest.mark.parametrize(
    ("source", "user", "message"),
    [
        (
            "usb:7",
            "root",
            f"no camera at /dev/video7: plug it in, or take one that is there: {STABLE}",
        ),
        (
            "usb:1",
            "root",
            "index1 gives no pictures, as the second device of many cameras: plug",
        ),
        ("/dev/null", "root", "/dev/null is not a camera of Video4Linux: plug it in, or take one"),
        ("usb:0", "nobody", "may not be opened by this user: add it to the group video (sudo user"),
        ("usb:0?focus=10", "root", "usb: the camera has no focus that can be set: leave focus out"),
        ("usb:0?focus=auto", "root", "usb: the camera has no automatic focus: leave focus out"),
        (
            "usb:0?exposure=900000",
            "root",
            "the camera does not take exposure=900000, it has made it 500000: choose a value",
        ),
    ],
)
def test_what_cannot_be_opened_is_refused_in_one_line(
    guest: Guest, source: str, user: str, message: str
) -> None:
    """A missing, wrong or forbidden device is named with the remedy, and OpenCV says nothing."""
    said = guest.play("refusal", source, user)
    assert message in said["message"]
    assert "\n" not in said["message"]
    assert (said["exit_code"], said["stderr"]) == (4, "")


def test_a_camera_without_a_stable_name_says_so(guest: Guest) -> None:
    """Where udev has no name for it, the detail says what it depends on."""
    guest.vm.run(f"rm -f /dev/porch && cp -RL {STABLE} /dev/porch")
    seen = guest.play("look", "/dev/porch")
    assert seen["detail"] == "640x480 MJPG 30 fps, known only as /dev/porch after an unplugging"


def test_a_busy_camera_is_refused(guest: Guest) -> None:
    """A second program is told that there is a first, which goes on undisturbed."""
    said = guest.play("busy")
    assert "cannot be used, as when another program uses it: end that (fuser" in said["message"]
    assert (said["exit_code"], said["stderr"]) == (4, "")


def test_an_exposure_is_set_and_left_to_the_camera_again(guest: Guest) -> None:
    """Exposure goes to the driver in its own unit, and back to automatic."""
    by_hand = guest.play("control", "usb:0?exposure=20000")
    assert (by_hand["mode"], by_hand["exposure"]) == (1, 200)
    assert guest.play("control", "usb:0?exposure=auto")["mode"] == 3


def test_a_camera_that_returns_under_another_number_is_found(guest: Guest) -> None:
    """Unplugged, silent, plugged in again as another /dev/video: it goes on, with a gap."""
    seen = guest.play("replug")
    assert seen["before"] != seen["after"]
    assert seen["while_away"] == 0
    assert seen["missing"] >= 1
    assert seen["in_order"]


def test_an_unplugged_camera_is_let_go(guest: Guest) -> None:
    """Where nobody else holds it, it comes back under its number: we did not hold it either."""
    seen = guest.play("release_at_once")
    assert seen["before"] == seen["after"]


def test_a_frozen_camera_is_waited_for(guest: Guest) -> None:
    """A pause is waited out, and nothing is lost behind it."""
    seen = guest.play("freeze")
    assert (seen["during"], seen["missing"]) == (0, 0)
    assert seen["in_order"]


def test_a_camera_that_hangs_is_opened_anew(guest: Guest) -> None:
    """One that sends nothing until it is opened again is opened again, with a gap."""
    seen = guest.play("hang")
    assert seen["missing"] >= 1
    assert seen["in_order"]


def test_a_torn_picture_is_dropped(guest: Guest) -> None:
    """No picture with a grey lower half is shown, and the numbers have its gap."""
    seen = guest.play("tear")
    assert seen["torn_shown"] == 0
    assert seen["missing"] >= 8
    assert seen["in_order"]


@pytest.mark.parametrize("state", ["freeze", "unplug"])
def test_close_ends_a_wait(guest: Guest, state: str) -> None:
    """Closing does not wait for a camera that sends nothing, and leaves it free for the next."""
    seen = guest.play("close_while_waiting", state)
    assert seen["took_s"] < 2
    assert seen["ended"]
    assert seen["free_again"] == ["red", "green"]


def test_nothing_is_left_behind(guest: Guest) -> None:
    """Opening, closing, unplugging: no file and no thread more than before."""
    seen = guest.play("leaks")
    assert seen["after"] == seen["before"]
