"""A million snapshots through a full shelf: is the ceiling ever passed, and what does each cost?

    python bench/retention.py [--adds 1000000] [--pictures 50000] [--folder /dev/shm]

Real files, small ones, in the folder given (a disk costs its fsyncs on top, see --folder); ten
classes of very different frequency, marks by another connection now and then. After every add the
files are counted by what was written and removed, in this program and not in the shelf; in between
and at the end the whole folder is, as du does.
"""

import argparse
import os
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from galago.edge.health import Health
from galago.edge.record import Picture
from galago.edge.snapshots.place import files, make_name
from galago.edge.snapshots.settings import SnapshotSettings
from galago.edge.snapshots.shelf import Shelf
from galago.edge.store.schema import PRAGMAS, TABLES
from machine import describe

LABELS = {f"class{nth}": 2.0**-nth for nth in range(10)}
START = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 20  # in one transaction
LOOKS = 20  # at the whole folder
MARKS = 20_000  # adds between two marks
WANTED_MS = 5.0

_NAMES = "SELECT name FROM snapshots"


def synthetic(number: int, rng: random.Random) -> Picture:
    """The picture of that number, one every 40 seconds: a million are fifteen months."""
    taken = START + timedelta(seconds=40 * number)
    label = rng.choices(list(LABELS), list(LABELS.values()))[0]
    return Picture(
        name=make_name(taken, label, None),
        kind="uncertain" if rng.random() < 0.1 else "event",
        time_ms=round(taken.timestamp() * 1000),
        label=label,
        score=rng.betavariate(5, 1),
        region=None,
        model="0" * 64,
        full=b"f" * rng.randrange(2000, 12_000),
        crop=b"c" * rng.randrange(500, 4000),
        thumbnail=b"t" * 300,
    )


def du(folder: Path) -> int:
    """Bytes on the disk, files and folders."""
    total, places = 0, [str(folder)]
    while places:
        place = places.pop()
        total += Path(place).stat().st_blocks * 512
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    places.append(entry.path)
                else:
                    total += entry.stat().st_blocks * 512
    return total


class Count:
    """What is in the folder, found out beside the shelf: new files by stat, the lost by their row.

    A trigger notes each row that goes: its files must be gone, and are counted as they were.
    """

    def __init__(self, folder: Path, db: sqlite3.Connection) -> None:
        self._folder, self._db = folder, db
        self._sizes = {name: self._size(name) for (name,) in db.execute(_NAMES)}
        self.bytes = sum(self._sizes.values())
        db.execute("CREATE TEMP TABLE lost (name TEXT)")
        db.execute(
            "CREATE TEMP TRIGGER losing AFTER DELETE ON main.snapshots "
            "BEGIN INSERT INTO lost VALUES (old.name); END"
        )

    def follow(self, name: str) -> int:
        """Bytes of all files after one more picture."""
        self._sizes[name] = self._size(name)
        self.bytes += self._sizes[name]
        for (lost,) in self._db.execute("SELECT name FROM lost").fetchall():
            if any(path.exists() for path in files(self._folder, lost)):
                raise SystemExit(f"{lost} has lost its row and not its files")
            self.bytes -= self._sizes.pop(lost)
        self._db.execute("DELETE FROM lost")
        return self.bytes

    def _size(self, name: str) -> int:
        return sum(path.stat().st_blocks * 512 for path in files(self._folder, name)[:3])


def mark(folder: Path, name: str) -> None:
    """As the page's process does."""
    other = sqlite3.connect(folder / "galago.db", timeout=10)
    with other:
        other.execute("UPDATE snapshots SET truth = '' WHERE name = ?", (name,))
    other.close()


def fill(shelf: Shelf, db: sqlite3.Connection, rng: random.Random, pictures: int) -> int:
    """Put on as many as the shelf is to hold; how many that took."""
    number = 0
    while shelf.facts(db).pictures < pictures:
        db.execute("BEGIN IMMEDIATE")
        for _ in range(BATCH):
            if not shelf.add(db, synthetic(number, rng)):
                raise SystemExit("a picture was refused while the shelf was filled")
            number += 1
        db.execute("COMMIT")
    return number


