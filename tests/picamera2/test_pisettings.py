"""What the keys of `picamera2:` ask for; needs no camera and no picamera2."""

import importlib.util
from types import SimpleNamespace
from typing import Any

import pytest

from galago.edge.camera import open_camera
from galago.edge.camera.picamera import _check_agreed, capture_time_ns, whole_view
from galago.edge.camera.pisettings import (
    crop,
    locked_controls,
    read_settings,
    wanted_controls,
)
from galago.edge.camera.source import parse
from galago.errors import CameraError, UsageError

REFUSED = {
    "picamera2:front": "expected the camera's number, 0 for the first, received 'front'",
    "picamera2?size=641x480": "size must be even in width and height, received '641x480'",
    "picamera2?small=320x180": "small must be of the same shape as size (640x480) and not larger",
    "picamera2?small=1280x960": "small must be of the same shape as size (640x480) and not larger",
    "picamera2?small=32x": "small must be WIDTHxHEIGHT in pixels, such as 640x480, received '32x'",
    "picamera2?mode=big": "mode must be WIDTHxHEIGHT in pixels, such as 640x480, received 'big'",
    "picamera2?exposure=0": "exposure must be a number from 1 to 7e+08, received '0'",
    "picamera2?exposure=50000": "is longer than a frame at 30 per second: give fps=20 or less",
    "picamera2?exposure=20000&fps=60": "longer than a frame at 60 per second: give fps=50 or less",
    "picamera2?gain=0.5": "gain must be a number from 1 to 64, received '0.5'",
    "picamera2?awb=dalight": "awb must be one of auto, incandescent, tungsten, fluorescent,",
    "picamera2?colour_gains=2": "colour_gains must be RED,BLUE, such as 1.8,1.5, received '2'",
    "picamera2?colour_gains=2,1&awb=auto": "received both: leave one of the two",
    "picamera2?focus=near": "focus must be auto, continuous, or dioptres from 0 (far away) up,",
    "picamera2?focus=99": "focus must be auto, continuous, or dioptres from 0 (far away) up,",
    "picamera2?roi=0,0,1": "roi must be x,y,width,height inside the view as fractions, such as",
    "picamera2?roi=0.6,0,0.5,1": "roi must be x,y,width,height inside the view as fractions, such",
    "picamera2?roi=0,0,0,1": "roi must be x,y,width,height inside the view as fractions, such as",
    "picamera2?hflip=yes": "hflip must be 0 or 1, received 'yes'",
    "picamera2?zoom=2": "unknown key 'zoom': expected size, small, mode, fps, roi, hflip, vflip,",
}

# What picamera2 says of a Camera Module 3 in its mode of 2304x1296.
CAMERA_MODULE_3 = {
    "AeEnable": (False, True, True),
    "AfMode": (0, 2, 0),
    "AfTrigger": (0, 1, 0),
    "AnalogueGain": (1.12, 16.0, 1.0),
    "AwbEnable": (False, True, None),
    "AwbMode": (0, 7, 0),
    "ColourGains": (0.0, 32.0, None),
    "ExposureTime": (13, 112015443, 20000),
    "FrameDurationLimits": (17849, 220535845, 33333),
    "LensPosition": (0.0, 15.0, 1.0),
    "ScalerCrop": ((0, 0, 128, 128), (0, 0, 4608, 2592), (576, 0, 3456, 2592)),
}


@pytest.mark.parametrize("source", REFUSED)
def test_a_wrong_key_is_refused_before_a_camera_is_looked_for(source: str) -> None:
    """What cannot be meant is one line that names the key, picamera2 or not."""
    with pytest.raises(UsageError) as refusal:
        open_camera(source)
    assert REFUSED[source] in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.skipif(
    importlib.util.find_spec("picamera2") is not None, reason="picamera2 is installed here"
)
def test_without_picamera2_it_says_how_to_install_it() -> None:
    """Where the package is missing, the camera fails with the two commands that help."""
    with pytest.raises(CameraError, match="sudo apt install python3-picamera2") as missing:
        open_camera("picamera2")
    assert "--system-site-packages" in str(missing.value)
    assert missing.value.exit_code == 4


def test_keys_become_controls() -> None:
    """What a camera that has all the controls is told, by libcamera's names, numbers and units."""
    settings = read_settings(
        parse("picamera2:1?fps=20&exposure=50000&gain=2.5&colour_gains=1.8,1.5&focus=2&lock=1")
    )
    assert settings.camera == 1
    assert wanted_controls(settings, CAMERA_MODULE_3, "imx708") == {
        "FrameDurationLimits": (50000, 50000),
        "ExposureTime": 50000,
        "AnalogueGain": 2.5,
        "AwbEnable": False,
        "ColourGains": (1.8, 1.5),
        "AfMode": 0,
        "LensPosition": 2.0,
    }
    wanted = wanted_controls(
        read_settings(parse("picamera2?awb=daylight&focus=auto")), CAMERA_MODULE_3, "imx708"
    )
    assert wanted == {"AwbEnable": True, "AwbMode": 5, "AfMode": 1, "AfTrigger": 0}


