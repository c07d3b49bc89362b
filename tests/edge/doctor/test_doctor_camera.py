"""The camera and who may open it."""

import os

import pytest

from galago.edge.doctor import cameras, rights
from galago.edge.doctor.cameras import apart
from galago.edge.doctor.packages import versions
from tests.edge.doctor.parts import House, levels, named

BY_ID = "/dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920_5F2A-video"
GROUPS = "root:x:0:\nvideo:x:44:pi,camera\ngpio:x:997:pi\n"


def test_cameras_on_usb_are_seen_by_the_names_that_last(house: House) -> None:
    """And the command that tries the first."""
    house.has(f"{BY_ID}-index0")
    house.has(f"{BY_ID}-index1")
    found = list(cameras.look(house.patient()))
    assert f"{BY_ID}-index0" in named(found, "cameras-seen").what
    assert f"{BY_ID}-index1" not in named(found, "cameras-seen").what
    assert named(found, "camera-unnamed").fix == f"galago doctor --camera usb:{BY_ID}-index0"


def test_a_number_among_several_cameras_is_no_name(house: House) -> None:
    """Which one it is depends on who was first."""
    house.has(f"{BY_ID}-index0")
    house.has(f"{BY_ID.replace('5F2A', '77C1')}-index0")
    assert levels(cameras.look(house.patient("usb:99")))["camera-number"] == "note"
    assert "camera-number" not in levels(cameras.look(house.patient(f"usb:{BY_ID}-index0")))


@pytest.mark.parametrize(
    ("source", "level", "said"),
    [
        ("usb:99", "error", "no camera at /dev/video99"),
        ("usb:/dev/null", "error", "/dev/null is not a camera"),
        ("fake:bars*3", "note", "640x480"),
        ("fake:nosuch.png", "error", "nosuch.png"),
        ("dir:/nowhere", "error", "/nowhere"),
        ("nosuch:1", "error", "unknown camera kind"),
        ("rtsp://admin:hunter2@camera.invalid/stream", "ok", "not connected to"),
    ],
)
def test_the_chosen_camera_is_really_opened(
    house: House, source: str, level: str, said: str
) -> None:
    """But for one in the network."""
    found = named(cameras.look(house.patient(source)), "camera")
    assert found.level == level
    assert said in found.what
    assert "hunter2" not in found.what + found.fix


@pytest.mark.skipif("picamera2" in versions(), reason="picamera2 is installed here")
def test_a_ribbon_camera_without_picamera2_says_what_to_install(house: House) -> None:
    """With apt, for pip cannot."""
    found = named(cameras.look(house.patient("picamera2")), "camera")
    assert found.level == "error"
    assert "sudo apt install python3-picamera2" in found.fix


def test_numpys_other_binary_form_has_its_own_fix() -> None:
    """picamera2 is there; what it imports was built for another numpy."""
    message = (
        "picamera2 cannot be imported (ValueError: numpy.dtype size changed, may indicate binary "
        "incompatibility): sudo apt install python3-picamera2"
    )
    found = cameras.judge({"error": message}, "picamera2")
    assert "'numpy<2'" in found.fix
    assert "apt" not in found.fix


def test_a_camera_without_memory_gets_more() -> None:
    """The Pi's contiguous memory is small."""
    message = "picamera2:0 cannot be opened (Cannot allocate memory): is it in use"
    assert "cma" in cameras.judge({"error": message}, "picamera2").fix


def test_the_old_camera_system_is_named(house: House) -> None:
    """A line from an old guide hides the camera."""
    house.has("/boot/firmware/config.txt", "# start_x=1\n")
    assert "camera-legacy" not in levels(cameras.look(house.patient("picamera2")))
    house.has("/boot/firmware/config.txt", "gpu_mem=128\nstart_x=1\n")
    assert levels(cameras.look(house.patient("picamera2")))["camera-legacy"] == "warning"


@pytest.mark.parametrize(
    ("message", "what", "fix"),
    [
        ("no camera at /dev/video0: plug one in; none", "no camera at /dev/video0", "plug one in"),
        ("fake:x.png: cannot be read: take another", "fake:x.png: cannot be read", "take another"),
        ("it broke (E: 5): mend it", "it broke (E: 5)", "mend it"),
        ("nothing to be done", "nothing to be done", ""),
    ],
)
def test_a_message_is_taken_apart(message: str, what: str, fix: str) -> None:
    """Into what is so and what to do."""
    found = apart(message)
    assert found[0] == what
    assert found[1].startswith(fix)


def test_a_user_outside_the_group_is_told_the_command(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whoever asks, also through sudo."""
    house.has("/etc/group", GROUPS)
    monkeypatch.setenv("SUDO_USER", "jo")
    found = named(rights.look(house.patient()), "user-video")
    assert (found.level, found.fix) == ("warning", "sudo usermod -aG video jo, then log out and in")
    monkeypatch.setenv("SUDO_USER", "pi")
    assert "user-video" not in levels(rights.look(house.patient()))


def test_pins_need_their_group_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where some are configured."""
    house.has("/etc/group", GROUPS)
    monkeypatch.setenv("SUDO_USER", "camera")
    assert "user-gpio" not in levels(rights.look(house.patient()))
    house.configured('[gpio.lamp]\npin = 17\nlabels = ["cat"]')
    assert levels(rights.look(house.patient()))["user-gpio"] == "warning"


def test_devices_that_the_group_may_not_open_are_named(house: House) -> None:
    """As on systems without Raspberry Pi's udev rules."""
    house.has("/etc/group", f"root:x:0:\nvideo:x:{os.getgid()}:pi\n")
    node = house.has("/dev/dma_heap/linux,cma")
    node.chmod(0o600)
    found = named(rights.look(house.patient()), "devices")
    assert found.level == "warning"
    assert "/dev/dma_heap/linux,cma" in found.what
    node.chmod(0o660)
    assert levels(rights.look(house.patient()))["devices"] == "ok"


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ("video gpio", {}),
        ("video", {"service-gpio": "error"}),
        ("", {"service-video": "error", "service-gpio": "error"}),
        ("video gpio render", {"service-group-unknown": "error"}),
    ],
)
def test_the_services_groups_are_compared(
    house: House, groups: str, expected: dict[str, str]
) -> None:
    """With what the configuration needs, and with what the system has."""
    house.configured('[gpio.lamp]\npin = 17\nlabels = ["cat"]')
    patient = house.patient()
    patient.unit = {"LoadState": "loaded", "SupplementaryGroups": groups}
    found = rights.judge_service(patient, {"root", "video", "gpio"})
    assert levels(found) == expected
