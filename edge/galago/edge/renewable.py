"""A part of the daemon that follows the configuration while everything else goes on.

- It is closed and opened anew where its own settings are others; else it notices nothing.
- Where the new settings cannot be, it is as it was before.

    page = Renewable(lambda config: config.web, open_page)
    page.follow(config)
    page.part.address
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Generic, Self, TypeVar

from galago.edge.config.schema import Config

T = TypeVar("T", bound=AbstractContextManager[object])


class Renewable(Generic[T]):
    """Holds the part that is open, or None.

    `settings`: what it goes by. `make`: makes one, or None where none is asked for.
    """

    def __init__(
        self, settings: Callable[[Config], object], make: Callable[[Config], T | None]
    ) -> None:
        self.part: T | None = None
        self._settings, self._make = settings, make
        self._config: Config | None = None

    def follow(self, config: Config) -> None:
        """Be as `config` wants it.

        Raises:
            UsageError: that cannot be.
        """
        before = self._config
        if before is not None and self._settings(before) == self._settings(config):
            return
        self.close()
        try:
            self._open(config)
        except BaseException:
            if before is not None:
                self._open(before)
            raise

    def close(self) -> None:
        """May be called twice."""
        part, self.part, self._config = self.part, None, None
        if part is not None:
            part.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, config: Config) -> None:
        part = self._make(config)
        if part is not None:
            part.__enter__()
        self.part, self._config = part, config
