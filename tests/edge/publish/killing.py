"""Whether events get lost: a camera that is killed again and again, a broker that is restarted.

- The broker is a real mosquitto, which keeps its sessions over a restart; the listener's session
  lasts, too, so that on its side nothing is lost.
- Kills come when a random number of events has been stored and a random moment has passed.
- What counts is the store at the end: each event in it must have arrived, and so must each that the
  camera has ever called safe.
"""

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from galago.edge.store.reader import Reader
from tests.edge.publish.house import Broker, mosquitto

REPOSITORY = Path(__file__).parents[3]
_QUIET_S = 60.0  # without a single arrival: then something hangs
_PAGE = 1000


@dataclass(frozen=True)
class Outcome:
    """Figures of one run. `duplicates`: arrivals of an event that had arrived before."""

    stored: int
    lost: int
    forgotten: int
    duplicates: int
    kills: int
    restarts: int
    seconds: float


class Witness:
    """Counts what arrives, by id, through a session that outlives connections."""

    def __init__(self, port: int) -> None:
        self.arrived: Counter[str] = Counter()
        self.latest = time.monotonic()
        self._subscribed = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, "witness", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._take
        lasting = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        lasting.SessionExpiryInterval = 86_400
        self._client.connect("127.0.0.1", port, clean_start=False, properties=lasting)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._subscribed.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, *_: object) -> None:
        self._client.subscribe("galago/+/event", qos=1)

    def _take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.latest = time.monotonic()
        properties: Any = message.properties
        self.arrived.update(value for key, value in properties.UserProperty if key == "id")


def torture(folder: Path, events: int, kills: int, restarts: int, seed: int) -> Outcome:
    """Have so many events stored and told, through so many faults; `folder` is empty."""
    dice = random.Random(seed)  # noqa: S311 - dice
    began = time.monotonic()
    state = folder / "state"
    state.mkdir()
    lines = (
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {folder / 'broker'}/",
        "max_queued_messages 0",
    )
    with mosquitto(folder / "broker", *lines) as broker, Witness(broker.port) as witness:
        plan = _plan(dice, events, kills, restarts)
        _Ordeal(state, events, broker, witness, dice).live_through(plan)
        known = stored(state)
        safe = set((state / "stored").read_text().splitlines())
        _wait_for(witness, known)
    return Outcome(
        stored=len(known),
        lost=len((known | safe) - witness.arrived.keys()),
        forgotten=len(safe - known),
        duplicates=witness.arrived.total() - len(witness.arrived),
        kills=kills,
        restarts=restarts,
        seconds=time.monotonic() - began,
    )


def stored(folder: Path) -> set[str]:
    """Ids of all events in a store."""
    ids: set[str] = set()
    number = 0
    with Reader(folder) as reader:
        while page := reader.events_after(number, _PAGE):
            ids.update(event.id for event in page)
            number = page[-1].number
    return ids


def _plan(dice: random.Random, events: int, kills: int, restarts: int) -> list[tuple[int, str]]:
    """At which number of stored events what happens, soonest last."""
    faults = [(dice.randrange(events), "kill") for _ in range(kills)]
    faults += [(dice.randrange(events), "restart") for _ in range(restarts)]
    return sorted(faults, reverse=True)


class _Ordeal:
    """A camera, and what is done to it."""

    def __init__(
        self, state: Path, events: int, broker: Broker, witness: Witness, dice: random.Random
    ) -> None:
        self._state, self._events, self._dice = state, events, dice
        self._broker, self._witness = broker, witness
        self._camera = self._start()

    def live_through(self, plan: list[tuple[int, str]]) -> None:
        """All of the plan, until every event has reached the broker."""
        try:
            with Reader(self._state) as reader:
                while plan or self._camera.poll() is None:
                    if plan and reader.last() >= plan[-1][0]:
                        self._suffer(plan.pop()[1])
                    time.sleep(0.01)
                    quiet_s = time.monotonic() - self._witness.latest
                    assert quiet_s < _QUIET_S, "nothing arrives any more"
            assert self._camera.returncode == 0, (self._state / "said").read_text()
        finally:
            self._camera.kill()
            self._camera.wait()

    def _suffer(self, fault: str) -> None:
        time.sleep(self._dice.uniform(0, 0.2))
        if fault == "kill":
            self._camera.kill()
            self._camera.wait()
            self._camera = self._start()
        else:
            self._broker.stop()
            time.sleep(self._dice.uniform(0, 1))
            self._broker.start()

    def _start(self) -> subprocess.Popen[bytes]:
        words = ("tests.edge.publish.camera", self._state, self._broker.port, self._events)
        command = [sys.executable, "-m", *map(str, words)]
        with (self._state / "said").open("ab") as said:
            return subprocess.Popen(command, cwd=REPOSITORY, stderr=said)


def _wait_for(witness: Witness, known: set[str]) -> None:
    """For what the broker still has for the listener."""
    while known - witness.arrived.keys() and time.monotonic() - witness.latest < _QUIET_S / 4:
        time.sleep(0.1)