def test_a_value_beyond_the_camera_is_refused_not_clamped() -> None:
    """Its own nearest value is what libcamera would take; the message has the limits instead."""
    settings = read_settings(parse("picamera2?gain=20"))
    with pytest.raises(
        CameraError, match=r"imx708 takes AnalogueGain from 1\.12 to 16, and the key gain sets 20"
    ):
        wanted_controls(settings, CAMERA_MODULE_3, "imx708")
    settings = read_settings(parse("picamera2?fps=60"))
    with pytest.raises(CameraError, match="from 17849 to 220535845, and the key fps sets 16666"):
        wanted_controls(settings, CAMERA_MODULE_3, "imx708")


ADJUSTED: dict[str, tuple[dict[str, Any], str | None]] = {
    "": ({}, None),
    "mode=2304x1296": ({}, None),
    "mode=1920x1080": ({}, r"has no sensor mode 1920x1080, the nearest is 2304x1296: see rpicam"),
    "vflip=1": ({}, "the camera imx708 cannot flip its picture: leave vflip out"),
    "hflip=1": ({"transform": SimpleNamespace(hflip=1, vflip=0)}, None),
    "fps=30": ({"main": {"format": "MJPEG", "size": (640, 480)}}, "gives MJPEG, .*write usb:0"),
    "fps=20": ({"lores": {"format": "P010", "size": (320, 240)}}, "imx708 gives P010, expected"),
}


@pytest.mark.parametrize("keys", ADJUSTED)
def test_what_libcamera_has_adjusted_is_not_passed_over(keys: str) -> None:
    """A sensor mode, a flip or a format other than what was asked for is refused by name."""
    differences, message = ADJUSTED[keys]
    agreed: dict[str, Any] = {
        "main": {"format": "BGR888", "size": (640, 480)},
        "lores": None,
        "transform": SimpleNamespace(hflip=0, vflip=0),
        "sensor": {"output_size": (2304, 1296), "bit_depth": 10},
    }
    settings = read_settings(parse(f"picamera2?{keys}" if keys else "picamera2"))
    if message is None:
        _check_agreed(agreed | differences, settings, "imx708")
        return
    with pytest.raises(CameraError, match=message):
        _check_agreed(agreed | differences, settings, "imx708")


def test_locking_keeps_what_was_reached() -> None:
    """Exposure, gain and colour gains of a frame are kept; what it does not say is left alone."""
    metadata = {"ExposureTime": 9000, "ColourGains": (1.9, 1.4), "Lux": 400.0}
    assert locked_controls(metadata) == {
        "AeEnable": False,
        "AwbEnable": False,
        "ExposureTime": 9000,
        "ColourGains": (1.9, 1.4),
    }


def test_a_part_of_the_view_keeps_the_pictures_shape() -> None:
    """A region of another shape than the picture is trimmed around its middle, never squeezed."""
    whole = (8, 16, 4608, 2592)
    assert crop((0, 0, 1, 1), whole, (640, 480)) == (584, 16, 3456, 2592)
    assert crop((0.5, 0.5, 0.5, 0.5), whole, (1920, 1080)) == (2312, 1312, 2304, 1296)
    x, y, width, height = crop((0.1, 0, 0.2, 1), whole, (1920, 1080))
    assert (x, width, height) == (469, 922, 518)
    assert y == 16 + round((2592 - 518.4) / 2)


def test_the_whole_view_is_half_the_resolution_unless_the_picture_is_larger() -> None:
    """A picture smaller than half the sensor takes the fast mode that sees everything."""
    assert whole_view((4608, 2592), (640, 480)) == (2304, 1296)  # nearest would be a cut-out
    assert whole_view((3280, 2464), (640, 480)) == (1640, 1232)
    assert whole_view((4056, 3040), (2028, 1520)) == (2028, 1520)
    assert whole_view((4056, 3040), (2030, 1520)) == (4056, 3040)


def test_a_frames_time_is_understood_in_either_clock() -> None:
    """A sensor's time counts whether monotonic or since boot; a useless one is the time now."""
    now, slept = 50_000_000_000, 3_600_000_000_000
    taken = now - 40_000_000
    assert capture_time_ns(taken, now, now + slept) == taken
    assert capture_time_ns(taken + slept, now, now + slept) == taken
    assert capture_time_ns(taken, now, now) == taken
    for useless in (None, 0, now + 1, now + slept + 1):
        assert capture_time_ns(useless, now, now + slept) == now
