"""What the page's handlers have at hand: the daemon, the database, who is logged in."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from galago.edge.store.reader import Reader
from galago.edge.web.daemon import Daemon, DaemonSilentError
from galago.edge.web.sessions import Doorkeeper, Sessions
from galago.edge.web.shared import Shared
from galago.edge.web.wire import Shot
from galago.errors import StoreError

T = TypeVar("T")

_PATIENCE_S = 10.0
_NEWS_S = 1.0
_SEATS_AT_PICTURES = 8
_SEATS_AT_NEWS = 16


class NoDatabaseError(Exception):
    """The database cannot be read now; the text says why."""


class Library:
    """The daemon's database, read in one thread of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._thread = ThreadPoolExecutor(1, "library")
        self._reader = Reader(folder)

    async def read(self, question: Callable[[Reader], T]) -> T:
        """What `question` finds.

        Raises:
            NoDatabaseError: there is none, or it is busy or damaged.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await loop.run_in_executor(self._thread, self._read, question)
        except TimeoutError:
            raise NoDatabaseError("the database is busy") from None

    def _read(self, question: Callable[[Reader], T]) -> T:
        try:
            return question(self._reader)
        except StoreError as error:
            raise NoDatabaseError(str(error)) from error


@dataclass(frozen=True)
class WebFacts:
    """The settings that the daemon has told.

    `own`: only this machine reaches the page. `password`: its hash, None: none is needed.
    """

    folder: str
    password: str | None
    certificate: str | None
    key: str | None
    rate: float
    own: bool


@dataclass(frozen=True)
class Desk:
    """One for the whole process.

    `shots`: live pictures. `news`: "status" with the document each second, or "silent".
    """

    facts: WebFacts
    daemon: Daemon
    library: Library
    shots: Shared[Shot | None]
    news: Shared[tuple[str, Any]]
    sessions: Sessions = field(default_factory=Sessions)
    doorkeeper: Doorkeeper | None = None

    @classmethod
    def of(cls, facts: WebFacts, daemon: Daemon) -> Self:
        """All that the handlers need."""
        return cls(
            facts,
            daemon,
            Library(Path(facts.folder)),
            Shared(partial(_shot, daemon), 1 / facts.rate, _SEATS_AT_PICTURES),
            Shared(partial(_news, daemon), _NEWS_S, _SEATS_AT_NEWS),
            doorkeeper=None if facts.password is None else Doorkeeper(facts.password),
        )


async def _shot(daemon: Daemon) -> Shot | None:
    try:
        return await daemon.picture()
    except DaemonSilentError:
        return None


async def _news(daemon: Daemon) -> tuple[str, Any]:
    try:
        return "status", await daemon.status()
    except DaemonSilentError:
        return "silent", {}
