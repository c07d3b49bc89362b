"""What may be set of those who are told."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from galago.edge.setting import Problem, Secret, pair, setting

_BACKLOG = "Events that wait for it at most; then the oldest are given up, and counted."
_LABELS = "Only events with these labels; unset: all."
_HOST = re.compile(r"[^\s/@]+")
_TOPIC = re.compile(r"[^/+#\x00-\x1f\x7f]+(/[^/+#\x00-\x1f\x7f]+)*")  # MQTT 5, 4.7


def _printable(url: str) -> str:
    """An address without what may be a key to it: services hide theirs in path or query."""
    address = urlsplit(url)
    return f"{address.scheme}://{address.hostname}/…"


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """Section `[mqtt]`."""

    host: str | None = setting(
        None, "Name or address of the broker; unset: no MQTT.", example="broker.lan"
    )
    port: int | None = setting(
        None, "Unset: 1883, or 8883 with tls.", low=1, high=65535, example=1883
    )
    username: str | None = setting(None, "Name to log in with.", example="galago")
    password: Secret | None = setting(
        None, "Where the password is.", example=Secret("file:/etc/galago/mqtt-password")
    )
    tls: bool = setting(default=False, help_="Whether to encrypt.", example=True)
    ca: Path | None = setting(
        None,
        "Certificates to trust, a PEM file; unset: those of the system.",
        example=Path("/etc/galago/broker-ca.pem"),
    )
    certificate: Path | None = setting(
        None, "Certificate of this device, a PEM file.", example=Path("/etc/galago/device.pem")
    )
    key: Path | None = setting(
        None, "Its private key, a PEM file.", example=Path("/etc/galago/device.key")
    )
    client_id: str | None = setting(
        None,
        "Name of the connection; unset: galago- and the device's name.",
        example="galago-porch",
    )
    topic: str = setting("galago", "First part of all topics; the device's name follows.")
    discovery: str | None = setting(
        "homeassistant", 'Where Home Assistant looks for devices; "" for no announcement.'
    )
    images: bool = setting(default=True, help_="Whether a small picture of each event is sent.")
    backlog: int = setting(10_000, _BACKLOG, low=1, high=10_000_000)

    def check(self) -> Iterator[Problem]:
        """What belongs together, and topics that a broker takes."""
        yield from pair(self.certificate, self.key)
        for key, path in (("ca", self.ca), ("certificate", self.certificate)):
            if path is not None and not self.tls:
                yield Problem(key, "is of no use without encryption: set tls = true as well")
        if self.host is not None and not _HOST.fullmatch(self.host):
            yield Problem("host", "expected a name or address alone, without mqtt:// and port")
        for key, topic in (("topic", self.topic), ("discovery", self.discovery or "-")):
            if not _TOPIC.fullmatch(topic):
                yield Problem(
                    key, f"expected words with / between them, without + and #, received {topic!r}"
                )


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Section `[webhook.NAME]`, as many as you like."""

    url: str = setting(
        "",
        "http:// or https:// address that gets each event as JSON, by POST. Must be given.",
        example="https://example.org/hook",
        shown=_printable,
    )
    secret: Secret | None = setting(
        None,
        "Where the key is that signs each request (HMAC-SHA256); unset: none.",
        example=Secret("file:/etc/galago/webhook-key"),
    )
    timeout_s: float = setting(10.0, "Seconds for one try.", low=0.1, high=300)
    labels: tuple[str, ...] = setting((), _LABELS)
    backlog: int = setting(10_000, _BACKLOG, low=1, high=10_000_000)

    def check(self) -> Iterator[Problem]:
        """There is an address, and no password in it. What is wrong is not repeated: it may be."""
        try:
            address = urlsplit(self.url)
            fits = address.scheme in ("http", "https") and address.hostname and address.port != 0
        except ValueError:  # a port that is none, a bracket too many
            fits = False
        if not self.url:
            yield Problem("url", "must be given: expected an http:// or https:// address")
        elif not fits or not self.url.isprintable() or " " in self.url:
            yield Problem("url", "expected an http:// or https:// address")
        elif "@" in address.netloc:
            yield Problem("url", "has a user or password in it, which no request would carry")


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """Section `[command.NAME]`, as many as you like."""

    argv: tuple[str, ...] = setting(
        (),
        "Program and arguments, without a shell; {label}, {score}, {time}, {snapshot} … are "
        "filled in, and the event is on its standard input as JSON. Must be given.",
        example=("/usr/local/bin/light", "on", "{label}"),
    )
    timeout_s: float = setting(30.0, "Seconds after which it is ended.", low=0.1, high=3600)
    labels: tuple[str, ...] = setting((), _LABELS)
    backlog: int = setting(1000, _BACKLOG, low=1, high=10_000_000)

    def check(self) -> Iterator[Problem]:
        """There is a program, and its arguments ask for what an event has."""
        if not self.argv or not self.argv[0]:
            yield Problem("argv", 'must be given: expected ["/path/of/program", "argument", …]')
        # Loads OpenCV with the event's keys: not for a file without commands.
        from galago.edge.publish.placeholders import complaint  # noqa: PLC0415

        for argument in self.argv:
            if (what := complaint(argument)) is not None:
                yield Problem("argv", what)


@dataclass(frozen=True, slots=True)
class GpioSettings:
    """Section `[gpio.NAME]`, as many as you like: a pin that shows what is seen now."""

    pin: int = setting(
        -1,
        "Number of the GPIO, as in GPIO17; not of the header's pin. Must be given.",
        low=0,
        high=1023,
        example=17,
    )
    labels: tuple[str, ...] = setting(
        (), "Labels for which the pin is on. Must be given.", example=("cat",)
    )
    region: str | None = setting(
        None, "Only in this part of the picture; unset: in any.", example="door"
    )
    mode: Literal["while", "pulse"] = setting(
        "while", "while: on as long as it is seen; pulse: for pulse_s at each event."
    )
    pulse_s: float = setting(1.0, "Seconds of a pulse.", low=0.01, high=3600)
    active_high: bool = setting(default=True, help_="Whether on is the high level.")

    def check(self) -> Iterator[Problem]:
        """There is a pin, and something to show by it."""
        if self.pin < 0:
            yield Problem("pin", "must be given: expected a GPIO's number, such as 17")
        if not self.labels:
            yield Problem("labels", 'must be given: expected ["label", …], or the pin is never on')
