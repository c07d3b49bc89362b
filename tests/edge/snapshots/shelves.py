"""Shelves to put pictures on, and an independent look at what is on them."""

import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from galago.edge.health import Health
from galago.edge.record import Picture, PictureKind
from galago.edge.snapshots.place import make_name
from galago.edge.snapshots.settings import SnapshotSettings
from galago.edge.snapshots.shelf import Shelf
from galago.edge.store.schema import PRAGMAS, TABLES

START = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
EVERYTHING = SnapshotSettings(keep_mb=1000, keep_free_mb=0)


def picture(  # noqa: PLR0913 - what a picture has
    second: float = 0,
    label: str = "cat",
    score: float = 0.9,
    *,
    kind: PictureKind = "event",
    size: int = 3000,
    region: str | None = None,
) -> Picture:
    """A picture taken so many seconds after the start, whose whole frame has `size` bytes."""
    taken = START + timedelta(seconds=second)
    return Picture(
        name=make_name(taken, label, region),
        kind=kind,
        time_ms=round(taken.timestamp() * 1000),
        label=label,
        score=score,
        region=region,
        model="0" * 64,
        full=b"f" * size,
        crop=b"crop" * 50,
        thumbnail=b"small" * 10,
    )


@dataclass
class Store:
    """A store's folder with its database and shelf."""

    folder: Path
    settings: SnapshotSettings = EVERYTHING
    health: Health = field(default_factory=Health)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        is_new = not (self.folder / "galago.db").exists()
        self.db = sqlite3.connect(self.folder / "galago.db", isolation_level=None)
        self.db.executescript(PRAGMAS + (TABLES if is_new else ""))
        self.shelf = Shelf(self.folder, self.settings, self.health)
        self.shelf.reconcile(self.db)

    def add(self, *pictures: Picture) -> list[bool]:
        """One transaction."""
        self.db.execute("BEGIN IMMEDIATE")
        kept = [self.shelf.add(self.db, each) for each in pictures]
        self.db.execute("COMMIT")
        return kept

    def mark(self, name: str, truth: str | None) -> None:
        """As the page's process does, by a connection of its own."""
        other = sqlite3.connect(self.folder / "galago.db", isolation_level=None)
        other.execute("UPDATE snapshots SET truth = ? WHERE name = ?", (truth, name))
        other.close()

    def again(self, settings: SnapshotSettings | None = None) -> "Store":
        """The store after a restart."""
        self.db.close()
        return Store(self.folder, settings or self.settings)

    @property
    def names(self) -> list[str]:
        """Of the rows."""
        return [name for (name,) in self.db.execute("SELECT name FROM snapshots ORDER BY name")]

    @property
    def files(self) -> list[str]:
        """Of all that is below the folder of pictures, other folders too."""
        root = self.folder / "pictures"
        return sorted(str(path.relative_to(root)) for path in root.rglob("*"))

    @property
    def cause(self) -> str:
        """What health has to say of the shelf; "" where nothing."""
        state = self.health.states.get("snapshots.failed")
        return state.cause if state else ""

    def is_sound(self) -> bool:
        """Whether rows and files are the same, and no folder is empty."""
        suffixes = (".jpg", ".crop.jpg", ".small.jpg")
        expected = set()
        for name, clip in self.db.execute("SELECT name, clip FROM snapshots"):
            day = f"{name[:4]}-{name[4:6]}-{name[6:8]}"
            expected |= {f"{day}/{name}{suffix}" for suffix in suffixes + (".webm",) * clip}
            expected.add(day)
        return sorted(expected) == self.files


def taken(folder: Path) -> int:
    """Bytes that everything below a folder takes on the disk, itself included, as du counts."""
    paths = (folder, *folder.rglob("*")) if folder.is_dir() else ()
    return sum(path.stat().st_blocks for path in paths) * 512
