"""uvicorn, with this page's application, limits and end."""

import asyncio
import logging
import socket
import ssl
from types import FrameType
from typing import Any

import uvicorn

from galago.edge.web.app import make_app
from galago.edge.web.daemon import Daemon
from galago.edge.web.desk import Desk, WebFacts
from galago.edge.web.protocol import MAX_CONNECTIONS, MAX_HEAD_BYTES, PatientProtocol
from galago.edge.web.routes import ROUTES

_KEEP_ALIVE_S = 5


class WontServeError(Exception):
    """It cannot begin; the text says why, and what to do."""


def serve(listener: socket.socket, end: socket.socket, told: dict[str, Any]) -> None:
    """Answer requests until the daemon ends.

    Raises:
        WontServeError: certificate or key cannot be used.
    """
    # A hostile client must not fill the journal: what it sends wrongly is its own affair.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    asyncio.run(_serve(listener, end, WebFacts(**told)))


async def _serve(listener: socket.socket, end: socket.socket, facts: WebFacts) -> None:
    over = asyncio.Event()
    daemon = await Daemon.connect(end, over.set)
    config = _config(make_app(Desk.of(facts, daemon), ROUTES), facts)
    await _Server(config, daemon, over).serve([listener])


class _Server(uvicorn.Server):
    """Says when it listens, sleeps while nobody asks, and ends at once when it is `over`."""

    def __init__(self, config: uvicorn.Config, daemon: Daemon, over: asyncio.Event) -> None:
        super().__init__(config)
        self._daemon, self._over = daemon, over
        self._loop = asyncio.get_running_loop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._daemon.serving()

    async def main_loop(self) -> None:
        # uvicorn's own wakes ten times a second, to see whether it should end and to write a date.
        await self._over.wait()
        self.force_exit = True  # whoever still looks would look for hours
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def handle_exit(self, _signal: int, _frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._over.set)


def _config(app: Any, facts: WebFacts) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=PatientProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        # Whoever connects is who it is; a header that says otherwise may come from anybody.
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=MAX_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_S,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        ssl_certfile=facts.certificate,
        ssl_keyfile=facts.key,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise WontServeError(
            f"certificate {facts.certificate} and key {facts.key} cannot be used: {error}; "
            "expected PEM files that belong together and that the daemon may read"
        ) from error
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return config
