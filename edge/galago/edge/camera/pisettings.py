"""What the keys of `picamera2:` ask of the camera.

- Every value is judged before a camera is looked for, by itself and against the others.
- What a camera cannot do is refused with the key, the control and its limits: libcamera would
  clamp a value, or leave a control out, and say nothing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from galago.bundle.preprocess import Size
from galago.edge.camera.keys import Source
from galago.errors import CameraError, UsageError

KEYS = (
    *("size", "small", "mode", "fps", "roi", "hflip", "vflip"),
    *("exposure", "gain", "awb", "colour_gains", "focus", "lock"),
)

Roi: TypeAlias = tuple[float, float, float, float]
"""(x, y, width, height) as fractions of the whole view, 0 to 1."""

Controls: TypeAlias = Mapping[str, Any]
"""libcamera's names and values."""

DEFAULT_SIZE: Size = (640, 480)
DEFAULT_FPS = 30.0  # picamera2's own, of a video

_MAX_EXPOSURE_US = 700_000_000  # the longest of any Pi camera: the HQ camera's, about 694 s
_MAX_GAIN = 64.0
_MAX_DIOPTRES = 32.0
_SHAPE_SLACK = 2.0  # pixels: both sizes are even, so that an exact shape may not exist
_US = 1_000_000

# libcamera's enumerations AwbModeEnum, AfModeEnum and AfTriggerEnum: control_ids_core.yaml.
_AWB = {
    "auto": 0,
    "incandescent": 1,
    "tungsten": 2,
    "fluorescent": 3,
    "indoor": 4,
    "daylight": 5,
    "cloudy": 6,
}
_AF_MANUAL, _AF_AUTO, _AF_CONTINUOUS = 0, 1, 2
_AF_START = 0

_FOCUS: Mapping[str, Controls] = {
    "auto": {"AfMode": _AF_AUTO, "AfTrigger": _AF_START},
    "continuous": {"AfMode": _AF_CONTINUOUS},
}
_LOCKED: Controls = {"AeEnable": False, "AwbEnable": False}
_REACHED = ("ExposureTime", "AnalogueGain", "ColourGains")

_ROI = "x,y,width,height inside the view as fractions, such as 0.25,0.25,0.5,0.5"
_DECIMAL = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys, judged; None where the camera chooses.

    `size`, `small`, `mode`: (width, height) in pixels of the main stream, of the small stream and
    of the sensor. `controls`: for each key that sets some, what it sets.
    """

    camera: int
    size: Size
    small: Size | None
    mode: Size | None
    roi: Roi | None
    hflip: bool
    vflip: bool
    lock: bool
    controls: Mapping[str, Controls]


def read_settings(source: Source) -> Settings:
    """Judge what was written.

    Raises:
        UsageError: the camera's number or a key is wrong, or two keys contradict one another.
    """
    camera = _camera(source)
    size = _even(source, "size") or DEFAULT_SIZE
    return Settings(
        camera=camera,
        size=size,
        small=_small(source, size),
        mode=source.size("mode"),
        roi=_roi(source),
        hflip=source.flag("hflip"),
        vflip=source.flag("vflip"),
        lock=source.flag("lock"),
        controls=dict(_controls(source)),
    )


def _camera(source: Source) -> int:
    if not re.fullmatch("[0-9]{1,2}", source.rest):
        raise UsageError(
            f"picamera2: expected the camera's number, 0 for the first, received {source.rest!r}"
        )
    return int(source.rest)


def _even(source: Source, key: str) -> Size | None:
    """A size of even sides: picamera2 would make an odd one smaller by itself."""
    size = source.size(key)
    if size is not None and (size[0] % 2 or size[1] % 2):
        raise source.refused(key, "even in width and height")
    return size


def _small(source: Source, size: Size) -> Size | None:
    """The small stream, of the main one's shape: some cameras would squeeze the picture into it."""
    small = _even(source, "small")
    if small is None:
        return None
    if small[0] > size[0] or abs(small[1] - size[1] * small[0] / size[0]) >= _SHAPE_SLACK:
        raise source.refused(
            "small", f"of the same shape as size ({size[0]}x{size[1]}) and not larger"
        )
    return small


def _roi(source: Source) -> Roi | None:
    value = source.keys.get("roi")
    if value is None:
        return None
    x, y, width, height = _decimals(source, "roi", 4, _ROI)
    if not (0 < width <= 1 - x and 0 < height <= 1 - y):
        raise source.refused("roi", _ROI)
    return x, y, width, height


def _decimals(source: Source, key: str, count: int, expected: str) -> tuple[float, ...]:
    parts = source.keys[key].split(",")
    if len(parts) != count or not all(_DECIMAL.fullmatch(part) for part in parts):
        raise source.refused(key, expected)
    return tuple(float(part) for part in parts)


