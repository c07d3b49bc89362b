"""A program that lets daemons' stores write until they are killed.

For each line `FOLDER SEED` on its input it forks a child, which runs the real Recorder with the
real Shelf under load. It says `PID …`; the child says `A NUMBER VALUE` of each event once that is
told to be safe; when the child is dead it says `END`.
"""

import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from galago.edge.event import Event
from galago.edge.health import Health
from galago.edge.record import Film, Minute, Picture, Record, StoredEvent
from galago.edge.snapshots.place import make_name
from galago.edge.snapshots.settings import SnapshotSettings
from galago.edge.snapshots.shelf import Shelf
from galago.edge.store.recorder import Recorder
from galago.edge.store.settings import StoreSettings

PUBLISHER = "hook"
SNAPSHOTS = SnapshotSettings(keep_mb=1, keep_free_mb=0, keep_each=2)
STORE = StoreSettings(commit_s=0.01, commit_events=20)
_START = datetime(2026, 11, 24, tzinfo=UTC)


def main() -> None:
    """Fork a child for each line."""
    for line in sys.stdin:
        folder, seed = line.split()
        pid = os.fork()
        if pid == 0:
            write(Path(folder), int(seed))
        say(f"PID {pid}")
        os.waitpid(pid, 0)
        say("END")


def write(folder: Path, seed: int) -> None:
    """Write until killed."""
    randoms = random.Random(seed)  # noqa: S311 - a load, no secret
    share = (0.4, 0.02)[seed % 2]  # of pictures, which take most of the time
    health = Health()
    with Recorder(folder, STORE, health, Shelf(folder, SNAPSHOTS, health)) as recorder:
        recorder.subscribe(tell)
        recorder.register(PUBLISHER)
        recorder.subscribe(lambda events: recorder.acknowledge(PUBLISHER, events[-1].number))
        for number in range(1_000_000):
            put(recorder, seed * 1_000_000 + number, randoms, share)
            if recorder.facts()["pending"] > 100:
                time.sleep(0.005)


def put(recorder: Recorder, number: int, randoms: random.Random, share: float) -> None:
    """One record of any kind, `number` as its `seconds`."""
    moment = _START + timedelta(milliseconds=number)
    chance = randoms.random()
    name = make_name(moment, "cat", None) if chance < share else None
    event = Event(
        moment.isoformat(timespec="milliseconds"),
        *("cat", 0.9, "dog", float(number), name, "a" * 64, "pi", None),
    )
    if name is None:
        recorder.put(Record(event))
    else:
        picture = make_picture(name, moment, randoms.randrange(1_000, 40_000))
        recorder.put(Record(None if chance < share / 4 else event, picture))
        if chance > share / 2:
            recorder.put(Record(film=Film(name, b"\x1a" * 20_000)))
    if chance > 0.99:
        recorder.put_minute(Minute(number, 1, 0, 1, 2, 40.5, (), {(None, "cat"): 1.0}))


def make_picture(name: str, moment: datetime, size: int) -> Picture:
    """A picture of `size` bytes and a little more."""
    time_ms = round(moment.timestamp() * 1000)
    jpeg = b"\xff" * size
    return Picture(
        *(name, "event", time_ms, "cat", 0.9, None, "a" * 64), jpeg, jpeg[:3000], jpeg[:999]
    )


def tell(events: list[StoredEvent]) -> None:
    """Say that events are safe."""
    say("\n".join(f"A {event.number} {event.event.seconds}" for event in events))


def say(text: str) -> None:
    """In one piece, unless it is longer than a pipe takes at once."""
    os.write(1, f"{text}\n".encode())


if __name__ == "__main__":
    main()
