"""Skeleton: see the next commit."""

from collections.abc import Callable
from typing import Self

from galago.edge.decision import DecisionSettings
from galago.edge.event import Event
from galago.edge.health import Health
from galago.edge.loop import Seen
from galago.edge.record import Record
from galago.edge.serving import Serving
from galago.edge.snapshots.settings import SnapshotSettings


class Darkroom:
    """Makes pictures of frames, in a thread of its own; hands each to `put` as a Record."""

    def __init__(
        self,
        put: Callable[[Record], None],
        settings: SnapshotSettings,
        health: Health,
        enter: Callable[[Serving], float] = lambda _: DecisionSettings().enter,
    ) -> None:
        self._put, self._settings, self._health, self._enter = put, settings, health, enter

    def develop(self, seen: Seen, event: Event, serving: Serving) -> None:
        """Have a picture made of an event; with or without one it goes on to `put`, in order."""
        self._put(Record(event))

    def glance(self, seen: Seen, serving: Serving) -> None:
        """Take note of any frame: it may be one to keep for labelling, or for a film."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...
