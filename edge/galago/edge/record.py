"""What goes from the loop to the disk, events and pictures of what was seen; what comes back.

- A picture is encoded before it comes here: nothing on the way to the disk holds a camera's buffer.
- Number and id of an event come from the store, when it is safe.
"""

import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import Literal, Protocol, TypeAlias

from galago.edge.event import Event

PictureKind: TypeAlias = Literal["event", "uncertain"]


@dataclass(frozen=True, slots=True)
class Picture:
    """What is kept of one frame.

    `name`: unique, fit for a file and a URL, sorts by time. `kind`: "uncertain" was kept for
    labelling, without an event. `label`, `score`: what the model said, smoothed, 0–1. `time_ms`:
    UTC, ms since 1970. `full`, `crop`, `thumbnail`: JPEG of the whole frame, of what the model saw
    of it, and small.
    """

    name: str
    kind: PictureKind
    time_ms: int
    label: str
    score: float
    region: str | None
    model: str
    full: bytes
    crop: bytes
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class Film:
    """A short film from before and after a picture, which is made when that is stored already.

    `name`: the picture's. `clip`: WebM.
    """

    name: str
    clip: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """An event with the picture that it names, or either without the other; or a film, alone."""

    event: Event | None = None
    picture: Picture | None = None
    film: Film | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event that is on the disk.

    `number`: 1, 2, 3 … in this store. `id`: the same for every copy that is ever told, and no other
    event's, in no other store either: who gets it twice can tell.
    """

    number: int
    id: str
    event: Event

    def to_json(self) -> str:
        """One line without its end: the id, then the event's own keys."""
        return json.dumps({"id": self.id, **asdict(self.event)}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A picture that is on the disk; the fields are Picture's.

    `bytes`: of all its files. `clip`: whether there is a film. `truth`: what a person said it is,
    "" for "not that", None where nobody said anything.
    """

    name: str
    kind: PictureKind
    time_ms: int
    label: str
    score: float
    region: str | None
    model: str
    bytes: int
    clip: bool
    truth: str | None


@dataclass(frozen=True, slots=True)
class ShelfFacts:
    """`pictures` that are kept, `bytes` that their files take, `keep_mb` that they may."""

    pictures: int
    bytes: int
    keep_mb: int


class Keeper(Protocol):
    """Who keeps the files of pictures beside their rows; called by the store's one writer.

    A file and its row come and go together: what a kill leaves half done, `reconcile` mends.
    """

    def add(self, db: sqlite3.Connection, picture: Picture) -> bool:
        """Within a transaction: make room, write the files, add the row; False: not kept."""
        ...

    def add_clip(self, db: sqlite3.Connection, film: Film) -> bool:
        """Within a transaction: as `add`, a film of a picture that is kept."""
        ...

    def tidy(self, db: sqlite3.Connection) -> bool:
        """Within one, when there is time: give up a few pictures where there are too many.

        Some milliseconds a call; True: there is more to do, ask again.
        """
        ...

    def reconcile(self, db: sqlite3.Connection) -> None:
        """Outside one: files without a row go, and rows without a file."""
        ...

    def facts(self, db: sqlite3.Connection) -> ShelfFacts:
        """Figures for the status document; called after every transaction, so cheap."""
        ...


@dataclass(frozen=True, slots=True)
class Minute:
    """One row of the minute table.

    `minute`: UTC minutes since 1970. `p50_us`, `p99_us`: capture to decision. `celsius` None where
    it is not known. `health`: names of what was wrong in it. `seconds`: by region (None: whole
    picture) and label, how long it was seen.
    """

    minute: int
    frames: int
    dropped: int
    p50_us: int
    p99_us: int
    celsius: float | None
    health: tuple[str, ...]
    seconds: dict[tuple[str | None, str], float]
