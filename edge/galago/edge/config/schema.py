"""All that may be configured: the sections of the TOML file, in its order.

These classes are the schema. Whoever adds a key adds a field here, or to the part that it is of.
"""

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from galago.edge.decision import DecisionSettings
from galago.edge.publish.settings import (
    CommandSettings,
    GpioSettings,
    MqttSettings,
    WebhookSettings,
)
from galago.edge.setting import Problem, setting
from galago.edge.snapshots.settings import SnapshotSettings
from galago.edge.store.settings import StoreSettings
from galago.edge.vitals.settings import HealthSettings
from galago.edge.web.settings import WebSettings
from galago.errors import UsageError

# It is a part of MQTT topics, where / + and # mean something (MQTT 5, 4.7).
_DEVICE = re.compile(r"[^/+#\s\x00-\x1f\x7f]{1,64}")
_PICAMERA = "picamera2"


def _printable(source: str) -> str:
    """A camera source without credentials, which only a URL can have."""
    if "://" not in source:
        return source
    from galago.edge.camera.rtspaddress import shown  # noqa: PLC0415 - loads OpenCV

    return shown(source)


@dataclass(frozen=True, slots=True)
class ModelSection:
    """Section `[model]`."""

    file: Path | None = setting(
        None,
        "A model file of galago convert; unset: the one that galago activate, deploy or flash has "
        "brought, which is on probation while it is new.",
        example=Path("/etc/galago/model.tflite"),
    )
    threads: int | None = setting(
        None,
        "Threads of the interpreter; unset: what galago bench --save has found.",
        low=1,
        high=64,
        example=4,
    )
    max_ms: float | None = setting(
        None,
        "Milliseconds per picture; a slower model is not activated. Unset: any.",
        low=0.001,
        high=60_000,
        example=50.0,
    )
    probation_pictures: int = setting(
        1000, "So many pictures a new model must look at before it stays.", low=1, high=10**9
    )
    probation_min: float = setting(
        10.0, "And so many minutes; until then the model before it may come back.", low=0, high=1e5
    )


@dataclass(frozen=True, slots=True)
class CameraSection:
    """Section `[camera]`."""

    source: str = setting(
        _PICAMERA,
        "picamera2, usb:0, rtsp://… and so on, with ?options; see the guide.",
        shown=_printable,
    )
    reference: Path | None = setting(
        None,
        "File that keeps the view as it was at set-up; unset: learnt anew at each start.",
        example=Path("/var/lib/galago/view.json"),
    )

    def check(self) -> Iterator[Problem]:
        """The source is one that can be opened, as far as its text tells."""
        if self.source == _PICAMERA:
            return
        # Loads OpenCV: not for a file that leaves the camera to others.
        from galago.edge.camera.source import parse  # noqa: PLC0415

        try:
            parse(self.source)
        except UsageError as error:
            yield Problem("source", str(error))


@dataclass(frozen=True, slots=True)
class RegionSection:
    """Section `[region.NAME]`: a part of the picture that is looked at by itself."""

    left: float = setting(0.0, "In pixels, or as a share of the width.", low=0)
    top: float = setting(0.0, "In pixels, or as a share of the height.", low=0)
    width: float = setting(1.0, "In pixels, or as a share of the width.", low=0)
    height: float = setting(1.0, "In pixels, or as a share of the height.", low=0)

    def check(self) -> Iterator[Problem]:
        """It has an area, and as shares lies inside the picture."""
        for key, size in (("width", self.width), ("height", self.height)):
            if not size:
                yield Problem(key, "expected more than 0, received 0")
        if max(self.left, self.top, self.width, self.height) > 1:
            yield from self._check_pixels()
            return
        for start, key, end in (
            ("left", "width", self.left + self.width),
            ("top", "height", self.top + self.height),
        ):
            if end > 1:
                yield Problem(key, f"{start} + {key} is {end:g}, expected 1 (the edge) at most")

    def _check_pixels(self) -> Iterator[Problem]:
        for key, size in (("width", self.width), ("height", self.height)):
            if 0 < size <= 1:
                yield Problem(
                    key,
                    f"expected pixels, as in the rest of this region, received {size:g}: write "
                    "all four in pixels, or all four as shares up to 1",
                )


@dataclass(frozen=True, slots=True)
class LoopSection:
    """Section `[loop]`."""

    rate: float | None = setting(
        None,
        "Pictures per second at most; unset: all there are.",
        low=0.001,
        high=1000,
        example=5.0,
    )
    max_cpu: float | None = setting(
        None,
        "Share of one core at most, for heat and batteries; unset: no limit.",
        low=0.01,
        high=64,
        example=0.5,
    )
    motion: bool = setting(
        default=False, help_="Whether to look only when something has moved, and once a second."
    )


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file."""

    device: str = setting(
        platform.node,
        "Name of this camera, in events and topics; unset: this computer's name.",
        example="porch",
    )
    model: ModelSection = setting(ModelSection, "What looks.")
    camera: CameraSection = setting(CameraSection, "Where it looks.")
    region: dict[str, RegionSection] = setting(
        dict, "Parts of the picture, looked at by themselves; none: the whole.", example="door"
    )
    loop: LoopSection = setting(LoopSection, "How often it looks.")
    decision: DecisionSettings = setting(DecisionSettings, "From scores to a label.")
    store: StoreSettings = setting(StoreSettings, "Where events are kept.")
    snapshots: SnapshotSettings = setting(SnapshotSettings, "Which pictures are kept.")
    mqtt: MqttSettings = setting(MqttSettings, "A broker that is told, and Home Assistant by it.")
    webhook: dict[str, WebhookSettings] = setting(
        dict, "Web services that are told.", example="home"
    )
    command: dict[str, CommandSettings] = setting(
        dict, "Programs that are started.", example="light"
    )
    gpio: dict[str, GpioSettings] = setting(dict, "Pins: a lamp, a relay.", example="lamp")
    web: WebSettings = setting(WebSettings, "The page to look at.")
    health: HealthSettings = setting(HealthSettings, "When to complain.")

    def check(self) -> Iterator[Problem]:
        """What no part can know by itself."""
        if not _DEVICE.fullmatch(self.device):
            yield Problem(
                "device",
                "expected a name of 1 to 64 characters without spaces, / + and #, received "
                f"{self.device!r}",
            )
        yield from self._check_pins()

    def _check_pins(self) -> Iterator[Problem]:
        taken: dict[int, str] = {}
        for name, gpio in self.gpio.items():
            if gpio.region is not None and gpio.region not in self.region:
                known = ", ".join(self.region) or "none yet"
                yield Problem(
                    f"gpio.{name}.region",
                    f"expected the name of a [region.NAME] ({known}), received {gpio.region!r}",
                )
            if gpio.pin in taken and gpio.pin >= 0:
                yield Problem(f"gpio.{name}.pin", f"pin {gpio.pin} is [gpio.{taken[gpio.pin]}]'s")
            taken.setdefault(gpio.pin, name)
