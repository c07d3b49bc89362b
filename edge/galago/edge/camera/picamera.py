"""`picamera2:` is a camera on the Pi's ribbon cable, through picamera2 and libcamera.

- Colours are as they look: libcamera's name for red first in memory is BGR888, and YUV is asked for
  in the one space that OpenCV decodes (BT.601, limited range).
- The whole view of the sensor is seen, unless `mode` or `roi` says otherwise.
- Frames are copied out of the camera's memory, and its buffer goes back at once. To lend the buffer
  itself was tried: with three of four lent the camera at times gave no more frames, with four it
  never did. A copy of 640x480 takes 14 microseconds on a desk, and YUV is copied anyhow.
- Nothing waits for picamera2 without end: not a reader (`close()` ends it within a moment), not
  whoever closes, though the driver may hang in there.
- picamera2 is imported when a camera is opened, and at no other time.

A camera that has fallen silent is not noticed here but by the loop (`patience_s`): libcamera stops
the stream and tells nobody. Nor is it reopened here: that leaks the memory of its buffers on some
versions, and a fresh process does not.
"""

import gc
import importlib
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager
from time import CLOCK_BOOTTIME, clock_gettime_ns, monotonic_ns
from typing import Any

import cv2
import numpy as np

from galago.bundle.preprocess import Pixels, Size
from galago.edge.camera import pisettings
from galago.edge.camera.base import Frame, Pool
from galago.edge.camera.closing import Closing
from galago.edge.camera.keys import Source
from galago.edge.camera.pisettings import Settings
from galago.errors import CameraError

KEYS = pisettings.KEYS

_STEP_S = 0.5  # how long a close may go unnoticed where cancelling has failed
_CLOSING_S = 2.0
_SETTLING_NS = 1_500_000_000  # exposure and white balance are reached in about a second
_OLDEST_NS = 10_000_000_000  # no frame waits for so long: a time before that is another clock's

# Four buffers: one is filled, one queued behind it, one processed, one copied. With fewer the
# sensor's frames are lost, and more is memory that a Pi with 512 MB does not have.
_BUFFERS = 4

# What a stream may be agreed on as → how OpenCV makes red, green, blue of it; None is ready. The
# names are libcamera's, which read from the highest byte of a word down: B, G, R is R first.
_DECODE: Mapping[str, int | None] = {
    "BGR888": None,
    "RGB888": cv2.COLOR_BGR2RGB,
    "XBGR8888": cv2.COLOR_RGBA2RGB,
    "XRGB8888": cv2.COLOR_BGRA2RGB,
    "YUV420": cv2.COLOR_YUV2RGB_I420,
    "YVU420": cv2.COLOR_YUV2RGB_YV12,
    "NV12": cv2.COLOR_YUV2RGB_NV12,
    "NV21": cv2.COLOR_YUV2RGB_NV21,
    "YUYV": cv2.COLOR_YUV2RGB_YUYV,
}

_log = logging.getLogger(__name__)


