"""Films around events: a ring of small pictures in memory, and a thread that has films made of it.

- Nothing is kept and nothing runs unless clips are asked for.
- Memory: RING_BYTES for the ring, as much again for the film that is being made and for the one
  that waits. What finds no room, of pictures or of films, is left out.

    with Projector(put, settings, health) as projector:
        projector.expose(time_ns, jpeg)      # some times a second
        projector.wanted(name, time_ns)      # an event's picture
"""

import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic_ns
from typing import Self

from galago.edge.health import Health
from galago.edge.record import Film, Record
from galago.edge.snapshots.film import FilmError, make_film
from galago.edge.snapshots.settings import SnapshotSettings
from galago.errors import StoppedError

RING_BYTES = 16_000_000

_WAITING = 4  # events whose time after is not over
_CLOSE_TIMEOUT_S = 1.0
_NS = 1e9


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    from_ns: int
    until_ns: int


@dataclass(frozen=True, slots=True)
class _Reel:
    name: str
    frames: tuple[bytes, ...]


class Projector:
    """Collects pictures and makes films; `expose` and `wanted` are for one thread."""

    def __init__(
        self, put: Callable[[Record], None], settings: SnapshotSettings, health: Health
    ) -> None:
        self.left_out = 0
        self._put, self._settings, self._health = put, settings, health
        self._before_ns = round(settings.clip_before_s * _NS)
        self._after_ns = round(settings.clip_after_s * _NS)
        self._ring: deque[tuple[int, bytes]] = deque()
        self._ring_bytes = 0
        self._wanted: deque[_Wanted] = deque()
        self._reels: queue.Queue[_Reel | None] = queue.Queue(1)
        self._thread = threading.Thread(target=self._run, name="film", daemon=True)

    @property
    def is_on(self) -> bool:
        """Whether clips are asked for."""
        return self._before_ns + self._after_ns > 0

    def expose(self, time_ns: int, jpeg: bytes) -> None:
        """Take a picture into the ring, and have films made whose time is over."""
        self._ring.append((time_ns, jpeg))
        self._ring_bytes += len(jpeg)
        kept_from_ns = time_ns - self._before_ns - self._after_ns - round(_NS)
        while self._ring[0][0] < kept_from_ns or self._ring_bytes > RING_BYTES:
            self._ring_bytes -= len(self._ring.popleft()[1])
        while self._wanted and self._wanted[0].until_ns <= time_ns:
            self._wind(self._wanted.popleft())

    def wanted(self, name: str, time_ns: int) -> None:
        """Have a film made around a moment, monotonic, for the picture of that name."""
        if len(self._wanted) == _WAITING:
            self.left_out += 1
            return
        self._wanted.append(_Wanted(name, time_ns - self._before_ns, time_ns + self._after_ns))

    def __enter__(self) -> Self:
        if self.is_on:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave out what is not finished: a process that ends does not wait for a codec."""
        if self.is_on:
            try:
                self._reels.put_nowait(None)
            except queue.Full:
                return
            self._thread.join(_CLOSE_TIMEOUT_S)

    def _wind(self, wanted: _Wanted) -> None:
        inside = (jpeg for at, jpeg in self._ring if wanted.from_ns <= at <= wanted.until_ns)
        reel = _Reel(wanted.name, tuple(inside))
        try:
            self._reels.put_nowait(reel)
        except queue.Full:
            self.left_out += 1

    def _run(self) -> None:
        while (reel := self._reels.get()) is not None:
            if not reel.frames:
                continue
            try:
                content = make_film(reel.frames, self._settings.clip_rate)
            except StoppedError:  # as the daemon is about to be
                return
            except FilmError as error:
                self._health.report("snapshots.unfilmed", f"{error}", monotonic_ns())
                continue
            self._health.report("snapshots.unfilmed", None, monotonic_ns())
            self._put(Record(film=Film(reel.name, content)))
