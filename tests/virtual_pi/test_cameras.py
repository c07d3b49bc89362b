"""The service and its cameras: a webcam that fails, vivid, and picamera2 on libcamera."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from galago.bundle.image import write_image
from galago.bundle.preprocess import as_pixels
from tests.conftest import draw
from tests.virtual_pi.conftest import READY, Booted, Record
from tests.virtual_pi.image import Arch
from tests.virtual_pi.scenes import WEBCAM_FAULTS, come_back_elsewhere, suffer
from tests.virtual_pi.service import UNIT, Service
from tests.virtual_pi.vm import VM

pytestmark = pytest.mark.timeout(1800)

_PICAMERA2 = Path(__file__).parents[1] / "picamera2"
_ON_LIBCAMERA = """[Service]
ExecStart=
ExecStart=/opt/galago/bin/python3 /opt/test/guest/picamera.py run --config /etc/galago/galago.toml
DeviceAllow=/dev/udmabuf rw
"""


@pytest.mark.parametrize("fault", WEBCAM_FAULTS)
def test_the_service_recovers_by_itself(service: Service, fault: str, record: Record) -> None:
    """The state of health comes and goes, events go on, and it is the same process all along."""
    pid = service.pid()
    record(suffer(service, *WEBCAM_FAULTS[fault]))
    assert service.states() == set()
    service.webcam("show square")
    service.wait_for_event("square")
    assert service.events()[0]["label"] == "circle"
    assert service.pid() == pid


def test_a_camera_that_comes_back_under_another_number_is_found(service: Service) -> None:
    """As after a replug while the kernel still holds the old number; configured as usb:0."""
    pid = service.pid()
    before, after = come_back_elsewhere(service)
    assert before != after
    service.webcam("show square")
    service.wait_for_event("square")
    assert service.pid() == pid


def test_torn_pictures_among_whole_ones_make_no_events(service: Service) -> None:
    """Every third picture lacks its end: it is not looked at, and what is seen stays."""
    service.webcam("tear 3")
    service.wait_for_frames(30)
    assert {event["label"] for event in service.events()} == {"circle"}


def test_vivid_is_a_camera_like_others(booted: Booted) -> None:
    """The kernel's own test camera: 30 pictures a second, and none at all, and again."""
    vm = booted("amd64")
    vm.resume(READY)
    vm.run("modprobe vivid n_devs=1 && udevadm settle")
    service = Service(vm)
    service.configure("/dev/video0?size=640x480&fps=30")
    vm.run(f"systemctl start {UNIT}")
    service.wait_for_frames()
    status = service.status()
    assert status is not None
    assert status["camera"]["detail"].startswith("640x480")
    assert "30 fps" in status["camera"]["detail"]
    vm.run("v4l2-ctl --device=/dev/video0 --set-ctrl=percentage_of_dropped_buffers=100")
    service.wait_for_journal("camera.stalled: /dev/video0")
    vm.run("v4l2-ctl --device=/dev/video0 --set-ctrl=percentage_of_dropped_buffers=0")
    service.wait_for_journal("camera.stalled: over")
    service.wait_for_frames()


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_the_real_picamera2_is_served_in_the_units_sandbox(
    booted: Booted, arch: Arch, tmp_path: Path
) -> None:
    """picamera2 on libcamera's virtual camera, memory from the kernel: the square is a square."""
    vm = booted(arch)
    vm.resume(READY)
    _put_before_libcamera(vm, tmp_path, "square")
    service = Service(vm)
    service.configure("picamera2")
    service.drop_in(UNIT, _ON_LIBCAMERA)
    vm.run(f"systemctl start {UNIT}", timeout_s=240)
    service.wait_for_event("square")
    status = service.status()
    assert status is not None
    assert status["camera"]["detail"].startswith("640x480 NV12")
    assert service.states() == set()


def _put_before_libcamera(vm: VM, folder: Path, label: str) -> None:
    """Pictures with noise, as a sensor has it: the same one again and again would be a fault."""
    picture = cv2.resize(draw(label, seed=77), (640, 480))
    for number in range(8):
        noise = np.random.default_rng(number).normal(0, 3, picture.shape)
        noisy = as_pixels(np.clip(picture + noise, 0, 255).astype(np.uint8))
        write_image(folder / f"{number}.jpg", noisy)
    vm.put(folder, [f"{number}.jpg" for number in range(8)], "/frames")
    vm.put(_PICAMERA2, ["stand_ins"], "/opt/test")
    vm.put(_PICAMERA2, ["virtual.yaml"], "/usr/share/libcamera/pipeline/virtual")
