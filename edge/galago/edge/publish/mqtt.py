"""A broker, and Home Assistant through it.

- Events are told with QoS 1 and not retained, at most twenty under way; one has arrived when the
  broker has acknowledged it.
- What is true now (state, health, picture, presence, the announcement) is retained, told at each
  connection and when it changes, and at most once a second.
- The broker says `offline` by itself when the camera is gone without a word.
"""

import random
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from galago.edge.health import Health
from galago.edge.publish.backoff import Pace
from galago.edge.publish.courier import Courier, DeliveryError, RefusedError
from galago.edge.publish.homeassistant import BIRTH, BIRTH_TOPIC, announcement, discovery_topic
from galago.edge.publish.link import Link
from galago.edge.publish.messages import (
    event_message,
    health_message,
    image_message,
    state_message,
)
from galago.edge.publish.outbox import Outbox
from galago.edge.publish.settings import MqttSettings
from galago.edge.publish.topics import OFFLINE, ONLINE, Topics, fit
from galago.edge.record import StoredEvent
from galago.edge.vitals.document import Status

_TICK_S = 1.0
_REPEAT_S = 60.0  # state and health, though nothing has changed
_WELL_AFTER_S = 5.0  # a connection that is taken away at once, again and again, is not well
_FAREWELL_S = 1.0
_BIRTH_JITTER_S = 5.0  # a house full of cameras does not answer all at once
_DEFAULT_DISCOVERY = "homeassistant"


@dataclass(frozen=True, slots=True)
class Camera:
    """What the broker is told of: `regions` by name; `folder` of the store, for pictures."""

    device: str
    regions: Sequence[str]
    folder: Path
    status: Callable[[], Status]


class _Sent(NamedTuple):
    """An event under way, since `at_s`, monotonic."""

    event: StoredEvent
    at_s: float


@dataclass(slots=True)
class _Retained:
    """What was told last on this connection, and when, monotonic seconds."""

    states: frozenset[str] = frozenset()
    announced: bytes = b""
    told_s: float = 0.0
    announce_s: float | None = None  # when Home Assistant, which has just started, is to be told
    image: str | None = None


