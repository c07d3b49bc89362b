"""What the store remembers of the last day, for whoever counts it anew after a restart."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from galago.edge.store.reader import Reader
from galago.edge.vitals.drift import HOURS, UNKNOWN
from galago.errors import StoreError

_VISITS = 2000  # the newest; shares of more would hardly differ

Seconds: TypeAlias = list[tuple[float, str, float]]
Visits: TypeAlias = list[tuple[float, str]]


def recalled(folder: Path, utc_s: float) -> tuple[Seconds, Visits]:
    """(hours ago, label, seconds) and (hours ago, label); nothing where the store cannot be read.

    Ages are by the wall clock: where it was wrong then or is now, there is less to recall.
    """
    now = int(utc_s // 60)
    seconds: Seconds = []
    visits: Visits = []
    with suppress(StoreError), Reader(folder) as reader:
        seconds = [
            (max(now - bucket, 0) / 60, label, duration)
            for bucket, _, label, duration in reader.shares(now - HOURS * 60, now + 1, 60)
        ]
        visits = [
            (_hours_ago(stored.event.time, utc_s), stored.event.label)
            for stored in reader.events(limit=_VISITS)
            if stored.event.label != UNKNOWN
        ]
    return seconds, visits


def _hours_ago(time: str, utc_s: float) -> float:
    return (utc_s - datetime.fromisoformat(time).timestamp()) / 3600
