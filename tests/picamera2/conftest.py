"""A colour card before libcamera's virtual camera, opened by real picamera2 (see chroot.sh)."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from galago.bundle.preprocess import Pixels
from galago.edge.camera import open_camera
from galago.edge.camera.picamera import PiCamera
from tests.picamera2.card import draw_card, planes

_SERVED = Path("/frames/0.jpg")  # as virtual.yaml says

OpenPi: TypeAlias = Callable[..., PiCamera]
Serve: TypeAlias = Callable[[Pixels], None]


def _serve(pixels: Pixels) -> None:
    # The virtual camera hands a JPEG's planes on as they are. A JPEG made in the usual way has
    # another range than picamera2 asks a Pi's processor for; hence planes, not a picture.
    encode = importlib.import_module("simplejpeg").encode_jpeg_yuv_planes
    _SERVED.write_bytes(encode(*planes(pixels), quality=95))


@pytest.fixture(scope="session")
def _card_in_view() -> None:
    importlib.import_module("virtual_camera").install()
    _serve(draw_card())


@pytest.fixture
def serve(_card_in_view: None) -> Iterator[Serve]:
    """Put another picture before cameras that are opened from now on; then the card again."""
    yield _serve
    _serve(draw_card())


@pytest.fixture
def open_pi(_card_in_view: None) -> Iterator[OpenPi]:
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
