"""uvicorn, with this page's application, limits and end."""

import asyncio
import logging
import socket
import ssl
from typing import Any

import uvicorn

from galago.edge.web.app import make_app
from galago.edge.web.daemon import Daemon
from galago.edge.web.desk import Desk, WebFacts
from galago.edge.web.protocol import MAX_CONNECTIONS, MAX_HEAD_BYTES, PatientProtocol
from galago.edge.web.routes import ROUTES

_KEEP_ALIVE_S = 10


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
    server = _Server(config, daemon)
    serving = asyncio.create_task(server.serve([listener]))
    waiting = asyncio.create_task(over.wait())
    await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = server.force_exit = True
    waiting.cancel()
    await serving


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, daemon: Daemon) -> None:
        super().__init__(config)
        self._daemon = daemon

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._daemon.serving()


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
