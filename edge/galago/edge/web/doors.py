"""The page itself, its files, and the way in and out."""

from functools import cache
from importlib.resources import files
from typing import Final
from urllib.parse import parse_qs

from starlette.responses import RedirectResponse, Response

from galago.edge.web.api import missing
from galago.edge.web.desk import Desk
from galago.edge.web.guard import address_of, cookie_name
from galago.edge.web.password import MAX_CHARACTERS
from galago.edge.web.route import Call
from galago.edge.web.sessions import SESSION_S, TooManyTriesError

_KINDS: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}
_MESSAGE: Final = b"<!-- message -->"


@cache
def static() -> dict[str, bytes]:
    """The files of the package, by name; a few kB all of them."""
    folder = files("galago.edge.web").joinpath("static")
    return {entry.name: entry.read_bytes() for entry in folder.iterdir()}


async def page(desk: Desk, _call: Call) -> Response:
    """The page."""
    content = static()["index.html"]
    if desk.doorkeeper is None:  # nobody to log out
        content = content.replace(b"<body>", b'<body class="open">')
    return _html(content)


async def asset(_desk: Desk, call: Call) -> Response:
    """A file of the page's; checked for a newer one after each update of the program."""
    name = call.values["file"]
    content = static().get(name)
    if content is None or name.endswith(".html"):
        return missing("file")
    kind = _KINDS[name.rpartition(".")[2]]
    return Response(content, media_type=kind, headers={"cache-control": "max-age=300"})


async def login_form(desk: Desk, _call: Call) -> Response:
    """Where the password is asked for."""
    if desk.doorkeeper is None:
        return RedirectResponse("/", 303)
    return _html(static()["login.html"])


async def login(desk: Desk, call: Call) -> Response:
    """Check the password."""
    if desk.doorkeeper is None:
        return RedirectResponse("/", 303)
    password = _field(await call.request.body(), "password")
    try:
        right = await desk.doorkeeper.is_right(password, address_of(call.request))
    except TooManyTriesError as error:
        seconds = int(error.after_s) + 1
        answer = _again(f"Too many tries. Wait {seconds} seconds.", 429)
        answer.headers["retry-after"] = str(seconds)
        return answer
    if not right:
        return _again("That is not the password.", 401)
    answer = RedirectResponse("/", 303, {"cache-control": "no-store"})
    answer.set_cookie(
        cookie_name(desk),
        desk.sessions.open(),
        max_age=SESSION_S,
        path="/",
        secure=desk.facts.certificate is not None,
        httponly=True,
        samesite="strict",
    )
    return answer


async def logout(desk: Desk, call: Call) -> Response:
    """End the session."""
    name = cookie_name(desk)
    desk.sessions.close(call.request.cookies.get(name))
    answer = RedirectResponse("/login", 303, {"cache-control": "no-store"})
    answer.delete_cookie(name, secure=desk.facts.certificate is not None, httponly=True)
    return answer


def _field(body: bytes, name: str) -> str:
    values = parse_qs(body.decode("utf-8", "replace"), max_num_fields=4).get(name, [""])
    return values[0][: MAX_CHARACTERS + 1]


def _again(message: str, status: int) -> Response:
    told = f'<p role="alert">{message}</p>'.encode()
    return _html(static()["login.html"].replace(_MESSAGE, told), status)


def _html(content: bytes, status: int = 200) -> Response:
    return Response(
        content, status, {"cache-control": "no-store"}, media_type="text/html; charset=utf-8"
    )
