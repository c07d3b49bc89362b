"""What the store costs: bytes to the disk, microseconds in the loop; and what kills leave behind.

    python bench/store.py FOLDER [--kills 1000] [--check-mb 100]

FOLDER must be on a file system whose writes the kernel counts (ext4; tmpfs counts nothing): the
bytes are `write_bytes` of /proc/self/io, of this process alone, up to and with the checkpoint at
the end. Wanted: at most 1200 bytes per event at a burst, no acknowledged event missing, no row of a
picture without its file or the other way round.
"""

import argparse
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

from machine import describe

sys.path.insert(0, str(Path(__file__).parents[1]))

from galago.edge.event import Event
from galago.edge.health import Health
from galago.edge.record import Minute, Record
from galago.edge.store.database import NAME, Database
from galago.edge.store.ledger import Ledger
from galago.edge.store.recorder import Recorder
from galago.edge.store.settings import StoreSettings
from galago.edge.store.waiting import LAZY_S, MINUTES, Batch
from tests.edge.store.killing import kill_often

PUBLISHER = "mqtt"
SETTINGS = StoreSettings()


def event(number: int) -> Event:
    """An event as they are: sha256 of a model, a picture's name, a host's name."""
    return Event(
        time=f"2026-11-24T21:{number // 60 % 60:02}:{number % 60:02}.{number % 1000:03}+00:00",
        label=("cat", "dog", "empty", "person")[number % 4],
        score=0.9312,
        previous=("dog", "empty", "person", "cat")[number % 4],
        seconds=round(number * 0.731 % 300, 3),
        snapshot="20261124T215955.123Z_cat",
        model="3f786850e387550fdab836ed7e6dc881de23001b3f786850e387550fdab836ed",
        device="garden-pi",
        region=None,
    )


def written() -> int:
    """Bytes that this process has caused to be written to a disk."""
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise OSError("/proc/self/io has no write_bytes")


def bytes_in_burst(folder: Path, count: int, pace_s: float, *, acknowledge: bool) -> float:
    """Per event of `count`, from the making of the file to its end, the checkpoint in it."""
    os.sync()
    before = written()
    with Recorder(folder, SETTINGS, Health(), None) as recorder:
        attend(recorder, acknowledge=acknowledge)
        for number in range(count):
            recorder.put(Record(event(number)))
            time.sleep(pace_s)
            while recorder.facts()["pending"] > 1000:
                time.sleep(0.01)
    return (written() - before) / count


def bytes_in_trickle(folder: Path, count: int, pace_s: float) -> float:
    """Per event that is alone, in a store that is a while old."""
    with Recorder(folder, SETTINGS, Health(), None) as recorder:
        attend(recorder, acknowledge=True)
        for number in range(2000):
            recorder.put(Record(event(number)))
        time.sleep(LAZY_S + 1.0)
        os.sync()
        before = written()
        for number in range(count):
            recorder.put(Record(event(number)))
            time.sleep(pace_s)
        return (written() - before) / count


def bytes_of_minutes(folder: Path, together: int) -> float:
    """Per minute, of which `together` are written at once; two regions, three labels."""
    database = Database.open(folder)
    ledger = Ledger(database, SETTINGS, None)
    shares = {(region, label): 10.0 for region in (None, "door") for label in ("cat", "dog", "fox")}
    batches = [
        Batch(
            minutes=[
                Minute(first + n, 900, 0, 1500, 4000, 51.0, (), shares) for n in range(together)
            ]
        )
        for first in range(29_900_000, 29_900_300, together)
    ]
    before = written()
    for batch in batches:
        ledger.write(batch, 0)
    database.close()
    return (written() - before) / 300


def attend(recorder: Recorder, *, acknowledge: bool) -> None:
    """Be a publisher, one that has each group of events at once."""
    recorder.register(PUBLISHER)
    if acknowledge:
        recorder.subscribe(lambda events: recorder.acknowledge(PUBLISHER, events[-1].number))


def put_us(folder: Path) -> tuple[float, float]:
    """Median and 99th percentile of `put` in the caller's thread, 30 a second as from a loop."""
    times = []
    with Recorder(folder, StoreSettings(), Health(), None) as recorder:
        for number in range(600):
            record = Record(event(number))
            start = time.perf_counter_ns()
            recorder.put(record)
            times.append((time.perf_counter_ns() - start) / 1000)
            time.sleep(1 / 100)
    return statistics.median(times), sorted(times)[round(len(times) * 0.99)]


def check_s(folder: Path, megabytes: int) -> tuple[float, float, float]:
    """Megabytes of a full store, seconds to open it with the check of all of it, and without."""
    database = Database.open(folder)
    database.connection.execute(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT ?) "
        "INSERT INTO events SELECT x, x, 'cat', .9, 'dog', 3.5, ?, ?, 'garden-pi', NULL FROM n",
        (megabytes * 6500, "20261124T215955.123Z_cat", "3f" * 32),
    )
    database.close()
    times = []
    for known in (None, database.identity):
        start = time.perf_counter()
        Database.open(folder, known).close()
        times.append(time.perf_counter() - start)
    return (folder / NAME).stat().st_size / 1e6, times[0], times[1]


def fresh(root: Path) -> Path:
    """A folder of its own."""
    return Path(tempfile.mkdtemp(dir=root))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--check-mb", type=int, default=100)
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(dir=options.folder, prefix="galago-store-"))
    print(describe(), f"SQLite {sqlite3.sqlite_version}")
    try:
        show(root, options.kills, options.check_mb)
    finally:
        shutil.rmtree(root)


def show(root: Path, kills: int, check_mb: int) -> None:
    """All of them."""
    burst = bytes_in_burst(fresh(root), 20_000, 0.0, acknowledge=True)
    print(f"burst of 20 000, one publisher: {burst:.0f} bytes per event (≤ 1200)")
    burst = bytes_in_burst(fresh(root), 20_000, 0.0, acknowledge=False)
    print(f"burst of 20 000, no publisher: {burst:.0f} bytes per event (≤ 1200)")
    busy = bytes_in_burst(fresh(root), 1500, 0.02, acknowledge=True)
    print(f"50 a second for 30 s, one publisher: {busy:.0f} bytes per event (≤ 1200)")
    for pace_s in (1.5, LAZY_S + 2.0):
        lone = bytes_in_trickle(fresh(root), 12, pace_s)
        print(f"one in {pace_s} s, one publisher: {lone:.0f} bytes per event")
    for together in (1, MINUTES):
        cost = bytes_of_minutes(fresh(root), together)
        print(
            f"{together} minutes at once: {cost:.0f} bytes each, {cost * 1440 / 1e6:.1f} MB a day"
        )
    median, p99 = put_us(fresh(root))
    print(f"put: median {median:.1f} µs, p99 {p99:.1f} µs")
    size, checked, bare = check_s(fresh(root), check_mb)
    print(f"open {size:.0f} MB: {checked:.3f} s with the check, {bare:.4f} s without")
    if kills:
        tally = kill_often(fresh(root), kills)
        print(tally, "clean" if tally.is_clean else "NOT CLEAN")


if __name__ == "__main__":
    main()