def _controls(source: Source) -> Iterator[tuple[str, Controls]]:
    """Give the keys that set controls from the beginning, with what each sets."""
    fps = source.fps()
    if fps is not None:
        yield "fps", {"FrameDurationLimits": (int(_US / fps),) * 2}
    exposure_us = source.number("exposure", 1, _MAX_EXPOSURE_US)
    if exposure_us is not None:
        _check_fits(source, exposure_us, fps or DEFAULT_FPS)
        yield "exposure", {"ExposureTime": round(exposure_us)}
    gain = source.number("gain", 1, _MAX_GAIN)
    if gain is not None:
        yield "gain", {"AnalogueGain": gain}
    yield from _white_balance(source)
    if "focus" in source.keys:
        yield "focus", _focus(source)


def _check_fits(source: Source, exposure_us: float, fps: float) -> None:
    """Refuse what a frame has no time for: libcamera would shorten the exposure."""
    if exposure_us > _US / fps:
        raise UsageError(
            f"picamera2: exposure={source.keys['exposure']} (microseconds) is longer than a frame"
            f" at {fps:g} per second: give fps={_US / exposure_us:.3g} or less"
        )


def _white_balance(source: Source) -> Iterator[tuple[str, Controls]]:
    awb = source.choice("awb", tuple(_AWB))
    if awb is not None and "colour_gains" in source.keys:
        raise UsageError(
            "picamera2: colour_gains fixes the white balance and awb leaves it to the camera,"
            " received both: leave one of the two"
        )
    if awb is not None:
        yield "awb", {"AwbEnable": True, "AwbMode": _AWB[awb]}
    if "colour_gains" in source.keys:
        gains = _decimals(source, "colour_gains", 2, "RED,BLUE, such as 1.8,1.5")
        yield "colour_gains", {"AwbEnable": False, "ColourGains": gains}


def _focus(source: Source) -> Controls:
    value = source.keys["focus"]
    if value in _FOCUS:
        return _FOCUS[value]
    if not _DECIMAL.fullmatch(value) or float(value) > _MAX_DIOPTRES:
        raise source.refused(
            "focus",
            "auto, continuous, or dioptres from 0 (far away) up, such as 2 for half a metre",
        )
    return {"AfMode": _AF_MANUAL, "LensPosition": float(value)}


# --- what the camera can do -----------------------------------------------------------------------


def wanted_controls(settings: Settings, advertised: Mapping[str, Any], model: str) -> Controls:
    """Join what the keys ask for; `advertised` is picamera2's name → (least, most, default).

    Raises:
        CameraError: the camera lacks a control, or takes other values only.
    """
    wanted: dict[str, Any] = {}
    for key, controls in settings.controls.items():
        for name, value in controls.items():
            _check_control(key, name, value, advertised, model)
        wanted |= controls
    if settings.roi is not None:
        _check_control("roi", "ScalerCrop", None, advertised, model)
    if settings.lock:
        for name, value in _LOCKED.items():
            _check_control("lock", name, value, advertised, model)
    return wanted


def _check_control(
    key: str, name: str, value: Any, advertised: Mapping[str, Any], model: str
) -> None:
    if name not in advertised:
        raise CameraError(
            f"the camera {model} has no control {name}, which the key {key} sets: leave {key} out"
        )
    least, most = advertised[name][:2]
    for number in value if isinstance(value, tuple) else (value,):
        limited = isinstance(number, int | float) and isinstance(least, int | float)
        if limited and not least <= number <= most:
            raise CameraError(
                f"the camera {model} takes {name} from {least:.9g} to {most:.9g}, and the key {key}"
                f" sets {number:.9g}: change it, or the sensor's mode"
            )


def locked_controls(metadata: Mapping[str, Any]) -> Controls:
    """Keep exposure and white balance at what a frame's `metadata` says was reached."""
    return {**_LOCKED, **{name: metadata[name] for name in _REACHED if name in metadata}}


def crop(roi: Roi, whole: tuple[int, int, int, int], size: Size) -> tuple[int, int, int, int]:
    """The part of the sensor that `roi` names, trimmed to the shape of `size`.

    Convention: `whole` and the result are (x, y, width, height) in the sensor's own pixels. A part
    of another shape would reach the picture squeezed, which no model was trained on.
    """
    left, top, full_width, full_height = whole
    x, y = left + roi[0] * full_width, top + roi[1] * full_height
    width, height = roi[2] * full_width, roi[3] * full_height
    fitting_width = min(width, height * size[0] / size[1])
    fitting_height = min(height, width * size[1] / size[0])
    x += (width - fitting_width) / 2
    y += (height - fitting_height) / 2
    return round(x), round(y), round(fitting_width), round(fitting_height)
