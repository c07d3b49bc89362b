"""What several tests of the store need: events, patience, small file systems."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from galago.edge.event import Event
from galago.edge.health import Health
from galago.edge.record import Keeper, Picture, Record, StoredEvent
from galago.edge.store.reader import Reader
from galago.edge.store.recorder import Recorder
from galago.edge.store.settings import StoreSettings

MODEL = "3f" * 32
AT_ONCE = StoreSettings(commit_s=0.0)
TIME_MS = 1_795_557_595_123  # 2026-11-24T21:59:55.123Z


def event(number: int, label: str = "cat", **other: str | None) -> Event:
    """An event whose `seconds` tell it from others."""
    time_ = f"2026-11-24T21:59:55.{number % 1000:03}+00:00"
    fields = {"snapshot": None, "region": None} | other
    return Event(time_, label, 0.93, "dog", float(number), model=MODEL, device="pi", **fields)


def picture(name: str, size: int = 1000) -> Picture:
    """A picture of three files, `size` bytes together."""
    full = b"\xff" * (size - 200)
    return Picture(name, "event", TIME_MS, "cat", 0.9, None, MODEL, full, b"c" * 100, b"t" * 100)


def record(folder: Path, *events: Event, settings: StoreSettings = AT_ONCE) -> None:
    """A recorder's whole life, in which these events are stored."""
    with Recorder(folder, settings, Health(), None) as recorder:
        for one in events:
            recorder.put(Record(one))


def stored(folder: Path) -> list[StoredEvent]:
    """All events, oldest first."""
    with Reader(folder) as reader:
        return reader.events_after(0, 1_000_000)


def values(folder: Path) -> list[float]:
    """`seconds` of all events, oldest first."""
    return [one.event.seconds for one in stored(folder)]


def eventually(what: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether it comes true within a few seconds."""
    deadline = time.monotonic() + seconds
    while not what() and time.monotonic() < deadline:
        time.sleep(0.01)
    return what()


def settled(recorder: Recorder) -> bool:
    """Whether all that was put gets written within a few seconds."""
    return eventually(lambda: recorder.facts()["pending"] == 0)


@contextmanager
def recording(
    folder: Path, settings: StoreSettings = AT_ONCE, shelf: Keeper | None = None
) -> Iterator[tuple[Recorder, Health]]:
    """A recorder, and the health that it reports to."""
    health = Health()
    with Recorder(folder, settings, health, shelf) as recorder:
        yield recorder, health


@contextmanager
def small_disk(place: Path, size: str = "1m") -> Iterator[Path]:
    """A file system of its own, in memory, mounted at `place`."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "galago-test", str(place)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"needs the right to mount: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)  # noqa: S607


def fill(place: Path) -> Path:
    """A file that takes all room that is left."""
    filler = place / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(b"\0" * 65536)
                file.flush()
        except OSError:
            pass
    return filler
