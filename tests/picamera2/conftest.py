"""A colour card before libcamera's virtual camera, opened by real picamera2 (see chroot.sh)."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from galago.edge.camera import open_camera
from galago.edge.camera.picamera import PiCamera
from tests.picamera2.card import card_planes

_SERVED = Path("/frames/0.jpg")  # as virtual.yaml says


@pytest.fixture(scope="session")
def _card_in_view() -> None:
    importlib.import_module("virtual_camera").install()
    # The virtual camera hands a JPEG's planes on as they are. A JPEG made in the usual way has
    # another range than picamera2 asks a Pi's processor for; hence planes, not a picture.
    jpeg = importlib.import_module("simplejpeg").encode_jpeg_yuv_planes(*card_planes(), quality=95)
    _SERVED.write_bytes(jpeg)


@pytest.fixture
def open_pi(_card_in_view: None) -> Iterator[Callable[..., PiCamera]]:
    """Open a camera that looks at the card: `open_pi("picamera2:0")`; closed afterwards."""
    cameras: list[PiCamera] = []

    def open_one(source: str = "picamera2") -> PiCamera:
        camera = open_camera(source)
        assert isinstance(camera, PiCamera)
        cameras.append(camera)
        return camera

    yield open_one
    for camera in cameras:
        camera.close()
