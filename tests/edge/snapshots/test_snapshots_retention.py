"""Retention holds for any pictures in any order, at every moment."""

import os
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galago.edge.record import Picture, PictureKind
from galago.edge.snapshots.settings import SnapshotSettings
from tests.edge.snapshots.shelves import Store, picture, taken

CEILING = 1_000_000
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a folder of its own


@dataclass(frozen=True)
class Step:
    """A picture, and what happens after it: a mark, a restart, a transaction that fails."""

    label: str
    score: float
    size: int
    kind: PictureKind
    seconds: int
    then: str


STEPS = st.lists(
    st.builds(
        Step,
        label=st.sampled_from(["cat", "cat", "cat", "dog", "fox", "猫/.."]),
        score=st.floats(0, 1),
        size=st.integers(1, 200_000),
        kind=st.sampled_from(["event", "event", "uncertain"]),
        seconds=st.sampled_from([1, 1, 30, 90_000, -7200]),
        then=st.sampled_from(["", "", "", "", "", "mark", "unmark", "restart", "fail"]),
    ),
    min_size=15,
    max_size=60,
)


def unmarked(store: Store) -> Counter[tuple[str, str]]:
    """How many there are of each kind and label that nobody has marked."""
    query = "SELECT kind, label FROM snapshots WHERE truth IS NULL"
    return Counter(store.db.execute(query).fetchall())


def marked(store: Store) -> set[str]:
    """Names of those that somebody has."""
    return {name for (name,) in store.db.execute("SELECT name FROM snapshots WHERE truth NOTNULL")}


def drawn(step: Step, second: int) -> Picture:
    return picture(second, step.label, step.score, kind=step.kind, size=step.size)


def fail(store: Store, step: Step, second: int) -> None:
    """Add a picture in a transaction that is taken back."""
    store.db.execute("BEGIN IMMEDIATE")
    store.shelf.add(store.db, drawn(step, second))
    store.db.execute("ROLLBACK")
    store.shelf.reconcile(store.db)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, keep_each=st.integers(0, 3))
def test_any_row_of_pictures(steps: list[Step], keep_each: int) -> None:
    """The ceiling is never passed; rows are files; each class keeps its own while that fits."""
    limits = SnapshotSettings(keep_mb=1, keep_free_mb=0, keep_each=keep_each)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        store, second = Store(Path(folder), limits), 0
        for step in steps:
            second += step.seconds
            before, precious = unmarked(store), marked(store)
            [kept] = store.add(drawn(step, second))
            after = unmarked(store)
            assert kept or store.cause
            assert marked(store) == precious
            left = after - Counter({(step.kind, step.label): int(kept)})
            if any(left[class_] < min(keep_each, before[class_]) for class_ in before):
                assert all(n <= keep_each for n in left.values()), "another could be spared"
            store = follow(store, step, second)
            assert taken(store.folder / "pictures") <= CEILING
            assert store.shelf.facts(store.db).pictures == len(store.names)
            assert store.is_sound()
        store.db.close()


def follow(store: Store, step: Step, second: int) -> Store:
    """What comes after a picture."""
    names = store.names
    if step.then == "restart":
        return store.again()
    if step.then == "fail":
        fail(store, step, second + 1)
    elif step.then and names:
        store.mark(names[second % len(names)], "dog" if step.then == "mark" else None)
    return store
