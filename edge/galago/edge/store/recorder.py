"""The one writer of the store: a thread that everything is handed to.

- Nobody who hands something over waits for the disk, and nothing is raised at him.
- Events are written in groups (galago.edge.store.waiting) and told to subscribers only when they
  are safe from a power cut.
- The thread outlives everything: a disk that is full, read-only, forbidden or failing is tried
  again, after 1 s and ever longer up to 30 s; what waits is written when it is back. Health names
  the cause: store.failed, and store.full when events found no room to wait.
- A database that is damaged is set aside and followed by a fresh one: store.replaced, for a day or
  until the next start. It is looked through at the start and once a day; else damage is found when
  it is met.
- At the end what waits is written, for CLOSE_S at most.

    with Recorder(folder, settings, health, shelf) as recorder:
        recorder.put(Record(event))
"""

import contextlib
import math
import sqlite3
import threading
from collections.abc import Callable
from os import statvfs
from pathlib import Path
from time import monotonic, monotonic_ns
from typing import Self, TypeAlias

from galago.edge.health import Health
from galago.edge.record import Keeper, Minute, Record, ShelfFacts, StoredEvent
from galago.edge.store.cause import is_broken, is_disk, worded
from galago.edge.store.database import Database
from galago.edge.store.ledger import Ledger
from galago.edge.store.settings import StoreSettings
from galago.edge.store.waiting import Batch, Waiting
from galago.edge.tell import tell
from galago.edge.vitals.document import StoreFacts

Callback: TypeAlias = Callable[[list[StoredEvent]], None]

CLOSE_S = 5.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
_DAY_S, _FEW_S = 86_400.0, 60.0
_SETTLED_S = 300.0  # by then every publisher that is configured has registered


