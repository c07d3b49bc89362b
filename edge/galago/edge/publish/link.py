"""One connection to a broker, MQTT 5, driven by the thread that made it: paho-mqtt without its own.

- Nothing of a connection outlives it: the next one starts clean, and what was under way is sent
  again from the outbox. paho's own queue, which no restart survives, holds nothing that is not
  stored.
- Each wait has an end, but for the system's, when it looks up the name of a host.
- Nothing but events has QoS 1, so the broker's limit on what is under way is the window's.
- What ends it is one DeliveryError that says why, in words a person can act on.

    with Link(settings, topics, client_id, waker, stop, answer_s) as link:
        link.publish(topics.availability, b"online", retain=True)
        link.turn(1.0)
"""

import select
import socket
import ssl
import threading
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import Any, NamedTuple, Self

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, error_string
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from galago.edge.publish.courier import DeliveryError
from galago.edge.publish.settings import MqttSettings
from galago.edge.publish.topics import OFFLINE, Topics
from galago.errors import UsageError

MOST_IN_FLIGHT = 20

_KEEPALIVE_S = 30
_FAREWELL_S = 1.0
# What a reason code means for a person. Source: MQTT 5, 3.2.2.2 and 3.14.2.1.
_ADVICE = {
    0x86: "check [mqtt] username and password",
    0x87: "check [mqtt] username and password, and what the broker lets this user do",
    0x8E: "does another device use the same client_id?",
}


class Ack(NamedTuple):
    """What the broker said to the message `mid`; `refused` None: it has it."""

    mid: int
    refused: str | None


class Link:
    """An open connection.

    `waker`: becomes readable when `turn` is to return at once. `stop`: ends the wait for the
    broker's first word, which may take `answer_s`.

    `window`: messages that may be under way. `acks`: answers, oldest first, to be taken.
    `heard`: topics of messages that came, to be taken.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - who speaks, with whom, and for how long
        self,
        settings: MqttSettings,
        topics: Topics,
        client_id: str,
        waker: socket.socket,
        stop: threading.Event,
        answer_s: float,
    ) -> None:
        self._stop, self._answer_s = stop, answer_s
        self.window = MOST_IN_FLIGHT
        self.acks: deque[Ack] = deque()
        self.heard: deque[tuple[str, bytes]] = deque()
        self._settings, self._topics, self._waker = settings, topics, waker
        self._place = f"{settings.host}:{settings.port or (8883 if settings.tls else 1883)}"
        self._connected = False
        self._largest: int | None = None
        self._why = ""
        self._client = self._make_client(client_id)

    def __enter__(self) -> Self:
        try:
            self._connect()
        except BaseException:
            self._let_go()
            raise
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        """Say goodbye, for a second at most; after an error not, so that the will is read out."""
        if error is None:
            with suppress(DeliveryError, OSError, ValueError):
                self._client.disconnect()
                end = monotonic() + _FAREWELL_S
                while self._client.want_write() and monotonic() < end:
                    self.turn(0.1)
        self._let_go()

    def subscribe(self, topic: str) -> None:
        """Hear what is said there; a broker that forbids it is left in peace."""
        self._client.subscribe(topic)

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 0, id_: str = ""
    ) -> int | None:
        """Send a message; its number, or None where the broker takes none of such a size."""
        if self._largest is not None and len(topic) + len(payload) + 200 > self._largest:
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if id_:
            properties.ContentType = "application/json"
            properties.UserProperty = ("id", id_)
        sent = self._client.publish(topic, payload, qos, retain, properties)
        self._check(sent.rc)
        return sent.mid

    def turn(self, timeout_s: float) -> None:
        """Send and receive what there is; wait for it, or for the waker, up to `timeout_s`."""
        wire: Any = self._client.socket()
        if wire is None:
            raise self._lost()
        waits = hasattr(wire, "pending") and wire.pending() > 0  # decrypted, so not seen by poll
        poll = select.poll()
        poll.register(wire, select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
        poll.register(self._waker, select.POLLIN)
        ready = dict(poll.poll(0 if waits else timeout_s * 1000))
        if self._waker.fileno() in ready:
            with suppress(BlockingIOError):
                self._waker.recv(4096)
        ready_wire = ready.get(wire.fileno(), 0)
        if waits or ready_wire & ~select.POLLOUT:
            self._check(self._client.loop_read())
        if self._client.want_write():
            self._check(self._client.loop_write())
        self._check(self._client.loop_misc())

    def _make_client(self, client_id: str) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = self._answer_s
        client.max_inflight_messages = MOST_IN_FLIGHT
        client.will_set(self._topics.availability, OFFLINE, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def _connect(self) -> None:
        host, port = self._place.rsplit(":", 1)
        try:
            self._introduce()
            self._client.connect(host, int(port), _KEEPALIVE_S, clean_start=True)
        except UsageError as error:  # a secret that cannot be read
            raise DeliveryError(str(error)) from error
        except ssl.SSLError as error:
            raise DeliveryError(f"no encrypted connection to {self._place}: {error}") from error
        except TimeoutError as error:
            raise DeliveryError(f"{self._place} does not answer") from error
        except OSError as error:
            cause = error.strerror or error
            raise DeliveryError(f"{self._place} cannot be reached: {cause}") from error
        end = monotonic() + self._answer_s
        while not self._connected:
            if self._stop.is_set():
                raise DeliveryError("it is ended before the broker has answered")
            if monotonic() > end:
                raise DeliveryError(
                    f"{self._place} has taken the connection and says nothing: is it a broker?"
                )
            self.turn(0.2)

    def _introduce(self) -> None:
        settings = self._settings
        if settings.username is not None:
            password = settings.password.read() if settings.password is not None else None
            self._client.username_pw_set(settings.username, password)
        if settings.tls:
            context = ssl.create_default_context(cafile=settings.ca)
            if settings.certificate is not None:
                context.load_cert_chain(settings.certificate, settings.key)
            self._client.tls_set_context(context)

    def _on_connect(
        self,
        _client: Client,
        _data: Any,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._why = f"{self._place} refuses the connection: {_said(reason)}"
            return
        self._connected = True
        self.window = min(MOST_IN_FLIGHT, getattr(properties, "ReceiveMaximum", MOST_IN_FLIGHT))
        self._largest = getattr(properties, "MaximumPacketSize", None)

    def _on_disconnect(
        self,
        _client: Client,
        _data: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._why = f"{self._place} has ended the connection: {_said(reason)}"

    def _on_publish(
        self,
        _client: Client,
        _data: Any,
        mid: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.acks.append(Ack(mid, _said(reason) if reason.is_failure else None))

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.heard.append((message.topic, bytes(message.payload)))

    def _check(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self._lost(code)

    def _lost(self, code: MQTTErrorCode | None = None) -> DeliveryError:
        if self._why:
            return DeliveryError(self._why)
        if not self._connected:
            return DeliveryError(f"{self._place} ends the connection at once: is it a broker?")
        said = f" ({error_string(code)})" if code is not None else ""
        # Some brokers do not say why, also when another client takes the place.
        return DeliveryError(
            f"the connection to {self._place} was lost{said}; if that happens again and again: "
            "does another device use the same client_id?"
        )

    def _let_go(self) -> None:
        wire: Any = self._client.socket()
        if wire is not None:
            with suppress(OSError):
                wire.close()


def _said(reason: ReasonCode) -> str:
    advice = _ADVICE.get(reason.value)
    return f"{reason}" + (f"; {advice}" if advice else "")