class PiCamera(Closing):
    """A camera of the Pi.

    Frames: (H, W, 3) uint8 RGB of the small stream where `small` asks for one, otherwise of the
    main; `time_ns` is when the sensor took it. `number` has a gap for each frame that nobody took.

    Raises:
        CameraError: picamera2 or the camera is missing, in use, or cannot do what the keys ask;
            while iterating, when picamera2 fails.
    """

    live = True
    noisy = True

    def __init__(self, settings: Settings, *, source: str) -> None:
        super().__init__(source)
        self._lock_at_ns = 0 if settings.lock else None
        self._first_number: int | None = None
        self._pool = Pool()
        self._padded = np.empty((0, 0, 3), np.uint8)
        self._memory = threading.Lock()  # held while camera memory is read: it stays mapped
        self._picamera2 = _import_picamera2()
        with self._translated():
            self._device = self._picamera2.Picamera2(_known(self._picamera2, settings.camera))
        try:
            with self._translated():
                self._start(settings)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self._frame(self._stream)) is not None:
            yield frame

    def picture(self) -> Frame | None:
        """Take the next frame of the main stream, in the size of `size`; None when closed.

        For a snapshot beside the small stream; any thread may ask. Release it.

        Raises:
            CameraError: picamera2 failed.
        """
        return self._frame("main")

    def close(self) -> None:
        """End every wait and let go of the device; one that hangs is left behind after 2 s."""
        super().close()
        device, self._device = self._device, None
        if device is None:
            return
        # picamera2's stop() may wait for ever for a camera whose cable came off.
        closer = threading.Thread(
            target=_let_go,
            args=(device, self._memory, self.source),
            name="camera-close",
            daemon=True,
        )
        closer.start()
        closer.join(_CLOSING_S)

    # --- opening ----------------------------------------------------------------------------------

    def _start(self, settings: Settings) -> None:
        device, model = self._device, self._device.camera_properties.get("Model", "camera")
        device.configure(_configuration(device, settings))
        controls = pisettings.wanted_controls(settings, device.camera_controls, model)
        agreed = device.camera_configuration()
        _check_agreed(agreed, settings, model)
        device.set_controls({**controls, **_crops(device, settings, agreed)})
        self._stream = "main" if settings.small is None else "lores"
        pace = {**agreed["controls"], **controls}.get("FrameDurationLimits")
        self.detail = f"{_detail(agreed, self._stream)}{_rate(pace)}, {model}"
        device.start()

    # --- frames -----------------------------------------------------------------------------------

    def _frame(self, stream: str) -> Frame | None:
        """Wait for the next frame; None as soon as the camera is closed."""
        request = self._await_request()
        if request is None:
            return None
        with self._translated(), self._memory:
            try:
                return None if self._closed.is_set() else self._copy(request, stream)
            finally:
                request.release()

    def _await_request(self) -> Any:
        """Wait for a completed request; None when closed.

        One job for as long as it takes: a job whose wait is given up stays in picamera2's queue,
        and the request that it is given later is never released.
        """
        device = self._device
        if device is None:
            return None
        with self._translated():
            job = device.capture_request(wait=False)
            while not self._closed.is_set():
                try:
                    return job.get_result(timeout=_STEP_S)
                except TimeoutError:
                    continue
                except CancelledError:
                    break
        if self._closed.is_set():
            return None
        raise CameraError(f"{self.source} was cancelled inside picamera2: open it again")

    def _copy(self, request: Any, stream: str) -> Frame:
        metadata = request.get_metadata()
        config = request.config[stream]
        width, height = config["size"]
        pixels = self._pool.take(height, width)
        with self._picamera2.MappedArray(request, stream, write=False) as mapped:
            self._decode(mapped.array, config["format"], pixels)
        time_ns = capture_time_ns(metadata.get("SensorTimestamp"), monotonic_ns(), _boot_ns())
        self._lock_when_settled(metadata, time_ns)
        number = int(request.request.sequence)
        if self._first_number is None:
            self._first_number = number
        return self._pool.lend(pixels, time_ns, number - self._first_number)

    def _decode(self, array: Pixels, name: str, pixels: Pixels) -> None:
        """Write `array`, camera memory in format `name`, into `pixels`, (H, W, 3) uint8 RGB."""
        code, (height, width) = _DECODE[name], pixels.shape[:2]
        if code is None:
            np.copyto(pixels, array)
        elif array.shape[1] == width:
            cv2.cvtColor(array, code, dst=pixels)
        else:  # YUV420 comes with the padding at the end of its rows
            if self._padded.shape[:2] != (height, array.shape[1]):
                self._padded = np.empty((height, array.shape[1], 3), np.uint8)
            cv2.cvtColor(array, code, dst=self._padded)
            np.copyto(pixels, self._padded[:, :width])

    def _lock_when_settled(self, metadata: Mapping[str, Any], time_ns: int) -> None:
        if self._lock_at_ns is None:
            return
        if self._lock_at_ns == 0:
            self._lock_at_ns = time_ns + _SETTLING_NS
        elif time_ns >= self._lock_at_ns:
            self._lock_at_ns = None
            self._device.set_controls(pisettings.locked_controls(metadata))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Whatever picamera2 raises is the camera's failure: it raises RuntimeError for most."""
        try:
            yield
        except CameraError:
            raise
        except Exception as error:
            cause = error.__cause__ or error
            raise CameraError(
                f"{self.source} failed: {_one_line(error)}"
                f"{'' if cause is error else f' ({_one_line(cause)})'}: is it in use by another"
                " program? check its cable, then rpicam-hello --list-cameras"
            ) from error


def capture_time_ns(stamp_ns: int | None, now_ns: int, boot_ns: int) -> int:
    """When a frame was taken, in monotonic nanoseconds; never later than `now_ns`.

    libcamera says that a SensorTimestamp is of CLOCK_BOOTTIME, Linux's drivers write
    CLOCK_MONOTONIC; the two differ once a machine has slept. `now_ns` and `boot_ns` are the two
    clocks at one moment. A time that fits neither, or none, counts as now.
    """
    if stamp_ns is None:
        return now_ns
    for clock_ns in (now_ns, boot_ns):
        if 0 <= clock_ns - stamp_ns < _OLDEST_NS:
            return now_ns - (clock_ns - stamp_ns)
    return now_ns


def _boot_ns() -> int:
    return clock_gettime_ns(CLOCK_BOOTTIME)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _import_picamera2() -> Any:
    # libcamera tells every step on standard error, in words of its own, unless told not to.
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:WARN")
    logger = logging.getLogger("picamera2")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)
    try:
        return importlib.import_module("picamera2")
    except (ImportError, ValueError) as error:  # ValueError: built for another numpy
        raise CameraError(
            f"picamera2 cannot be imported ({_one_line(error)}): sudo apt install"
            " python3-picamera2, and make the environment with python3 -m venv"
            " --system-site-packages"
        ) from error


