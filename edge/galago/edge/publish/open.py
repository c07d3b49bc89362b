"""All who are told, together.

- What a publisher needs that others do not (paho-mqtt, gpiozero) is loaded where it is configured.
- All end within seconds, whatever they hang on.

    with open_publishers(config, recorder, folder, status, health) as publishers:
        publishers.put(event)  # the loop, for the pins; everything else comes from the store
"""

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Self

from galago.edge.config.schema import Config
from galago.edge.event import Event
from galago.edge.health import Health
from galago.edge.publish.command import Command
from galago.edge.publish.courier import Courier, Messenger
from galago.edge.publish.outbox import Outbox
from galago.edge.publish.pins import Pins
from galago.edge.publish.webhook import Webhook
from galago.edge.record import StoredEvent
from galago.edge.store.recorder import Recorder
from galago.edge.vitals.document import PublisherFacts, Status
from galago.errors import UsageError

_CLOSE_S = 4.0  # for all together


class Publishers:
    """Threads that tell others."""

    def __init__(self, couriers: list[Courier], pins: Pins, recorder: Recorder) -> None:
        self._couriers, self._pins, self._recorder = couriers, pins, recorder

    def put(self, event: Event) -> None:
        """Show a change on the pins; never waits."""
        self._pins.put(event)

    def facts(self) -> list[PublisherFacts]:
        """How each stands; for any thread."""
        return [*(courier.facts() for courier in self._couriers), *self._pins.facts()]

    def __enter__(self) -> Self:
        self._recorder.subscribe(self._wake)
        for courier in self._couriers:
            courier.start()
        self._pins.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._recorder.unsubscribe(self._wake)
        self._pins.__exit__()
        for courier in self._couriers:
            courier.stop()
        end = monotonic() + _CLOSE_S
        for courier in self._couriers:
            courier.join(max(end - monotonic(), 0.0))

    def _wake(self, _events: list[StoredEvent]) -> None:
        for courier in self._couriers:
            courier.wake()


def open_publishers(
    config: Config,
    recorder: Recorder,
    folder: Path,
    status: Callable[[], Status],
    health: Health,
) -> Publishers:
    """All publishers that the configuration names.

    `folder` is the store's; `status` is called in their threads.

    Raises:
        UsageError: the package for one of them is not installed.
    """

    def outbox(name: str, labels: tuple[str, ...], limit: int) -> Outbox:
        return Outbox(name, recorder, folder, labels, limit)

    couriers: list[Courier] = []
    if config.mqtt.host:
        box = outbox("mqtt", (), config.mqtt.backlog)
        couriers.append(_mqtt(config, box, folder, status, health))
    for key, webhook in config.webhook.items():
        name = f"webhook.{key}"
        box = outbox(name, webhook.labels, webhook.backlog)
        couriers.append(Messenger(name, "webhook", box, health, Webhook(webhook)))
    for key, command in config.command.items():
        name = f"command.{key}"
        box = outbox(name, command.labels, command.backlog)
        couriers.append(Messenger(name, "command", box, health, Command(command)))
    return Publishers(couriers, Pins(config.gpio, health), recorder)


def _mqtt(
    config: Config, outbox: Outbox, folder: Path, status: Callable[[], Status], health: Health
) -> Courier:
    try:
        from galago.edge.publish.mqtt import Camera, MqttCourier  # noqa: PLC0415 - only for MQTT
    except ModuleNotFoundError as error:
        raise UsageError(
            "[mqtt] needs a package that is not installed: pip install 'galago[mqtt]'"
        ) from error
    camera = Camera(config.device, tuple(config.region), folder, status)
    return MqttCourier(config.mqtt, camera, outbox, health)
