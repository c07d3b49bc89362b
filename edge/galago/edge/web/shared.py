"""One question for all viewers, and answers that go on for as long as somebody looks.

- What many look at is fetched once, at one rate; while nobody looks, nothing is fetched.
- A viewer that is slow misses values; nothing is kept for it.
- A viewer that leaves is noticed at once, also between two values.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Generic, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

T = TypeVar("T")


class Shared(Generic[T]):
    """Values fetched every `period_s` while somebody looks; at most `seats` do.

    `fetch` must not raise.
    """

    def __init__(self, fetch: Callable[[], Awaitable[T]], period_s: float, seats: int) -> None:
        self._fetch, self._period_s, self._seats = fetch, period_s, seats
        self._viewers = 0
        self._number = 0
        self._value: T | None = None
        self._news = asyncio.Condition()
        self._fetching: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether nobody else may look."""
        return self._viewers >= self._seats

    async def values(self) -> AsyncIterator[T]:
        """What is fetched from now on, each time the newest."""
        self._viewers += 1
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._run())
        try:
            seen = self._number
            while True:
                async with self._news:
                    await self._news.wait_for(lambda seen=seen: self._number != seen)  # type: ignore[misc]
                seen = self._number
                if self._value is not None:
                    yield self._value
        finally:
            self._viewers -= 1
            if self._viewers == 0 and self._fetching is not None:
                self._fetching.cancel()
                self._fetching = None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self._period_s
            self._value = await self._fetch()
            self._number += 1
            async with self._news:
                self._news.notify_all()
            await asyncio.sleep(max(0.0, due - loop.time()))


class Stream(Response):
    """An answer of parts, until `parts` ends or the viewer leaves."""

    def __init__(
        self, parts: Callable[[], AsyncIterator[bytes]], headers: Mapping[str, str]
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(headers)
        self._parts = parts

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Without Content-Length, which nobody knows."""
        given = {"cache-control": "no-store", **(headers or {})}
        self.raw_headers = [(name.encode(), value.encode()) for name, value in given.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until either side has enough."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        if scope["method"] != "HEAD":
            await _first(self._send(send), _gone(receive))
        await send({"type": "http.response.body", "body": b""})

    async def _send(self, send: Send) -> None:
        async with aclosing(self._parts()) as parts:  # type: ignore[type-var]
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _first(*works: Awaitable[None]) -> None:
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
