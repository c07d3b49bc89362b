"""What goes from the loop to the disk: events, and pictures of what was seen.

- A picture is encoded before it comes here: nothing on the way to the disk holds a camera's buffer.
- Number and id of an event come from the store, when it is safe.
"""

import json
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from galago.edge.event import Event

PictureKind: TypeAlias = Literal["event", "uncertain"]


@dataclass(frozen=True, slots=True)
class Picture:
    """What is kept of one frame.

    `name`: unique, fit for a file and a URL, sorts by time. `kind`: "uncertain" was kept for
    labelling, without an event. `label`, `score`: what the model said, smoothed, 0–1. `time_ms`:
    UTC, ms since 1970. `full`, `crop`, `thumbnail`: JPEG of the whole frame, of what the model saw
    of it, and small. `clip`: a short film before and after, or None.
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
    clip: bytes | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """An event with the picture that it names, or either without the other."""

    event: Event | None = None
    picture: Picture | None = None


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
