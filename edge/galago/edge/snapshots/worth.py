"""Which picture goes next when room is wanted: asked of the database, changed nowhere.

- Common goes before rare: of the class that has most pictures.
- Certain goes before uncertain: scores count in steps of a twentieth; of equal ones the oldest.
- The newest `keep_each` of each class and kind stay, and so does what a person has marked, for as
  long as anything else can go (docs/adr/0015-retention.md has the whole order).
- Each answer takes a few look-ups in an index, however many pictures there are.

    worth = Worth(db, keep_each=50)
    name = worth.spare()
"""

import sqlite3
from collections import Counter

from galago.edge.record import PictureKind

STEPS = 20  # of certainty, as in the index snapshots_by_worth

_COUNT = "SELECT kind, label, COUNT(*) FROM snapshots GROUP BY kind, label"
_MARKED = "SELECT kind, label, bytes FROM snapshots WHERE truth IS NOT NULL"
_NEWEST = """
SELECT time_ms FROM snapshots WHERE truth IS NULL AND kind = ? AND label = ?
ORDER BY time_ms DESC LIMIT 1 OFFSET ?
"""
_OLDEST_OF_STEP = """
SELECT name FROM snapshots WHERE truth IS NULL AND kind = ? AND label = ?
AND CAST(score * 20 AS INTEGER) = ? AND time_ms < ? ORDER BY time_ms LIMIT 1
"""
_OLDEST = """
SELECT name FROM snapshots WHERE truth IS NULL AND kind = ? AND label = ?
ORDER BY time_ms LIMIT 1
"""
_OLDEST_MARKED = "SELECT name FROM snapshots WHERE truth IS NOT NULL ORDER BY time_ms LIMIT 1"

_Class = tuple[PictureKind, str]


class Worth:
    """The order in which pictures go; for the thread and the transaction of `db`.

    It counts for itself what comes and goes, and anew what is marked where another process has
    written.
    """

    def __init__(self, db: sqlite3.Connection, keep_each: int) -> None:
        self._db, self._keep_each = db, keep_each
        self._all: Counter[_Class] = Counter()
        for kind, label, n in db.execute(_COUNT):
            self._all[kind, label] = n
        self._counts: Counter[_Class] = Counter()  # of those that nobody has marked
        self._marked_bytes = 0
        self._version = -1
        self.refresh()

    @property
    def pictures(self) -> int:
        """How many there are."""
        return self._all.total()

    @property
    def marked_bytes(self) -> int:
        """What pictures that a person has marked take on the disk."""
        return self._marked_bytes

    def refresh(self) -> None:
        """Look for marks again if another connection has written since."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return
        self._version = version
        marked: Counter[_Class] = Counter()
        self._marked_bytes = 0
        for kind, label, size in self._db.execute(_MARKED):
            marked[kind, label] += 1
            self._marked_bytes += size
        self._counts = self._all - marked

    def came(self, kind: PictureKind, label: str) -> None:
        """Take note of a picture that nobody has marked yet."""
        self._all[kind, label] += 1
        self._counts[kind, label] += 1

    def went(self, kind: PictureKind, label: str, size: int, *, marked: bool) -> None:
        """Take note of one that is gone, whose files took `size` bytes."""
        _less(self._all, (kind, label))
        if marked:
            self._marked_bytes -= size
        else:
            _less(self._counts, (kind, label))

    def spare(self) -> str | None:
        """Name of the picture that is missed least; None: all that is there is to stay."""
        for class_ in self._spare_classes():
            if name := self._most_certain(class_):
                return name
        return None

    def dear(self) -> str | None:
        """Name of one that was to stay: the oldest of the most common class, marked ones never."""
        if not self._counts:
            return None
        class_ = max(self._counts, key=self._counts.__getitem__)
        return self._first(_OLDEST, *class_)

    def precious(self) -> str | None:
        """Name of the oldest that a person has marked."""
        return self._first(_OLDEST_MARKED)

    def any(self) -> str | None:
        """Name of the next to go, whatever it is; None: there are none."""
        return self.spare() or self.dear() or self.precious()

    def _spare_classes(self) -> list[_Class]:
        """Classes that have more than is to stay, the first to give up first.

        Events before what was kept for labelling, unless that is more than half of all.
        """
        of_kind: Counter[PictureKind] = Counter()
        for (kind, _), n in self._counts.items():
            of_kind[kind] += n
        first: PictureKind = "uncertain" if of_kind["uncertain"] > of_kind["event"] else "event"
        many = (class_ for class_, n in self._counts.items() if n > self._keep_each)
        return sorted(many, key=lambda class_: (class_[0] != first, -self._counts[class_]))

    def _most_certain(self, class_: _Class) -> str | None:
        until_ms = self._newest_from(class_)
        for step in range(STEPS, -1, -1):
            if name := self._first(_OLDEST_OF_STEP, *class_, step, until_ms):
                return name
        return None

    def _newest_from(self, class_: _Class) -> int:
        """The time from which pictures are of the newest that stay."""
        if self._keep_each == 0:
            return 2**62
        row = self._db.execute(_NEWEST, (*class_, self._keep_each - 1)).fetchone()
        return row[0] if row else -(2**62)

    def _first(self, query: str, *values: object) -> str | None:
        row = self._db.execute(query, values).fetchone()
        return row[0] if row else None


def _less(counts: Counter[_Class], class_: _Class) -> None:
    """One less; classes that are gone are forgotten."""
    counts[class_] -= 1
    if counts[class_] <= 0:
        del counts[class_]
