"""What stands before every handler: who may come in, and what may be sent.

- Where a password is set, whatever the route table does not call open is closed, also what it does
  not know.
- Without one, the page answers only to names of this very machine: another site cannot have its own
  name resolved to 127.0.0.1 and read the camera (DNS rebinding).
- What another site makes a browser send is refused, reading as well as writing, but for a link that
  a person follows.
- A body is small and comes soon, or is not waited for.
- Every answer carries headers that keep scripts, frames and types where they belong.
"""

import asyncio
import base64
import binascii
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from galago.edge.web.api import refusal
from galago.edge.web.desk import Desk
from galago.edge.web.route import Access, Route
from galago.edge.web.sessions import TooManyTriesError

MAX_BODY: Final = 16 * 1024
BODY_S: Final = 5.0

# Source: OWASP Secure Headers; MDN, Content-Security-Policy. `blob:` is the live picture.
HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; media-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: with that a browser's own form says `Origin: null`.
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_SAFE: Final = ("GET", "HEAD")


class Guard:
    """An ASGI application around another."""

    def __init__(self, app: ASGIApp, desk: Desk, routes: Sequence[Route]) -> None:
        self._app, self._desk = app, desk
        self._doors = [(r.method, compile_path(r.path)[0], r.access) for r in routes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] != "http":
            return
        request = Request(scope)
        answer = _with_headers(send)
        refused = self._wrong_place(request) or await self._closed(request)
        if refused is None:
            body = await _body(receive)
            if isinstance(body, bytes):
                await self._app(scope, _replayed(body, receive), answer)
                return
            refused = body
        await refused(scope, receive, answer)

    def _wrong_place(self, request: Request) -> Response | None:
        facts, headers = self._desk.facts, request.headers
        if facts.own and facts.password is None and not _is_own_name(headers.get("host", "")):
            return refusal(403, "this page answers to localhost and 127.0.0.1 only")
        if _is_from_elsewhere(request):
            return refusal(403, "another site has sent this request")
        return None

    async def _closed(self, request: Request) -> Response | None:
        access = self._access(request)
        if access is Access.OPEN or may_still(self._desk, request):
            return None
        if access is Access.SCRAPER and "authorization" in request.headers:
            return await self._scraper(request)
        if request.url.path == "/" and request.method in _SAFE:
            return RedirectResponse("/login", 303, {"cache-control": "no-store"})
        asked = {"www-authenticate": 'Basic realm="galago"'} if access is Access.SCRAPER else {}
        return refusal(401, "log in first, at /login", asked)

    def _access(self, request: Request) -> Access:
        method = "GET" if request.method == "HEAD" else request.method
        for known, pattern, access in self._doors:
            if known == method and pattern.match(request.url.path):
                return access
        return Access.SESSION

    async def _scraper(self, request: Request) -> Response | None:
        keeper = self._desk.doorkeeper
        password = _basic_password(request.headers["authorization"])
        if keeper is None or password is None:
            return refusal(401, "expected basic authentication")
        if keeper.recognises(password):
            return None
        try:
            right = await keeper.is_right(password, address_of(request))
        except TooManyTriesError as error:
            return too_many(error)
        return None if right else refusal(401, "the password is wrong")


def may_still(desk: Desk, request: Request) -> bool:
    """Whether whoever asked is logged in, now; answers that go on ask again."""
    if desk.doorkeeper is None:
        return True
    return desk.sessions.knows(request.cookies.get(cookie_name(desk)))


def cookie_name(desk: Desk) -> str:
    """With the prefix that a browser takes only over https, from this host, for all its paths."""
    return "__Host-galago" if desk.facts.certificate else "galago"


def address_of(request: Request) -> str:
    """Where the request comes from."""
    return request.client.host if request.client else "0.0.0.0"  # noqa: S104 - nothing is bound


def too_many(error: TooManyTriesError) -> Response:
    """Come again later."""
    seconds = str(int(error.after_s) + 1)
    return refusal(429, f"too many tries: wait {seconds} s", {"retry-after": seconds})


def _is_own_name(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname if _is_plain(host) else None
    if name is None:
        return False
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _is_plain(host: str) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return False
    return parts.path == "" and parts.username is None


def _is_from_elsewhere(request: Request) -> bool:
    """By what a browser says of itself, which a site cannot change.

    Source: W3C Fetch Metadata (Sec-Fetch-*); the Fetch standard, Origin. Who sends neither is no
    browser, and has no cookie of somebody else's.
    """
    headers = request.headers
    site, is_safe = headers.get("sec-fetch-site"), request.method in _SAFE
    if site in ("cross-site", "same-site"):
        return not (is_safe and headers.get("sec-fetch-mode") == "navigate")
    origin = headers.get("origin")
    if origin is None or is_safe:
        return False
    try:
        return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    except ValueError:
        return True


def _basic_password(header: str) -> str | None:
    kind, _, coded = header.partition(" ")
    try:
        text = base64.b64decode(coded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text.partition(":")[2] if kind.lower() == "basic" else None


async def _body(receive: Receive) -> bytes | Response:
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                data += message.get("body", b"")
                if len(data) > MAX_BODY:
                    return refusal(413, f"expected {MAX_BODY} bytes at most", _CLOSE)
                if not message.get("more_body", False):
                    return bytes(data)
    except TimeoutError:
        return refusal(408, f"the request has not arrived within {BODY_S:g} s", _CLOSE)


_CLOSE = {"connection": "close"}


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


def _with_headers(send: Send) -> Send:
    added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return send_with_headers
