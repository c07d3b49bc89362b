"""What may be set of those who are told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from galago.edge.setting import Secret, setting

_BACKLOG = "Events that wait for it at most; then the oldest are given up, and counted."
_LABELS = "Only events with these labels; unset: all."


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """Section `[mqtt]`."""

    host: str | None = setting(None, "Name or address of the broker; unset: no MQTT.")
    port: int | None = setting(None, "Unset: 1883, or 8883 with tls.", low=1, high=65535)
    username: str | None = setting(None, "Name to log in with.")
    password: Secret | None = setting(None, "Where the password is.")
    tls: bool = setting(default=False, help_="Whether to encrypt.")
    ca: Path | None = setting(
        None, "Certificates to trust, a PEM file; unset: those of the system."
    )
    certificate: Path | None = setting(None, "Certificate of this device, a PEM file.")
    key: Path | None = setting(None, "Its private key, a PEM file.")
    client_id: str | None = setting(None, "Unset: galago- and the device's name.")
    topic: str = setting("galago", "First part of all topics; the device's name follows.")
    discovery: str | None = setting(
        "homeassistant", 'Where Home Assistant looks for devices; "" for no announcement.'
    )
    images: bool = setting(default=True, help_="Whether a small picture of each event is sent.")
    backlog: int = setting(10_000, _BACKLOG, low=1, high=10_000_000)


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Section `[webhook.NAME]`, as many as you like."""

    url: str = setting("", "http:// or https:// address that gets each event as JSON, by POST.")
    secret: Secret | None = setting(
        None, "Where the key is that signs each request (HMAC-SHA256); unset: none."
    )
    timeout_s: float = setting(10.0, "Seconds for one try.", low=0.1, high=300)
    labels: tuple[str, ...] = setting((), _LABELS)
    backlog: int = setting(10_000, _BACKLOG, low=1, high=10_000_000)


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """Section `[command.NAME]`, as many as you like."""

    argv: tuple[str, ...] = setting(
        (),
        "Program and arguments, without a shell; {label}, {score}, {time}, {snapshot} … are "
        "filled in, and the event is on its standard input as JSON.",
    )
    timeout_s: float = setting(30.0, "Seconds after which it is ended.", low=0.1, high=3600)
    labels: tuple[str, ...] = setting((), _LABELS)
    backlog: int = setting(1000, _BACKLOG, low=1, high=10_000_000)


@dataclass(frozen=True, slots=True)
class GpioSettings:
    """Section `[gpio.NAME]`, as many as you like: a pin that shows what is seen now."""

    pin: int = setting(-1, "Number of the GPIO, as in GPIO17; not of the header's pin.", low=-1)
    labels: tuple[str, ...] = setting((), "Labels for which the pin is on.")
    region: str | None = setting(None, "Only in this part of the picture; unset: in any.")
    mode: Literal["while", "pulse"] = setting(
        "while", "while: on as long as it is seen; pulse: for pulse_s at each event."
    )
    pulse_s: float = setting(1.0, "Seconds of a pulse.", low=0.01, high=3600)
    active_high: bool = setting(default=True, help_="Whether on is the high level.")
