"""What goes along with a camera that is left alone: store, pictures, publishers, page, health.

- The loop's thread only takes notes here: what encodes, writes, sends or judges has a thread or a
  process of its own, and a fault of it is a state of health.
- An event is on the disk before anyone is told of it.
- What is newly configured is followed while the loop goes on, but for the store (galago.edge.plan).
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from galago.edge.company import Printer
from galago.edge.config.schema import Config
from galago.edge.event import Event
from galago.edge.health import Health
from galago.edge.live import Live
from galago.edge.loop import Loop, Seen
from galago.edge.plan import store_folder
from galago.edge.publish.open import Publishers, open_publishers
from galago.edge.record import Record, StoredEvent
from galago.edge.renewable import Renewable
from galago.edge.serving import Serving
from galago.edge.snapshots.darkroom import Darkroom
from galago.edge.snapshots.shelf import Shelf
from galago.edge.state import status_file
from galago.edge.store.recorder import Recorder
from galago.edge.vitals.document import ProbationFacts, PublisherFacts
from galago.edge.vitals.judges import Disk
from galago.edge.vitals.pulse import Pulse
from galago.edge.vitals.sources import Sources
from galago.edge.vitals.status import Reporter
from galago.edge.vitals.statusfile import StatusFile
from galago.edge.vitals.watch import Watch
from galago.edge.web.process import Page


class Station:
    """The company (galago.edge.company) of an unattended loop.

    `printer`: prints events that are stored; None where nobody reads them. `probation`: how far a
    new model has got.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what it goes along with, and who hears of it
        self,
        config: Config,
        serving: Serving,
        loop: Loop,
        health: Health,
        printer: Printer | None,
        probation: Callable[[], ProbationFacts | None] = lambda: None,
    ) -> None:
        self._config, self._serving, self._health = config, serving, health
        self._loop, self._printer = loop, printer
        self._folder = store_folder(config)
        self._live, self._pulse = Live(), Pulse()
        pictures = config.snapshots
        shelf = Shelf(self._folder, pictures, health) if pictures.enabled else None
        self._recorder = Recorder(self._folder, config.store, health, shelf)
        self._darkroom = Darkroom(self._recorder.put, pictures, health) if shelf else None
        self._sources = Sources(
            device=config.device,
            live=self._live,
            pulse=self._pulse,
            health=health,
            serving=lambda: self._serving,
            camera=lambda: loop.camera,
            dropped=lambda: loop.dropped,
            probation=probation,
            store=self._recorder.facts,
            publishers=self._facts_of_publishers,
        )
        self._status = Reporter(self._sources).document
        disk = Disk(self._folder, pictures.keep_free_mb)
        self._watch = Watch(self._sources, config.health, disk, self._recorder.put_minute)
        self._publishers = Renewable(
            lambda config: (config.mqtt, config.webhook, config.command, config.gpio),
            self._open_publishers,
        )
        self._page = Renewable(lambda config: config.web, self._open_page)
        self._file = StatusFile(status_file(), self._status, health)

    def look(self, seen: Seen, serving: Serving) -> None:
        """As Company says."""
        if serving is not self._serving:  # a reload, which may have taken regions away
            self._serving = serving
            self._live.forget()
        self._live.offer(seen)
        if seen.region is self._loop.last_region:
            self._pulse.beat(seen.frame.time_ns)
        if self._darkroom is not None:
            self._darkroom.glance(seen, serving)

    def tell(self, seen: Seen, event: Event, serving: Serving) -> None:
        """As Company says."""
        if self._darkroom is not None:
            self._darkroom.develop(seen, event, serving)
        else:
            self._recorder.put(Record(event))
        if (publishers := self._publishers.part) is not None:
            publishers.put(event)

    def renew(self, config: Config) -> None:
        """As Company says: whose settings are others begins anew."""
        before = self._config
        try:
            self._follow(config)
        except BaseException:
            self._follow(before)
            raise

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            if self._printer is not None:
                stack.enter_context(self._printer)
                self._recorder.subscribe(self._print)
            stack.enter_context(self._recorder)
            if self._darkroom is not None:
                stack.enter_context(self._darkroom)
            stack.enter_context(self._watch)
            stack.enter_context(self._publishers)
            stack.enter_context(self._page)
            self._follow(self._config)
            stack.enter_context(self._file)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def _follow(self, config: Config) -> None:
        """Be as a configuration wants it, but for what lasts."""
        self._publishers.follow(config)
        self._page.follow(config)
        self._watch.settings = config.health
        if self._darkroom is not None:
            self._darkroom.decide_by(config.decision)
        self._config = config

    def _open_publishers(self, config: Config) -> Publishers:
        return open_publishers(config, self._recorder, self._folder, self._status, self._health)

    def _open_page(self, config: Config) -> Page | None:
        if not config.web.enabled:
            return None
        return Page(config.web, self._folder, self._live, self._status, self._health)

    def _facts_of_publishers(self) -> list[PublisherFacts]:
        publishers = self._publishers.part
        return [] if publishers is None else publishers.facts()

    def _print(self, events: list[StoredEvent]) -> None:
        for stored in events:
            if self._printer is not None:
                self._printer.put(stored.to_json())
