"""HTTP connections with limits, on top of uvicorn's.

- A request's head arrives within HEAD_S of the connection, or of the answer before it, however many
  bytes trickle in: uvicorn itself waits for ever.
- A reader that does not take what it asked for within STUCK_S is cut off.
- So many connections in all, and from one address; where all are taken, the longest idle one makes
  room, so that a flood of silent ones does not lock people out.
- No connection, no timer.
"""

import asyncio
from ipaddress import ip_address
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_S = 5.0
STUCK_S = 8.0
MAX_HEAD_BYTES = 8192  # of the request's head; a session's cookie is 60
MAX_CONNECTIONS = 64
MAX_OF_ADDRESS = 24  # a browser opens six; several may stand behind one router

_LOOK_S = 1.0


class PatientProtocol(H11Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, if there is room."""
        now = self.loop.time()
        self.idle_since: float = now
        self._paused_since: float | None = None
        self._closing_since: float | None = None
        super().connection_made(transport)
        self._looking = self.loop.call_later(_LOOK_S, self._look)
        if len(self.connections) > MAX_CONNECTIONS:
            self._make_room()
        if self._of_my_address() > MAX_OF_ADDRESS:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._looking.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """From here on the next request is waited for."""
        self.idle_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The other side does not read."""
        self._paused_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It does again."""
        self._paused_since = None
        super().resume_writing()

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _look(self) -> None:
        now = self.loop.time()
        if self._is_overdue(now):
            self.transport.abort()
        else:
            self._looking = self.loop.call_later(_LOOK_S, self._look)

    def _is_overdue(self, now: float) -> bool:
        if self.transport.is_closing():  # an end that waits for a reader that does not read
            if self._closing_since is None:
                self._closing_since = now
            return now - self._closing_since > STUCK_S
        if self._paused_since is not None and now - self._paused_since > STUCK_S:
            return True
        return self.is_idle and now - self.idle_since > HEAD_S

    def _make_room(self) -> None:
        others = cast("set[PatientProtocol]", self.connections - {cast("Any", self)})
        idle = [other for other in others if other.is_idle]
        oldest = min(idle, key=lambda other: other.idle_since, default=self)
        oldest.transport.abort()
        # It is told of its end later; many may come before that, and would choose it again.
        self.connections.discard(cast("Any", oldest))

    def _of_my_address(self) -> int:
        """Connections from where this one comes; what comes from this machine may be a proxy."""
        if self.client is None or ip_address(self.client[0].split("%")[0]).is_loopback:
            return 0
        others = cast("set[PatientProtocol]", self.connections)
        return sum(
            other.client is not None and other.client[0] == self.client[0] for other in others
        )
