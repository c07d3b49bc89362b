"""Lives of a store's writer that end by SIGKILL, and what must be true after each."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from galago.edge.health import Health
from galago.edge.record import Snapshot
from galago.edge.snapshots.place import PICTURES, files
from galago.edge.snapshots.shelf import Shelf
from galago.edge.store.reader import Reader
from galago.edge.store.recorder import Recorder
from tests.edge.store.writer import PUBLISHER, SNAPSHOTS, STORE

WRITER = Path(__file__).with_name("writer.py")
LONGEST_S = 0.25  # of a life; the start takes a tenth of it


class Nursery:
    """The program that forks writers."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-P", str(WRITER)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=10)

    def live(self, folder: Path, seed: int, seconds: float) -> dict[int, float]:
        """Let a writer live for `seconds`; the events that it said were safe."""
        speak, hear = self._process.stdin, self._process.stdout
        assert speak is not None
        assert hear is not None
        speak.write(f"{folder} {seed}\n")
        speak.flush()
        safe: dict[int, float] = {}
        pid = None
        for line in hear:
            word, *values = line.split()
            if word == "PID":
                pid = int(values[0])
                time.sleep(seconds)
                os.kill(pid, signal.SIGKILL)
            elif word == "A":
                safe[int(values[0])] = float(values[1])
            elif word == "END":
                return safe
        raise AssertionError("the nursery is gone")


@dataclass
class Tally:
    """What was counted over many lives."""

    kills: int = 0
    events: int = 0
    pictures: int = 0
    lost: int = 0
    replaced: int = 0
    rows_without_file: int = 0
    files_without_row: int = 0
    unread: int = 0
    went_back: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong that must not."""
        wrong = (self.lost, self.replaced, self.rows_without_file, self.files_without_row)
        return not any((*wrong, self.unread, self.went_back))


def kill_often(root: Path, kills: int, seed: int = 0, lives: int = 25) -> Tally:
    """Kill writers at random moments, `lives` of them one after the other in each folder."""
    randoms = random.Random(seed)  # noqa: S311 - moments, no secret
    tally = Tally()
    with Nursery() as nursery:
        for folder_number in range((kills + lives - 1) // lives):
            folder = root / f"{folder_number}"
            safe: dict[int, float] = {}
            with Reader(folder) as reader:  # one that is there all the time, as the page's is
                for _ in range(min(lives, kills - tally.kills)):
                    safe |= nursery.live(folder, tally.kills, randoms.uniform(0.001, LONGEST_S))
                    tally.kills += 1
                    tally.unread += reader.last() < max(safe, default=0)
                    judge(folder, safe, tally)
            tally.events += len(safe)
    return tally


def judge(folder: Path, safe: dict[int, float], tally: Tally) -> None:
    """Look at what a kill has left, after the next start."""
    health = Health()
    with Recorder(folder, STORE, health, Shelf(folder, SNAPSHOTS, health)) as recorder:
        cursor = recorder.register(PUBLISHER)
    tally.replaced += "store.replaced" in health.states
    with Reader(folder) as reader:
        stored = {e.number: e.event.seconds for e in reader.events_after(0, 10_000_000)}
        shots = reader.snapshots(limit=10_000_000)
    tally.lost += sum(stored.get(number) != value for number, value in safe.items())
    tally.went_back += cursor > max(stored, default=0)
    tally.pictures = max(tally.pictures, len(shots))
    compare(folder, shots, tally)


def compare(folder: Path, shots: list[Snapshot], tally: Tally) -> None:
    """Count rows and files that are without the other."""
    wanted = set()
    for shot in shots:
        full, crop, thumbnail, clip = files(folder, shot.name)
        wanted |= {full, crop, thumbnail, *([clip] if shot.clip else [])}
    there = {path for path in (folder / PICTURES).rglob("*") if path.is_file()}
    tally.rows_without_file += len(wanted - there)
    tally.files_without_row += len(there - wanted)
