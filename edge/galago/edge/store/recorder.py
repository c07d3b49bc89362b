"""The one writer of the store: a thread that everything is handed to."""

from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeAlias

from galago.edge.health import Health
from galago.edge.record import Keeper, Minute, Record, StoredEvent
from galago.edge.store.settings import StoreSettings
from galago.edge.vitals.document import StoreFacts

Callback: TypeAlias = Callable[[list[StoredEvent]], None]


class Recorder:
    """Writes what is put, in its own thread; all methods are for any thread."""

    def __init__(
        self, folder: Path, settings: StoreSettings, health: Health, shelf: Keeper | None
    ) -> None:
        self._folder, self._settings, self._health, self._shelf = folder, settings, health, shelf

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def put(self, record: Record) -> None:
        """Have a record written; never waits, never raises."""

    def put_minute(self, minute: Minute) -> None:
        """Have a minute written; never waits, never raises."""

    def register(self, publisher: str, timeout_s: float = 10.0) -> int:
        """Number up to which this publisher has all events; a new one starts at the last event.

        Waits for the disk, for `timeout_s` at most: 0 if the store cannot be opened by then.
        """
        raise NotImplementedError(publisher, timeout_s)

    def acknowledge(self, publisher: str, number: int, dropped: int = 0) -> None:
        """All events up to `number` have arrived, or been given up: `dropped` more of them."""

    def subscribe(self, callback: Callback) -> None:
        """Have `callback` called with events that are safe, in the recorder's thread."""

    def facts(self) -> StoreFacts:
        """Figures for the status document, as of the last transaction."""
        raise NotImplementedError
