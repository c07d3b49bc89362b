"""All that may be configured: the sections of the TOML file, in its order.

These classes are the schema. Whoever adds a key adds a field here, or to the part that it is of.
"""

import platform
from dataclasses import dataclass
from pathlib import Path

from galago.edge.decision import DecisionSettings
from galago.edge.publish.settings import (
    CommandSettings,
    GpioSettings,
    MqttSettings,
    WebhookSettings,
)
from galago.edge.setting import setting
from galago.edge.snapshots.settings import SnapshotSettings
from galago.edge.store.settings import StoreSettings
from galago.edge.vitals.settings import HealthSettings
from galago.edge.web.settings import WebSettings


@dataclass(frozen=True, slots=True)
class ModelSection:
    """Section `[model]`."""

    file: Path = setting(Path("/etc/galago/model.tflite"), "The model file of galago convert.")
    threads: int | None = setting(
        None,
        "Threads of the interpreter; unset: what galago bench --save has found.",
        low=1,
        high=64,
    )


@dataclass(frozen=True, slots=True)
class CameraSection:
    """Section `[camera]`."""

    source: str = setting(
        "picamera2", "picamera2, usb:0, rtsp://… and so on, with ?options; see the guide."
    )
    reference: Path | None = setting(
        None, "File that keeps the view as it was at set-up; unset: learnt anew at each start."
    )


@dataclass(frozen=True, slots=True)
class RegionSection:
    """Section `[region.NAME]`: a part of the picture that is looked at by itself."""

    left: float = setting(0.0, "In pixels, or as a share of the width.", low=0)
    top: float = setting(0.0, "In pixels, or as a share of the height.", low=0)
    width: float = setting(1.0, "In pixels, or as a share of the width.", low=0)
    height: float = setting(1.0, "In pixels, or as a share of the height.", low=0)


@dataclass(frozen=True, slots=True)
class LoopSection:
    """Section `[loop]`."""

    rate: float | None = setting(
        None, "Pictures per second at most; unset: all there are.", low=0.001, high=1000
    )
    max_cpu: float | None = setting(
        None, "Share of one core at most, for heat and batteries.", low=0.01, high=64
    )
    motion: bool = setting(
        default=False, help_="Whether to look only when something has moved, and once a second."
    )


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file."""

    device: str = setting(platform.node, "Name of this camera, in events and topics.")
    model: ModelSection = setting(ModelSection, "What looks.")
    camera: CameraSection = setting(CameraSection, "Where it looks.")
    region: dict[str, RegionSection] = setting(dict, "Parts of the picture; none: the whole.")
    loop: LoopSection = setting(LoopSection, "How often it looks.")
    decision: DecisionSettings = setting(DecisionSettings, "From scores to a label.")
    store: StoreSettings = setting(StoreSettings, "Where events are kept.")
    snapshots: SnapshotSettings = setting(SnapshotSettings, "Which pictures are kept.")
    mqtt: MqttSettings = setting(MqttSettings, "A broker that is told, and Home Assistant by it.")
    webhook: dict[str, WebhookSettings] = setting(dict, "Web services that are told.")
    command: dict[str, CommandSettings] = setting(dict, "Programs that are started.")
    gpio: dict[str, GpioSettings] = setting(dict, "Pins: a lamp, a relay.")
    web: WebSettings = setting(WebSettings, "The page to look at.")
    health: HealthSettings = setting(HealthSettings, "When to complain.")