def _known(picamera2: Any, number: int) -> int:
    cameras = picamera2.Picamera2.global_camera_info()
    if number < len(cameras):
        return number
    found = ", ".join(f"{at}: {camera.get('Model', '?')}" for at, camera in enumerate(cameras))
    raise CameraError(
        f"there is no camera {number}, libcamera found {len(cameras)} ({found or 'none'}): check"
        " the ribbon cable at both ends, then rpicam-hello --list-cameras"
    )


def _configuration(device: Any, settings: Settings) -> dict[str, Any]:
    libcamera = importlib.import_module("libcamera")
    small = {"size": settings.small, "format": "YUV420", "preserve_ar": True}
    configuration: dict[str, Any] = device.create_video_configuration(
        main={"size": settings.size, "format": "BGR888"},
        lores=None if settings.small is None else small,  # YUV: a Pi 4 has no other there
        raw=None,
        transform=libcamera.Transform(hflip=settings.hflip, vflip=settings.vflip),
        colour_space=libcamera.ColorSpace.Smpte170m(),
        buffer_count=_BUFFERS,
        queue=False,  # a frame that waited is an old frame
        display=None,
        encode=None,
        sensor={
            "output_size": settings.mode or whole_view(device.sensor_resolution, settings.size)
        },
    )
    return configuration


def whole_view(resolution: Size, size: Size) -> Size:
    """Choose the sensor mode, (width, height), that sees everything and is fast.

    Left alone, libcamera takes the mode nearest to `size`, which on most sensors is cut out of the
    middle. Half the resolution is all of the view, two by two pixels in one, on every Pi camera
    that has such a mode; on one that has not, picamera2 takes the nearest. To ask the camera what
    each mode sees would configure it once for each, with the memory for full-size frames.
    """
    half = resolution[0] // 2, resolution[1] // 2
    return half if size[0] <= half[0] and size[1] <= half[1] else resolution


def _check_agreed(agreed: Mapping[str, Any], settings: Settings, model: str) -> None:
    """Refuse a configuration that libcamera has adjusted into something else."""
    for name in ("main", "lores"):
        if agreed[name] is not None and agreed[name]["format"] not in _DECODE:
            raise CameraError(
                f"the camera {model} gives {agreed[name]['format']}, expected one of"
                f" {', '.join(_DECODE)}: if it is a USB camera, write usb:0"
            )
    for key in ("hflip", "vflip"):
        if bool(getattr(agreed["transform"], key)) != getattr(settings, key):
            raise CameraError(f"the camera {model} cannot flip its picture: leave {key} out")
    mode = (agreed.get("sensor") or {}).get("output_size")
    if settings.mode is not None and mode != settings.mode:
        offered = "it has none to choose" if mode is None else "the nearest is {}x{}".format(*mode)
        raise CameraError(
            f"the camera {model} has no sensor mode {settings.mode[0]}x{settings.mode[1]},"
            f" {offered}: see rpicam-hello --list-cameras, or leave mode out"
        )


def _crops(device: Any, settings: Settings, agreed: Mapping[str, Any]) -> dict[str, Any]:
    if settings.roi is None:
        return {}
    whole = device.camera_controls["ScalerCrop"][1]
    part = pisettings.crop(settings.roi, whole, settings.size)
    if "ScalerCrops" in device.camera_controls:  # the Pi 5 has one for each stream
        return {"ScalerCrops": [part] * (1 if agreed["lores"] is None else 2)}
    return {"ScalerCrop": part}


def _detail(agreed: Mapping[str, Any], stream: str) -> str:
    """Say what was agreed on: `640x480 BGR888 of sensor mode 2304x1296`."""
    parts = ["{}x{} {}".format(*agreed[stream]["size"], agreed[stream]["format"])]
    if stream == "lores":
        parts.append("beside {}x{} {}".format(*agreed["main"]["size"], agreed["main"]["format"]))
    if agreed.get("sensor"):
        parts.append("of sensor mode {}x{}".format(*agreed["sensor"]["output_size"]))
    return " ".join(parts)


def _rate(frame_us: tuple[int, int] | None) -> str:
    return "" if frame_us is None else f", {1e6 / frame_us[1]:.4g} fps"


def _let_go(device: Any, memory: threading.Lock, source: str) -> None:
    try:
        device.cancel_all_and_flush()
        with memory:
            device.stop()
            device.close()
    except Exception as error:  # noqa: BLE001 - nobody is left to raise it to
        _log.warning("%s did not close well: %s", source, _one_line(error))
    # The buffers, scarce memory, are in reference cycles: without this they come back some day.
    gc.collect()


def open_source(source: Source) -> PiCamera:
    """Open what `picamera2:…` names; raises as PiCamera does, and UsageError for a wrong key."""
    return PiCamera(pisettings.read_settings(source), source=source.text)
