"""The Pi's camera, through real picamera2 and libcamera, before a colour card."""

import gc
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from galago.bundle.image import read_image
from galago.bundle.preprocess import as_pixels
from galago.edge.camera import Frame
from galago.edge.camera.picamera import PiCamera
from galago.errors import CameraError
from tests.picamera2.card import card_error
from tests.picamera2.conftest import OpenPi, Serve

_CONFIGURATION = Path("/usr/share/libcamera/pipeline/virtual/virtual.yaml")
LACKING = ", ".join(
    what
    for what, is_here in {
        "picamera2": find_spec("picamera2"),
        "libcamera": find_spec("libcamera"),
        f"libcamera's virtual camera ({_CONFIGURATION})": _CONFIGURATION.exists(),
    }.items()
    if not is_here
)
if LACKING:
    pytest.skip(f"missing here: {LACKING}; make test-picamera2 has them", allow_module_level=True)

# picamera2's own: it makes its thread a daemon in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning")

_PATIENCE_S = 30.0  # no wait of a test is longer; a machine under load may be slow
_DEMO = Path("demo")
_INSTALL = "import virtual_camera; virtual_camera.install()\n"


def test_colours_arrive_as_they_look(open_pi: OpenPi) -> None:
    """Red is red: each patch of a known card comes within three levels of 255."""
    camera = open_pi()
    frame = next(iter(camera))
    assert frame.pixels.shape == (480, 640, 3)
    assert frame.pixels.dtype == np.uint8
    assert card_error(frame.pixels) < 3
    assert card_error(frame.pixels[..., ::-1]) > 100  # the card does tell red from blue


def test_the_small_stream_and_the_main_show_the_same(open_pi: OpenPi) -> None:
    """With `small`, frames are small and a picture beside them is whole, both in true colours."""
    camera = open_pi("picamera2?small=320x240")
    frame, picture = next(iter(camera)), camera.picture()
    assert picture is not None
    assert frame.pixels.shape == (240, 320, 3)
    assert picture.pixels.shape == (480, 640, 3)
    assert card_error(frame.pixels) < 3
    assert card_error(picture.pixels) < 3
    assert camera.detail.startswith("320x240 NV12 beside 640x480 NV12")


def test_what_was_agreed_on_is_told(open_pi: OpenPi) -> None:
    """`detail` has size, format, rate and model, for people."""
    assert open_pi("picamera2?fps=30").detail == "640x480 NV12, 30 fps, Virtual"


def test_frames_say_when_they_were_taken(open_pi: OpenPi) -> None:
    """Times are of the monotonic clock, not in the future; times and numbers grow."""
    before_ns = time.monotonic_ns()
    frames = _take(open_pi(), 30)
    assert frames[0].number == 0
    assert frames[0].time_ns > before_ns
    assert frames[-1].time_ns <= time.monotonic_ns()
    for earlier, later in pairwise(frames):
        assert earlier.time_ns < later.time_ns
        assert earlier.number < later.number


def test_a_frame_that_is_kept_starves_no_camera(open_pi: OpenPi) -> None:
    """Twenty frames that nobody released, of a camera with four buffers, are all still whole."""
    camera = open_pi()
    kept = [frame for frame, _ in zip(camera, range(20), strict=False)]
    camera.close()
    assert len({frame.pixels.ctypes.data for frame in kept}) == 20
    for frame in kept:
        assert frame.pixels.flags.owndata  # not the camera's memory, which is unmapped by now
        assert card_error(frame.pixels) < 3
        frame.release()


def test_silence_is_waited_for_and_frames_go_on(open_pi: OpenPi) -> None:
    """After more waits than the camera has buffers, more frames come than it has buffers."""
    camera = open_pi()
    frames = iter(camera)
    next(frames).release()
    camera._device.stop()
    later = threading.Timer(2.8, camera._device.start)
    later.start()
    assert len(list(_released(islice(frames, 12)))) == 12
    later.join()


def test_closing_ends_a_wait_in_silence(open_pi: OpenPi) -> None:
    """Whoever waits for a frame of a camera that gives none is let go by a close elsewhere."""
    camera = open_pi()
    camera._device.stop()
    ended: list[object] = []
    reader = threading.Thread(target=lambda: ended.append(list(camera)))
    reader.start()
    reader.join(0.2)
    assert reader.is_alive()
    camera.close()
    reader.join(_PATIENCE_S)
    assert ended == [[]]


def test_closing_ends_an_iteration_in_full_flow(open_pi: OpenPi) -> None:
    """A close while frames come ends them, without an error, twenty times out of twenty."""
    for _ in range(20):
        camera = open_pi()
        errors: list[BaseException] = []
        reader = threading.Thread(target=_drain, args=(camera, errors))
        reader.start()
        time.sleep(0.02)
        camera.close()
        camera.close()
        reader.join(_PATIENCE_S)
        assert not reader.is_alive()
        assert errors == []
        assert camera.picture() is None


def test_a_closed_camera_leaves_nothing_behind(open_pi: OpenPi) -> None:
    """Threads, descriptors and mapped buffers are those of before, cycle after cycle."""
    _look_and_close(open_pi("picamera2?small=320x240"))  # what libcamera keeps for the process
    before = _possessions()
    for _ in range(5):
        _look_and_close(open_pi("picamera2?small=320x240"))
        assert _possessions() == before


