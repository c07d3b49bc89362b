"""Reads configuration and model anew when asked, while the loop goes on.

- What cannot serve changes nothing: a configuration with a mistake, a model that fails its golden
  frames. The reason is a state of health until the next attempt.
- The loop's thread only picks up what is ready.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from galago.edge.config.schema import Config
from galago.edge.health import Health
from galago.edge.plan import needs_new_start
from galago.edge.serving import Serving
from galago.errors import GalagoError

REFUSED = "reload.refused"

_CLOSE_TIMEOUT_S = 10.0
_POLL_S = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Renewal:
    """What to go on with. `anew`: camera or store are others, so that all has to begin again."""

    config: Config
    serving: Serving
    anew: bool


class Reloading(Protocol):
    """Who goes through it; called in the reloader's thread."""

    def begin(self) -> None:
        """It has been asked for."""

    def open(self, config: Config) -> Serving:
        """The model of a configuration.

        Raises:
            GalagoError: there is none, or it fails its golden frames.
        """

    def renew(self, renewal: Renewal) -> None:
        """Follow what is new.

        Raises:
            UsageError: that cannot be; all goes on as before.
        """

    def end(self) -> None:
        """It is over, whatever came of it."""


class Reloader:
    """A thread that waits for `asked`, and calls `load` for the configuration."""

    def __init__(
        self,
        asked: threading.Event,
        load: Callable[[], Config],
        config: Config,
        health: Health,
        reloading: Reloading,
    ) -> None:
        self._asked, self._load, self._config = asked, load, config
        self._health, self._reloading = health, reloading
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="reload", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True  # `asked` is not touched: whoever asks now is heard in the next life
        self._thread.join(_CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        while not self._closing:
            if not self._asked.wait(_POLL_S):
                continue
            self._asked.clear()
            self._reloading.begin()
            self._health.report(REFUSED, self._attempt(), time.monotonic_ns())
            self._reloading.end()

    def _attempt(self) -> str | None:
        """Why all goes on as before, or None."""
        try:
            config = self._load()
            serving = self._reloading.open(config)
            anew = needs_new_start(self._config, config)
            self._reloading.renew(Renewal(config, serving, anew))
        except (GalagoError, OSError) as error:
            return f"all goes on as before: {error}"
        self._config = config
        return None
