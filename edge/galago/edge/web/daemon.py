"""The page's end of the link: what it asks the daemon.

- One question of a kind is under way at a time; whoever asks meanwhile gets the same answer.
- A daemon that does not answer in time is one that does not answer, not an error of the page.
- The end of the link ends the page.

    daemon = await Daemon.connect(end, on_end)
    shot = await daemon.picture()
"""

import asyncio
import json
import socket
from collections import deque
from collections.abc import Callable
from typing import cast

from galago.edge.vitals.document import Status
from galago.edge.web.wire import FAILED, LENGTH, MAX_MESSAGE, PICTURE, SERVING, STATUS, Shot

ANSWER_S = 5.0  # a loop that is well answers in a few milliseconds, a camera that is away in 1 s


class DaemonSilentError(Exception):
    """The daemon does not answer."""


class Daemon:
    """Asks, and hears the answers in their order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._asked: deque[tuple[bytes, asyncio.Future[bytes]]] = deque()
        self._under_way: dict[bytes, asyncio.Future[bytes]] = {}
        self._hearing: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, end: socket.socket, on_end: Callable[[], None]) -> "Daemon":
        """Take over a socket whose first message has been read; `on_end`: the daemon is gone."""
        reader, writer = await asyncio.open_connection(sock=end)
        daemon = cls(reader, writer)
        daemon._hearing = asyncio.create_task(daemon._hear())
        daemon._hearing.add_done_callback(lambda _task: on_end())
        return daemon

    def serving(self) -> None:
        """Say that the page listens."""
        self._writer.write(SERVING + b"\n")

    async def status(self) -> Status:
        """The status document.

        Raises:
            DaemonSilentError: it does not come in time.
        """
        return cast("Status", json.loads(await self._ask(STATUS)))

    async def picture(self) -> Shot | None:
        """The next picture; None where the camera gives none.

        Raises:
            DaemonSilentError: not even that comes in time.
        """
        return Shot.unpack(await self._ask(PICTURE))

    async def _ask(self, word: bytes) -> bytes:
        answer = self._under_way.get(word)
        if answer is None:
            answer = asyncio.get_running_loop().create_future()
            self._under_way[word] = answer
            self._asked.append((word, answer))
            self._writer.write(word + b"\n")
        try:
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.shield(answer)  # the others wait for it as well
        except TimeoutError:
            raise DaemonSilentError from None

    async def _hear(self) -> None:
        try:
            while True:
                (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
                if length > MAX_MESSAGE:
                    return
                message = await self._reader.readexactly(length)
                word, answer = self._asked.popleft()
                del self._under_way[word]
                answer.set_result(message)
        except (OSError, asyncio.IncompleteReadError):
            return


def first_message(end: socket.socket) -> bytes:
    """The settings, before anything else is set up."""
    (length,) = LENGTH.unpack(_exactly(end, LENGTH.size))
    return _exactly(end, length)


def say_failed(end: socket.socket, cause: str) -> None:
    """Tell the daemon why there will be no page."""
    line = " ".join(cause.split())
    end.sendall(FAILED + b" " + line.encode() + b"\n")


def _exactly(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = end.recv(size - len(data))
        if not more:
            raise SystemExit(0)  # the daemon ended before it had begun
        data += more
    return data
