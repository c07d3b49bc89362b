"""Skeleton: see the next commit."""

import sqlite3
from pathlib import Path

from galago.edge.health import Health
from galago.edge.record import Film, Picture, ShelfFacts
from galago.edge.snapshots.settings import SnapshotSettings


class Shelf:
    """The pictures of one store; all methods are for the recorder's thread, in its transaction."""

    def __init__(self, folder: Path, settings: SnapshotSettings, health: Health) -> None:
        self._folder, self._settings, self._health = folder, settings, health

    def add(self, db: sqlite3.Connection, picture: Picture) -> bool:
        """Keep a picture; False: it could not be kept, nothing of it is left, health says why.

        Raises:
            sqlite3.Error: of the database; nothing of the picture is left.
        """
        raise NotImplementedError

    def add_clip(self, db: sqlite3.Connection, film: Film) -> bool:
        """Keep a film of a picture that is kept; False: that is gone, or there is no room."""
        raise NotImplementedError

    def reconcile(self, db: sqlite3.Connection) -> None:
        """Make rows and files agree: at start, and after a transaction that failed."""
        raise NotImplementedError

    def tidy(self, db: sqlite3.Connection) -> bool:
        """Give up some pictures where there are too many; True: there is more to do.

        For whoever has a moment: a few milliseconds a call.
        """
        raise NotImplementedError

    def facts(self, db: sqlite3.Connection) -> ShelfFacts:
        """How much is kept."""
        raise NotImplementedError