class Recorder:
    """Writes what is put, in its own thread; all methods are for any thread.

    `shelf`: keeps the pictures' files; None: no pictures are kept.
    """

    def __init__(
        self, folder: Path, settings: StoreSettings, health: Health, shelf: Keeper | None
    ) -> None:
        self._folder, self._settings, self._health, self._shelf = folder, settings, health, shelf
        self._waiting = Waiting(settings.commit_s, settings.commit_events)
        self._registered: set[str] = set()
        self._places: dict[str, int] = {}  # of publishers, also where that is not written yet
        self._lock = threading.Lock()  # of these two
        self._ready = threading.Event()  # the places are known
        self._subscribers: list[Callback] = []
        self._ledger: Ledger | None = None
        self._known: tuple[int, int] | None = None  # identity of the file that was open last
        self._epoch = ""  # of the database that was open last
        self._last = 0  # number, which also the next database goes on from
        self._broken: str | None = None
        self._reconciled = self._is_writing = False
        self._cause: str | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._replaced_at: float | None = None
        self._check_at = monotonic() + _DAY_S
        self._told_lost = 0
        self._figures = (0, ShelfFacts(0, 0, 0), 0.0)  # events, pictures, free MB
        self._began = monotonic()
        self._ends_at = self._busy_at = math.inf
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends_at = monotonic() + CLOSE_S
        self._waiting.close()
        self._thread.join(CLOSE_S + 1.0)

    def put(self, record: Record) -> None:
        """Have a record written; never waits, never raises."""
        self._waiting.put(record)

    def put_minute(self, minute: Minute) -> None:
        """Have a minute written; never waits, never raises."""
        self._waiting.put_minute(minute)

    def register(self, publisher: str, timeout_s: float = 10.0) -> int:
        """Number up to which this publisher has all events; a new one starts at the last event.

        Waits for the disk, for `timeout_s` at most: 0 if the store cannot be opened by then.
        """
        self._ready.wait(timeout_s)
        with self._lock:
            self._registered.add(publisher)
            if not self._ready.is_set():
                return 0
            place = self._places.setdefault(publisher, self._last)
        self._waiting.acknowledge(publisher, place, 0)
        return place

    def acknowledge(self, publisher: str, number: int, dropped: int = 0) -> None:
        """All events up to `number` have arrived, or been given up: `dropped` more of them."""
        with self._lock:
            self._places[publisher] = max(number, self._places.get(publisher, 0))
        self._waiting.acknowledge(publisher, number, dropped)

    def subscribe(self, callback: Callback) -> None:
        """Have `callback` called with events that are safe, in the recorder's thread."""
        self._subscribers = [*self._subscribers, callback]

    def unsubscribe(self, callback: Callback) -> None:
        """Have it called no more, but for a call that has begun."""
        self._subscribers = [other for other in self._subscribers if other != callback]

    def facts(self) -> StoreFacts:
        """Figures for the status document, as of the last transaction."""
        events, shelf, free_mb = self._figures
        return StoreFacts(
            events=events,
            pending=self._waiting.pending,
            lost=self._waiting.lost,
            snapshots=shelf.pictures,
            snapshots_mb=round(shelf.bytes / 1e6, 3),
            keep_mb=shelf.keep_mb,
            disk_free_mb=free_mb,
            busy_s=round(monotonic() - self._busy_at, 1) if self._busy_at < math.inf else 0.0,
        )

    def _run(self) -> None:
        batch = Batch()
        while True:
            self._busy_at = monotonic()
            try:
                self._attempt(batch)
                self._look_after()
            except Exception as error:  # noqa: BLE001 - not even a fault in here ends the thread
                _say(f"store: {error!r}")
            self._busy_at = math.inf
            batch = self._waiting.take()
            if monotonic() >= self._ends_at or (self._waiting.closed and not batch):
                break
        self._shut()

    def _attempt(self, batch: Batch) -> None:
        """Write a batch and tell of it; or keep it, and rest if the disk does not let it."""
        try:
            events = self._write(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
            self._recover(batch, error)
            return
        self._waiting.done(batch)
        self._pause_s = _FIRST_PAUSE_S
        self._report("store.failed", None)
        if events:
            self._tell(events)

    def _write(self, batch: Batch) -> list[StoredEvent]:
        self._is_writing = False
        ledger = self._opened()
        if not self._reconciled:
            ledger.reconcile()
            self._reconciled = True
        if not batch and not ledger.behind:
            return []
        self._is_writing = True
        events = ledger.write(batch, self._arrived())
        self._last = ledger.last
        return events

    def _opened(self) -> Ledger:
        """The tables; opened anew if they were closed, or their file is not there any more."""
        if self._ledger is not None and self._ledger.database.in_place():
            return self._ledger
        self._shut()
        if self._broken is None:
            database = Database.open(self._folder, self._known)
        else:
            database = Database.replace(self._folder, self._broken)
        self._broken = None
        if database.cause is not None:
            self._tell_replaced(database)
        try:
            ledger = Ledger(database, self._settings, self._shelf, self._last)
            self._use(ledger)
        except BaseException:
            database.close()
            raise
        return ledger

    def _use(self, ledger: Ledger) -> None:
        database = ledger.database
        self._reconciled &= database.epoch == self._epoch
        self._known, self._epoch, self._last = database.identity, database.epoch, ledger.last
        with self._lock:
            for publisher, number in ledger.cursors.items():
                self._places[publisher] = max(number, self._places.get(publisher, 0))
            new = self._registered - ledger.cursors.keys()
            self._ready.set()
        for publisher in new:  # what only a former file had cannot be told any more
            self.acknowledge(publisher, ledger.last)
        self._ledger = ledger

    def _arrived(self) -> float:
        """Number up to which no publisher waits; after a start, none that may yet register."""
        settled = monotonic() - self._began > _SETTLED_S
        with self._lock:
            waiting = self._registered if settled else self._places.keys()
            return min((self._places[publisher] for publisher in waiting), default=math.inf)

    def _recover(self, batch: Batch, error: Exception) -> None:
        self._shut()  # what the connection believes of the file may be wrong
        if is_broken(error):
            self._broken = str(error)
            self._waiting.give_back(batch)
            if self._replaced_at is not None and monotonic() - self._replaced_at < _FEW_S:
                self._rest("the disk damages what is written: replace it")
        elif is_disk(error) or not self._is_writing:
            self._waiting.give_back(batch)
            self._rest(worded(error, self._folder))
        else:
            self._waiting.set_apart(batch)
            _say(f"store: something cannot be written: {error!r}")

    def _rest(self, cause: str) -> None:
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, _LONGEST_PAUSE_S)
        try:
            self._report("store.failed", cause)
            self._look_for_lost()
        finally:
            self._waiting.rest(pause_s)

    def _report(self, name: str, cause: str | None) -> None:
        self._health.report(name, cause, monotonic_ns())

    def _tell_replaced(self, database: Database) -> None:
        self._replaced_at = monotonic()
        kept = "" if database.set_aside is None else f"; it is kept as {database.set_aside.name}"
        self._report("store.replaced", f"a new database was begun: {database.cause}{kept}")

    def _tell(self, events: list[StoredEvent]) -> None:
        for callback in self._subscribers:
            try:
                callback(events)
            except Exception as error:  # noqa: BLE001 - a listener's fault is not the store's
                _say(f"store: a listener failed: {error!r}")

    def _look_after(self) -> None:
        self._look_for_lost()
        if monotonic() > self._check_at:
            self._check_at = monotonic() + _DAY_S
            self._shut()
            self._known = None  # so it is opened as at the start
        if self._replaced_at is not None and monotonic() - self._replaced_at > _DAY_S:
            self._replaced_at = None
            self._report("store.replaced", None)
        ledger = self._ledger
        if ledger is None:
            return
        if ledger.behind:
            self._waiting.soon()
        with contextlib.suppress(OSError, sqlite3.Error):  # then the figures are the former ones
            disk = statvfs(self._folder)
            free_mb = round(disk.f_bavail * disk.f_frsize / 1e6, 1)
            self._figures = (ledger.events, ledger.shelf_facts(), free_mb)

    def _look_for_lost(self) -> None:
        """Report events that found no room, until all that wait are written."""
        lost = self._waiting.lost
        if lost > self._told_lost:
            self._told_lost = lost
            self._report(
                "store.full",
                "events were lost: they found no room to wait, or could not be written at all",
            )
        elif self._waiting.pending == 0:
            self._report("store.full", None)

    def _shut(self) -> None:
        if self._ledger is not None:
            self._reconciled &= self._ledger.agrees
            self._ledger.database.close()
        self._ledger = None


def _say(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # standard error may be gone
        tell(line)
