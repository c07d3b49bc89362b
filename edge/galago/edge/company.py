"""What goes along with the loop: told of all it sees, never in its way.

- `Printer` is for a person who tries a model: events to standard output, nothing else.
- galago.edge.station.Station is for a camera that is left alone.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol, Self, TextIO

from galago.edge.config.schema import Config
from galago.edge.event import Event
from galago.edge.loop import Seen
from galago.edge.outlet import Outlet
from galago.edge.serving import Serving
from galago.edge.tell import tell


class Company(Protocol):
    """A context manager; `look` and `tell` are called in the loop's thread and return at once."""

    def look(self, seen: Seen, serving: Serving) -> None:
        """One region of one frame."""

    def tell(self, seen: Seen, event: Event, serving: Serving) -> None:
        """An event, after `look` at the same."""

    def renew(self, config: Config) -> None:
        """Follow another configuration; called in another thread.

        Raises:
            UsageError: it cannot be; all is as before.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Printer:
    """Prints events, one JSON line each.

    `left`: called when nobody reads `out` any more. `wait`: nothing is lost, however slow the
    reader: of a recording.
    """

    def __init__(self, out: TextIO, left: Callable[[], None], *, wait: bool) -> None:
        self._outlet = Outlet(partial(print, file=out, flush=True), left, wait=wait)

    def look(self, seen: Seen, serving: Serving) -> None:
        """Nothing to do."""

    def tell(self, _seen: Seen, event: Event, _serving: Serving) -> None:
        """Print it, in a thread of its own."""
        self._outlet.put(event.to_json())

    def put(self, line: str) -> None:
        """Print a line."""
        self._outlet.put(line)

    def renew(self, config: Config) -> None:
        """Nothing to do."""

    def __enter__(self) -> Self:
        self._outlet.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._outlet.__exit__(*error)
        if self._outlet.lost:
            tell(f"{self._outlet.lost} events found no room: standard output was not read")
