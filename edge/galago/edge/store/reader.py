"""What is in the store, for whoever reads: the page, publishers, the loop never."""

from pathlib import Path
from typing import Self

from galago.edge.record import Minute, PictureKind, Snapshot, StoredEvent


class Reader:
    """A read-only connection of one thread; an empty store where there is none yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Any number of times."""

    def last(self) -> int:
        """Number of the newest event, 0 where there is none."""
        raise NotImplementedError

    def event(self, number: int) -> StoredEvent | None:
        """One event."""
        raise NotImplementedError

    def events(
        self, before: int | None = None, limit: int = 50, label: str | None = None
    ) -> list[StoredEvent]:
        """Newest first, of numbers below `before`."""
        raise NotImplementedError

    def events_after(self, number: int, limit: int) -> list[StoredEvent]:
        """Oldest first, of numbers above `number`."""
        raise NotImplementedError

    def minutes(self, since: int, until: int) -> list[Minute]:
        """Rows of the minute table, `since` ≤ minute < `until`, oldest first."""
        raise NotImplementedError

    def shares(self, since: int, until: int, step: int) -> list[tuple[int, str | None, str, float]]:
        """(first minute of the bucket, region, label, seconds), for buckets of `step` minutes."""
        raise NotImplementedError

    def snapshots(
        self,
        kind: PictureKind | None = None,
        *,
        unmarked: bool = False,
        marked: bool = False,
        before_name: str | None = None,
        limit: int = 50,
    ) -> list[Snapshot]:
        """Newest (greatest name) first."""
        raise NotImplementedError

    def snapshot(self, name: str) -> Snapshot | None:
        """One picture."""
        raise NotImplementedError


def mark(folder: Path, name: str, truth: str | None) -> bool:
    """Say what a picture shows ("" for "not that", None to take it back); False: no such one."""
    raise NotImplementedError(folder, name, truth)