class MqttCourier(Courier):
    """Tells one broker."""

    kind = "mqtt"

    def __init__(
        self,
        settings: MqttSettings,
        camera: Camera,
        outbox: Outbox,
        health: Health,
        pace: Pace | None = None,
    ) -> None:
        super().__init__("mqtt", outbox, health, pace)
        self._settings, self._camera = settings, camera
        self._topics = Topics(f"{settings.topic}/{fit(camera.device)}")
        self._client_id = settings.client_id or f"galago-{fit(camera.device)}"
        self._on_the_way: dict[int, _Sent] = {}
        self._new_image: str | None = None
        self._changed = self._is_open = False
        self._waker, self._bell = socket.socketpair()
        for end in (self._waker, self._bell):
            end.setblocking(False)  # noqa: FBT003 - its only argument

    def wake(self) -> None:
        """As of Courier."""
        with suppress(OSError):  # full: it will wake; closed: it has ended
            self._bell.send(b"\0")

    def join(self, timeout_s: float) -> None:
        """As of Courier."""
        super().join(timeout_s)
        if not self._thread.is_alive():
            self._waker.close()
            self._bell.close()

    @property
    def _connected(self) -> bool:
        return self._is_open

    def _work(self) -> None:
        self._on_the_way.clear()
        try:
            with self._link() as link:
                self._is_open = True
                self._serve(link)
                self._leave(link)
        finally:
            self._is_open = False

    def _link(self) -> Link:
        who = self._settings, self._topics, self._client_id
        return Link(*who, self._waker, self._stop, self._pace.answer_s)

    def _serve(self, link: Link) -> None:
        since_s = monotonic()
        told = _Retained()
        self._greet(link)
        while not self._stop.is_set():
            self._send(link)
            self._tell(link, told)
            link.turn(_TICK_S)
            self._take_acks(link)
            self._listen(link, told)
            if monotonic() - since_s > _WELL_AFTER_S and not self._on_the_way:
                self._well()

    def _greet(self, link: Link) -> None:
        link.publish(self._topics.availability, ONLINE.encode(), retain=True)
        if self._settings.discovery:
            link.subscribe(BIRTH_TOPIC)
        else:  # whoever has switched it off wants to be rid of what was announced before
            link.publish(discovery_topic(_DEFAULT_DISCOVERY, self._camera.device), b"", retain=True)

    def _leave(self, link: Link) -> None:
        """Wait a little for what is under way, and go."""
        link.publish(self._topics.availability, OFFLINE.encode(), retain=True)
        end = monotonic() + _FAREWELL_S
        while self._on_the_way and monotonic() < end:
            link.turn(0.1)
            self._take_acks(link)

    def _send(self, link: Link) -> None:
        self._outbox.look()
        while len(self._on_the_way) < link.window and (event := self._outbox.next()):
            mid = link.publish(self._topics.event, event_message(event), qos=1, id_=event.id)
            if mid is None:
                self._refused(event, RefusedError("the broker takes no message of its size"))
                continue
            self._on_the_way[mid] = _Sent(event, monotonic())
            self._changed = True
            self._new_image = event.event.snapshot or self._new_image
        oldest = next(iter(self._on_the_way.values()), None)
        answer_s = self._pace.answer_s
        if oldest is not None and monotonic() - oldest.at_s > answer_s:
            raise DeliveryError(f"the broker has acknowledged nothing for {answer_s:g} s")

    def _take_acks(self, link: Link) -> None:
        while link.acks:
            ack = link.acks.popleft()
            sent = self._on_the_way.pop(ack.mid, None)
            if sent is None:
                continue  # of something that is no event
            if ack.refused is not None:
                cause = f"the broker refuses to take it: {ack.refused}"
                self._refused(sent.event, RefusedError(cause))
                continue
            self._outbox.arrived(sent.event.number)
            self._backoff.reset()
            self._well()

    def _tell(self, link: Link, told: _Retained) -> None:
        """What is true now, where it has changed or was told long ago."""
        now_s = monotonic()
        if told.announce_s is not None and now_s > told.announce_s:
            told.announce_s, told.announced, told.told_s = None, b"", 0.0
        states = frozenset(self._health.states)
        due = not told.told_s or now_s - told.told_s > _REPEAT_S
        changed = states != told.states or self._changed
        if not due and not (changed and now_s - told.told_s > _TICK_S):
            return
        told.told_s, told.states, self._changed = now_s, states, False
        status = self._camera.status()
        self._announce(link, told, status)
        if status["now"]:
            link.publish(self._topics.state, state_message(status), retain=True)
        link.publish(self._topics.health, health_message(status), retain=True)
        self._show(link, told)

    def _announce(self, link: Link, told: _Retained, status: Status) -> None:
        if not self._settings.discovery:
            return
        device, regions = self._camera.device, self._camera.regions
        images = self._settings.images
        announced = announcement(device, status, regions, self._topics, images=images)
        if announced != told.announced:  # another model may have other labels
            topic = discovery_topic(self._settings.discovery, device)
            link.publish(topic, announced, retain=True)
            told.announced = announced

    def _show(self, link: Link, told: _Retained) -> None:
        snapshot = self._new_image
        if not self._settings.images or snapshot is None or snapshot == told.image:
            return
        told.image = snapshot
        if (picture := image_message(self._camera.folder, snapshot)) is not None:
            link.publish(self._topics.image, picture, retain=True)

    def _listen(self, link: Link, told: _Retained) -> None:
        while link.heard:
            topic, payload = link.heard.popleft()
            if (topic, payload) == (BIRTH_TOPIC, BIRTH.encode()):
                told.announce_s = monotonic() + random.uniform(0.0, _BIRTH_JITTER_S)  # noqa: S311 - no secret
