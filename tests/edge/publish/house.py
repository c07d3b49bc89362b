"""What the publishers' tests share: a real store, events, a status, a broker that is started."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from galago.edge.event import Event
from galago.edge.health import Change, Health
from galago.edge.publish.backoff import Pace
from galago.edge.publish.outbox import Outbox
from galago.edge.record import Record
from galago.edge.store.reader import Reader
from galago.edge.store.recorder import Recorder
from galago.edge.store.settings import StoreSettings
from galago.edge.vitals.document import (
    CameraFacts,
    HealthFacts,
    Latency,
    LoopFacts,
    MachineFacts,
    ModelFacts,
    NowSeen,
    Status,
)
from tests.ports import free_port

HANG_S = 30.0  # what a wait may last at most before a test calls it a hang
QUICK = Pace(first_s=0.02, last_s=0.1, patience_s=0.0, tries=3, answer_s=1.0)
LABELS = ("cat", "dog")
# Started by root, mosquitto becomes a user who may not read what a test has written for it.
USER = ("user root",) if os.geteuid() == 0 else ()


def make_event(
    label: str = "cat", previous: str | None = "dog", region: str | None = None, **more: Any
) -> Event:
    """An event like those of the loop."""
    known = {"score": 0.91, "seconds": 12.5, "snapshot": None, "device": "porch"} | more
    time_ = "2026-11-25T01:02:03.456+00:00"
    return Event(
        time=time_, label=label, previous=previous, model="c0ffee" * 10, region=region, **known
    )


class Store:
    """A recorder in a folder of its own, which commits at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[Change] = []
        self.health = Health(self.said.append)
        self.recorder = Recorder(folder, StoreSettings(commit_s=0), self.health, None)

    def put(self, *labels: str, **more: Any) -> None:
        """Store events, and wait until they are."""
        with Reader(self.folder) as reader:
            goal = reader.last() + len(labels)
            for label in labels:
                self.recorder.put(Record(make_event(label, **more)))
            wait_until(lambda: reader.last() >= goal)

    def outbox(self, name: str = "it", labels: tuple[str, ...] = (), limit: int = 1000) -> Outbox:
        """One that is registered."""
        box = Outbox(name, self.recorder, self.folder, labels, limit)
        box.register()
        return box

    def __enter__(self) -> Self:
        self.recorder.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.recorder.__exit__(*error)


def wait_until(true: Callable[[], object]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + HANG_S
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


class Broker:
    """A mosquitto on a port of its own, which may be ended and started again."""

    def __init__(self, folder: Path, *lines: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._folder, self._process = folder, None
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join((f"listener {self.port} 127.0.0.1", *USER, *lines, "")))

    _process: subprocess.Popen[bytes] | None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        if not Path(program).exists():
            import pytest

            pytest.skip("needs mosquitto")
        log = (self._folder / "mosquitto.log").open("ab")
        self._process = subprocess.Popen([program, "-c", self._config], stdout=log, stderr=log)
        log.close()
        wait_until(self._listens)

    def stop(self) -> None:
        """End it as a service manager does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(HANG_S)

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(HANG_S)

    def _listens(self) -> bool:
        with socket.socket() as asker:
            return asker.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def mosquitto(folder: Path, *lines: str) -> Iterator[Broker]:
    """One that runs; without `lines`, for anybody."""
    broker = Broker(folder, *(lines or ("allow_anonymous true",)))
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


class Listener:
    """Hears everything below `topic`: payloads by topic, in their order."""

    def __init__(self, port: int, topic: str = "#", **login: str) -> None:
        self.heard: dict[str, list[bytes]] = {}
        self.retained: dict[str, bool] = {}
        self.ids: list[str] = []
        self._topic = topic
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        if login:
            self.client.username_pw_set(login["username"], login["password"])
        self.client.on_connect = self._subscribe
        self.client.on_message = self._take
        self._subscribed = False
        self.client.on_subscribe = self._note
        self.client.connect("127.0.0.1", port)

    def newest(self, topic: str) -> Any:
        """The JSON that came last; None: none came."""
        heard = self.heard.get(topic)
        return json.loads(heard[-1]) if heard else None

    def _subscribe(self, *_: object) -> None:
        self.client.subscribe(self._topic, qos=1)

    def _note(self, *_: object) -> None:
        self._subscribed = True

    def _take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.setdefault(message.topic, []).append(bytes(message.payload))
        self.retained[message.topic] = message.retain
        for key, value in getattr(message.properties, "UserProperty", []):
            if key == "id":
                self.ids.append(value)

    def __enter__(self) -> Self:
        self.client.loop_start()
        wait_until(lambda: self._subscribed)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def status(*now: NowSeen, labels: tuple[str, ...] = LABELS, level: Any = "ok") -> Status:
    """A status document of a camera for which all is well."""
    return Status(
        device="porch",
        version="0.1.0",
        time="2026-11-25T01:02:03.456+00:00",
        started="2026-11-24T01:02:03.456+00:00",
        uptime_s=86_400.0,
        model=ModelFacts(
            name="feeder",
            sha256="c0ffee" * 10,
            labels=list(labels),
            size=[64, 64],
            interpreter="LiteRT 2",
            accelerated=True,
            accuracy=0.97,
            trained=None,
            probation=None,
        ),
        camera=CameraFacts(source="fake:", detail="", live=True),
        now=list(now) or [seen_now()],
        loop=LoopFacts(
            frames=10,
            dropped=0,
            rate=15.0,
            p50_ms=8.0,
            p99_ms=12.0,
            latency=Latency(le_s=[0.1], counts=[10], sum_s=0.1, count=10),
        ),
        machine=MachineFacts(
            model="Raspberry Pi 5",
            celsius=51.5,
            throttled=[],
            memory_mb=90.0,
            available_mb=3000.0,
            clock_synchronised=True,
        ),
        store=None,
        publishers=[],
        health=HealthFacts(level=level, states=[]),
    )


def seen_now(label: str = "cat", region: str | None = None) -> NowSeen:
    """What is seen in one region."""
    since = "2026-11-25T01:02:00.000+00:00"
    scores = {"cat": 0.9, "dog": 0.1}
    return NowSeen(region=region, label=label, score=0.9, since=since, scores=scores)


@contextmanager
def silent_server() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        yield int(server.getsockname()[1])


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """One that says, to each that connects, whatever `talk` does."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                caller, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(caller,), daemon=True).start()

    def answer(caller: socket.socket) -> None:
        with caller:
            try:
                talk(caller)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(server.getsockname()[1])
    finally:
        server.close()
