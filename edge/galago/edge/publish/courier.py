"""A publisher's thread: what all of them have in common, whatever they speak.

- Whatever happens in it stays in it: the loop, the store and the other publishers never wait for
  it, and no error leaves it.
- A failure is tried again for as long as it lasts, with longer and longer pauses; it becomes a
  state of health only when it has lasted for a while, and ends by itself.
- What is refused for good, or cannot be told at all, does not stop what comes after: it is given up
  after a number of tries, counted, and said.
- It ends within seconds; what has not arrived by then is told after the next start.
"""

import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from time import monotonic, monotonic_ns
from typing import Literal, TypeAlias

from galago.edge.health import Health
from galago.edge.publish.backoff import Backoff, Pace
from galago.edge.publish.outbox import Outbox
from galago.edge.record import StoredEvent
from galago.edge.vitals.document import PublisherFacts
from galago.errors import StoreError

Kind: TypeAlias = Literal["mqtt", "webhook", "command"]

_LOOK_S = 5.0  # how often backlogs are bounded during a pause
_STEADY_S = 10.0  # what goes well for so long is no flicker
_NS = 1_000_000_000


class DeliveryError(Exception):
    """It could not be told now; `after_s`: the other side wants to be left alone for so long."""

    def __init__(self, cause: str, after_s: float = 0.0) -> None:
        super().__init__(cause)
        self.after_s = after_s


class RefusedError(DeliveryError):
    """This event is not wanted, and will not be the next time."""


class Courier(ABC):
    """A thread that tells others; the subclass says how.

    `name` is unique; the state of health is `publisher.NAME`.
    """

    kind: Kind

    def __init__(self, name: str, outbox: Outbox, health: Health, pace: Pace | None = None) -> None:
        self.name = name
        self._outbox, self._health, self._pace = outbox, health, pace or Pace()
        self._backoff = Backoff(self._pace)
        self._stop = threading.Event()
        self._error: str | None = None
        self._failing_ns: int | None = None
        self._well_ns: int | None = None
        self._told: str | None = None  # the cause that health has
        self._tries = (0, 0)  # an event's number, and how often it was refused
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin: with what was left, and with what is stored from now on."""
        self._outbox.register()
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; see `join`."""
        self._stop.set()
        self.wake()

    def join(self, timeout_s: float) -> None:
        """Wait for the end; a thread that hangs in the system is left behind."""
        self._thread.join(timeout_s)

    def facts(self) -> PublisherFacts:
        """How it stands; for any thread."""
        return PublisherFacts(
            name=self.name,
            kind=self.kind,
            connected=self._connected,
            backlog=self._outbox.backlog,
            acknowledged=self._outbox.acknowledged,
            dropped=self._outbox.dropped,
            error=self._error,
        )

    @property
    def _connected(self) -> bool:
        """Whether the last try went well, as far as it is known."""
        return self._error is None

    @abstractmethod
    def wake(self) -> None:
        """There are new events, or it is to stop; for any thread, at no cost."""

    @abstractmethod
    def _work(self) -> None:
        """Tell, for as long as it goes well or until `_stop`; raises DeliveryError."""

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._work()
            except DeliveryError as error:
                self._failed(error)
            except StoreError as error:  # which says itself what cannot be read
                self._failed(DeliveryError(str(error)))
            except (sqlite3.Error, OSError) as error:
                self._failed(DeliveryError(f"the store cannot be read: {error}"))
            except Exception as error:  # noqa: BLE001 - isolated: whatever it is, it ends here
                self._failed(DeliveryError(f"{type(error).__name__}: {error}"))
        self._outbox.close()

    def _failed(self, error: DeliveryError) -> None:
        now_ns = monotonic_ns()
        if self._well_ns is not None and now_ns - self._well_ns > _STEADY_S * _NS:
            self._backoff.reset()
        self._well_ns = None
        self._error = str(error)
        self._failing_ns = self._failing_ns or now_ns
        if now_ns - self._failing_ns >= self._pace.patience_s * _NS:
            self._complain(self._error)
        self._outbox.rewind()
        self._rest(max(self._backoff.next_s(), error.after_s))

    def _well(self) -> None:
        self._well_ns = self._well_ns or monotonic_ns()
        if self._error is not None:
            self._error = self._failing_ns = self._told = None
            self._say(None)

    def _refused(self, event: StoredEvent, error: RefusedError) -> None:
        """Count it; raises what it was given unless the event is given up."""
        number, tries = self._tries
        tries = tries + 1 if number == event.number else 1
        self._tries = (event.number, tries)
        if tries < self._pace.tries:
            raise error
        self._outbox.give_up(event.number)
        self._error = f"event {event.number} is given up after {tries} tries: {error}"
        self._complain(self._error)

    def _complain(self, cause: str) -> None:
        if cause == self._told:
            return
        waiting = f"; {self._outbox.backlog} events wait" if self._outbox.backlog else ""
        self._told = cause
        self._say(f"{cause}{waiting}")

    def _say(self, cause: str | None) -> None:
        self._health.report_anew(f"publisher.{self.name}", cause, monotonic_ns())

    def _rest(self, seconds: float) -> None:
        """Pause after a failure; what comes meanwhile is bounded all the same."""
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0 and not self._stop.wait(min(left, _LOOK_S)):
            try:
                self._outbox.look()
            except (sqlite3.Error, OSError):
                return  # said when it is worked on next


Deliver: TypeAlias = Callable[[StoredEvent, threading.Event], None]


class Messenger(Courier):
    """Tells one event after the other.

    Args:
        deliver: tells one event, within a bounded time; ends early when the given event is set.
            Raises RefusedError or DeliveryError; any other error counts as refused.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - a courier's, and what it is for
        self,
        name: str,
        kind: Kind,
        outbox: Outbox,
        health: Health,
        deliver: Deliver,
        pace: Pace | None = None,
    ) -> None:
        super().__init__(name, outbox, health, pace)
        self.kind = kind
        self._deliver = deliver
        self._woken = threading.Event()

    def wake(self) -> None:
        """As of Courier."""
        self._woken.set()

    def _work(self) -> None:
        self._woken.clear()
        self._outbox.look()
        event = self._outbox.next()
        if event is None:
            self._woken.wait()
            return
        try:
            self._tell(event)
        except RefusedError as error:
            self._refused(event, error)
        else:
            self._outbox.arrived(event.number)
            self._backoff.reset()
            self._well()

    def _tell(self, event: StoredEvent) -> None:
        try:
            self._deliver(event, self._stop)
        except DeliveryError:
            raise
        except Exception as error:
            raise RefusedError(f"{type(error).__name__}: {error}") from error