def test_a_hanging_device_holds_nobody(open_pi: OpenPi) -> None:
    """A close that hangs in picamera2 is left behind, by who closes and who reads, and goes on."""
    camera = open_pi()
    device = camera._device
    device.stop()
    reader = threading.Thread(target=list, args=(camera,))
    reader.start()
    reader.join(0.2)
    closer = threading.Thread(target=camera.close)
    with device.lock:  # picamera2's own: it can stop nothing without
        closer.start()
        for thread in (closer, reader):
            thread.join(_PATIENCE_S)
            assert not thread.is_alive()
        assert device.is_open
    for thread in threading.enumerate():
        if thread.name == "camera-close":
            thread.join(_PATIENCE_S)
    assert not device.is_open


REFUSED = {
    "picamera2:7": r"there is no camera 7, libcamera found 1 \(0: Virtual\): check the ribbon",
    "picamera2?mode=640x480": "has no sensor mode 640x480, it has none to choose: see rpicam-hello",
    "picamera2?fps=5": "takes FrameDurationLimits from 33333 to 33333, and the key fps sets 200000",
    "picamera2?exposure=9000": "has no control ExposureTime, which the key exposure sets: leave",
    "picamera2?gain=2": "has no control AnalogueGain, which the key gain sets: leave gain out",
    "picamera2?awb=daylight": "has no control AwbEnable, which the key awb sets: leave awb out",
    "picamera2?colour_gains=2,1.5": "has no control AwbEnable, which the key colour_gains sets",
    "picamera2?focus=continuous": "has no control AfMode, which the key focus sets: leave focus",
    "picamera2?roi=0,0,0.5,0.5": "has no control ScalerCrop, which the key roi sets: leave roi",
    "picamera2?lock=1": "has no control AeEnable, which the key lock sets: leave lock out",
}


@pytest.mark.parametrize("source", REFUSED)
def test_what_the_camera_lacks_is_named(open_pi: OpenPi, source: str) -> None:
    """A key that this camera cannot follow is refused with its control, and the device let go."""
    with pytest.raises(CameraError, match=REFUSED[source]) as refusal:
        open_pi(source)
    assert "\n" not in str(refusal.value)
    next(iter(open_pi()))


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # picamera2's, when it fails
def test_a_camera_in_use_is_refused(open_pi: OpenPi) -> None:
    """Opened twice, the second is told so in one line, and the first looks on."""
    first = open_pi()
    with pytest.raises(CameraError, match="is it in use by another program") as refusal:
        open_pi()
    assert "\n" not in str(refusal.value)
    assert len(_take(first, 3)) == 3
    del refusal
    gc.collect()


@pytest.mark.usefixtures("_card_in_view")
def test_nobody_chatters() -> None:
    """Opening, looking and closing print nothing: not libcamera, not picamera2, not Python."""
    look = (
        f"{_INSTALL}"
        "from galago.edge.camera import open_camera\n"
        "with open_camera('picamera2') as camera: next(iter(camera))\n"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_the_daemon_names_what_it_sees(serve: Serve) -> None:
    """From the sensor's side to the event: the demo's squirrel, by both streams, is a squirrel."""
    if not (_DEMO / "feeder.tflite").exists():
        pytest.skip("missing: the demo's model and pictures; make demo makes them")
    squirrel = read_image(min((_DEMO / "sample/images/test/squirrel").iterdir()))
    serve(as_pixels(cv2.resize(squirrel, (640, 480))))
    for source in ("picamera2", "picamera2?small=320x240"):
        command = f"['run', '--model', '{_DEMO}/feeder.tflite', '--camera', '{source}']"
        with subprocess.Popen(
            [sys.executable, "-c", f"{_INSTALL}from galago.cli import main\nmain({command})"],
            stdout=subprocess.PIPE,
            text=True,
        ) as daemon:
            assert daemon.stdout is not None
            event = json.loads(daemon.stdout.readline())
            daemon.terminate()
        assert event["label"] == "squirrel"
        assert daemon.returncode == 0


# --- helpers --------------------------------------------------------------------------------------


def _take(camera: PiCamera, count: int) -> list[Frame]:
    return list(_released(islice(camera, count)))


def _released(frames: Iterator[Frame]) -> Iterator[Frame]:
    for frame in frames:
        frame.release()
        yield frame


def _drain(camera: PiCamera, errors: list[BaseException]) -> None:
    try:
        for frame in camera:
            frame.release()
    except BaseException as error:  # noqa: BLE001 - the test looks at it
        errors.append(error)


def _look_and_close(camera: PiCamera) -> None:
    assert len(_take(camera, 3)) == 3
    camera.close()


def _possessions() -> tuple[list[str], int, int]:
    maps = Path("/proc/self/maps").read_text(encoding="ascii").splitlines()
    return (
        sorted(thread.name for thread in threading.enumerate()),
        len(list(Path("/proc/self/fd").iterdir())),
        sum("memfd:" in line for line in maps),
    )
