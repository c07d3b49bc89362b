"""The API's documents: what is told of events and pictures, in JSON types only.

Times are UTC, ISO 8601 with milliseconds.
"""

from typing import Literal, TypedDict

from galago.edge.record import Minute, Snapshot, StoredEvent
from galago.edge.store.rows import iso


class PictureDocument(TypedDict):
    """A kept picture. `truth`: what a person says that it shows, "" for "not that", None: nothing.

    `kind` "uncertain": kept for labelling, without an event. `clip`: whether there is a film.
    """

    name: str
    kind: Literal["event", "uncertain"]
    time: str
    label: str
    score: float
    region: str | None
    model: str
    bytes: int
    clip: bool
    truth: str | None


class EventDocument(TypedDict):
    """An event. `picture` None: none was kept, or it has gone to make room."""

    number: int
    id: str
    time: str
    label: str
    score: float
    previous: str | None
    seconds: float
    snapshot: str | None
    model: str
    device: str
    region: str | None
    picture: PictureDocument | None


class ShareDocument(TypedDict):
    """For how long a label was seen in one span of time. `start`: when that begins."""

    start: str
    region: str | None
    label: str
    seconds: float


class MinuteDocument(TypedDict):
    """A minute. `p50_ms`, `p99_ms`: capture to decision. `health`: names of what was wrong."""

    start: str
    frames: int
    dropped: int
    p50_ms: float
    p99_ms: float
    celsius: float | None
    health: list[str]


class TruthDocument(TypedDict):
    """What a person says: a label of the model, "" for "not that", None to take it back."""

    truth: str | None


class ErrorDocument(TypedDict):
    """Why there is no other answer, for people."""

    error: str


class WellDocument(TypedDict):
    """The page is there; of the camera, /api/status tells."""

    status: Literal["ok"]


def of_snapshot(snapshot: Snapshot) -> PictureDocument:
    """A picture's document."""
    return {
        "name": snapshot.name,
        "kind": snapshot.kind,
        "time": iso(snapshot.time_ms),
        "label": snapshot.label,
        "score": snapshot.score,
        "region": snapshot.region,
        "model": snapshot.model,
        "bytes": snapshot.bytes,
        "clip": bool(snapshot.clip),
        "truth": snapshot.truth,
    }


def of_event(stored: StoredEvent, snapshot: Snapshot | None) -> EventDocument:
    """An event's document, with the picture that it names."""
    event = stored.event
    return {
        "number": stored.number,
        "id": stored.id,
        "time": event.time,
        "label": event.label,
        "score": event.score,
        "previous": event.previous,
        "seconds": event.seconds,
        "snapshot": event.snapshot,
        "model": event.model,
        "device": event.device,
        "region": event.region,
        "picture": None if snapshot is None else of_snapshot(snapshot),
    }


def of_share(minute: int, region: str | None, label: str, seconds: float) -> ShareDocument:
    """A row of the chart."""
    return {
        "start": iso(minute * 60_000),
        "region": region,
        "label": label,
        "seconds": round(seconds, 3),
    }


def of_minute(minute: Minute) -> MinuteDocument:
    """A minute's document."""
    return {
        "start": iso(minute.minute * 60_000),
        "frames": minute.frames,
        "dropped": minute.dropped,
        "p50_ms": minute.p50_us / 1000,
        "p99_ms": minute.p99_us / 1000,
        "celsius": minute.celsius,
        "health": list(minute.health),
    }