def main() -> None:
    """Print what was wanted and what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--adds", type=int, default=1_000_000)
    parser.add_argument("--pictures", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"))  # noqa: S108
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="galago-retention-", dir=options.folder))
    try:
        print(describe())
        measure(folder, options.adds, options.pictures)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, adds: int, pictures: int) -> None:
    """Fill a shelf, and send so many pictures through it."""
    rng, health = random.Random(0), Health()  # noqa: S311 - to be the same each time
    db = sqlite3.connect(folder / "galago.db", isolation_level=None)
    db.executescript(PRAGMAS + TABLES)
    roomy = Shelf(folder, SnapshotSettings(keep_mb=10_000_000, keep_free_mb=0), health)
    roomy.reconcile(db)
    number = fill(roomy, db, rng, pictures)
    keep_mb = roomy.facts(db).bytes // 1_000_000 + 1
    shelf = Shelf(folder, SnapshotSettings(keep_mb=keep_mb, keep_free_mb=0), health)
    started = time.perf_counter()
    shelf.reconcile(db)
    print(f"{pictures} pictures, {keep_mb} MB: mended in {time.perf_counter() - started:.2f} s")
    found = through((folder, shelf, db), range(number, number + adds), rng)
    tell(found, keep_mb * 1_000_000)
    started = time.perf_counter()
    shelf.reconcile(db)
    print(f"mended again in {time.perf_counter() - started:.2f} s; {health.states or 'well'}")


@dataclass
class Found:
    """`wall_ms` and `cpu_ms` of each add; the most bytes after any, by both counts."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    counted: int = 0
    du: int = 0
    refused: int = 0


def through(
    store: tuple[Path, Shelf, sqlite3.Connection], numbers: range, rng: random.Random
) -> Found:
    """Add pictures, look after each."""
    folder, shelf, db = store
    count, found = Count(folder, db), Found()
    for number in numbers:
        if not db.in_transaction:
            db.execute("BEGIN IMMEDIATE")
        picture = synthetic(number, rng)
        wall, cpu = time.perf_counter(), time.thread_time()
        kept = shelf.add(db, picture)
        found.cpu_ms.append((time.thread_time() - cpu) * 1000)
        found.wall_ms.append((time.perf_counter() - wall) * 1000)
        found.refused += not kept
        found.counted = max(found.counted, count.follow(picture.name))
        if number % BATCH == BATCH - 1:
            db.execute("COMMIT")
        if number % MARKS == MARKS - 1:
            mark(folder, picture.name)
        if number % (len(numbers) // LOOKS or 1) == 0:
            found.du = max(found.du, du(folder / "pictures"))
    if db.in_transaction:
        db.execute("COMMIT")
    found.du = max(found.du, du(folder / "pictures"))
    return found


def tell(found: Found, ceiling: int) -> None:
    """The figures."""
    print(f"{len(found.wall_ms)} added, {found.refused} refused (wanted 0)")
    for what, times_ms in (("by the clock", found.wall_ms), ("of processor", found.cpu_ms)):
        median, p99, most = np.percentile(times_ms, (50, 99, 100))
        over = sum(each > WANTED_MS for each in times_ms)
        print(
            f"one add, {what}: mean {statistics.fmean(times_ms):.3f} ms, median {median:.3f}, p99 "
            f"{p99:.3f}, longest {most:.1f}; {over} above {WANTED_MS:g} (wanted below that)"
        )
    verdict = "never passed" if max(found.counted, found.du) <= ceiling else "PASSED"
    print(
        f"ceiling {ceiling} bytes {verdict}: at most {found.counted} in files after any add, "
        f"{found.du} by du"
    )


if __name__ == "__main__":
    main()
