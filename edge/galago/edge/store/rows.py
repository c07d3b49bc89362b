"""Between rows of the tables and what the daemon speaks of."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from galago.edge.event import Event
from galago.edge.record import Minute, Snapshot, StoredEvent

EVENT = "number, time_ms, label, score, previous, seconds, snapshot, model, device, region"
MINUTE = "minute, frames, dropped, p50_us, p99_us, celsius, health"
SNAPSHOT = "name, kind, time_ms, label, score, region, model, bytes, clip, truth"

Row: TypeAlias = tuple[Any, ...]

_SINCE = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def of_event(number: int, event: Event) -> Row:
    """In the order of EVENT.

    Raises:
        ValueError: its time is not ISO 8601 with an offset.
    """
    return (
        number,
        (datetime.fromisoformat(event.time) - _SINCE) // _MS,
        event.label,
        event.score,
        event.previous,
        event.seconds,
        event.snapshot,
        event.model,
        event.device,
        event.region,
    )


def to_event(row: Row, epoch: str) -> StoredEvent:
    """From a row in the order of EVENT."""
    number, time_ms, *rest = row
    return stored(number, Event(iso(time_ms), *rest), epoch)


def stored(number: int, event: Event, epoch: str) -> StoredEvent:
    """The event as it is told once it is safe."""
    return StoredEvent(number, f"{epoch}-{number}", event)


def to_snapshot(row: Row) -> Snapshot:
    """From a row in the order of SNAPSHOT."""
    name, kind, time_ms, label, score, region, model, size, clip, truth = row
    return Snapshot(
        name, kind, time_ms, label, score, region, model, size, clip=bool(clip), truth=truth
    )


def of_minute(minute: Minute) -> Row:
    """In the order of MINUTE."""
    m = minute
    return (m.minute, m.frames, m.dropped, m.p50_us, m.p99_us, m.celsius, " ".join(m.health))


def to_minute(row: Row, seconds: dict[tuple[str | None, str], float]) -> Minute:
    """From a row in the order of MINUTE, and what its rows of shares hold."""
    minute, frames, dropped, p50_us, p99_us, celsius, health = row
    names = tuple(health.split())
    return Minute(minute, frames, dropped, p50_us, p99_us, celsius, names, seconds)


def iso(time_ms: int) -> str:
    """UTC, ISO 8601 with milliseconds, as events have it."""
    return (_SINCE + time_ms * _MS).isoformat(timespec="milliseconds")
