"""Who may what: every route of the table, and what is not in it."""

from collections.abc import Iterator

import pytest

from galago.edge.setting import Secret
from galago.edge.web.route import Access, Route
from galago.edge.web.routes import ROUTES
from galago.edge.web.settings import WebSettings
from tests.edge.web.client import Client
from tests.edge.web.daemon import Camera, colours

OPEN = {"/login", "/static/{file}", "/healthz"}
VALUES = {"number": "1", "name": "20261124T215955.123Z_cat"}
FILES = {"/static/{file}": "galago.css", "/pictures/{file}": "20261124T215955.123Z_cat.jpg"}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, secret: Secret) -> Iterator[Client]:
    """A page with a password at every address, with an event and its picture; not logged in."""
    settings = WebSettings(host="0.0.0.0", port=0, password=secret)  # noqa: S104
    with Camera(tmp_path_factory.mktemp("closed"), settings, colours()) as camera:
        camera.see("bird")
        yield Client(camera.address, {})


@pytest.fixture(scope="module")
def inside(closed: Client) -> Client:
    """The same, logged in."""
    return closed.logged_in()


def path_of(route: Route) -> str:
    values = {**VALUES, "file": FILES.get(route.path, "")}
    return route.path.format(**values)


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_without_login_only_what_is_open_answers(closed: Client, route: Route) -> None:
    """Every route: refused, or open by name in this test as well."""
    answer = closed.ask(route.method, path_of(route))
    assert (route.access is Access.OPEN) == (route.path in OPEN)
    if route.path in OPEN:
        assert answer.status != 403
        assert answer.status != 401 or route.method == "POST"  # a login without a password
    elif route.path == "/":
        assert (answer.status, answer.headers["location"]) == (303, "/login")
    else:
        assert answer.status == 401
        assert answer.document == {"error": "log in first, at /login"}


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_a_made_up_session_is_none(closed: Client, route: Route) -> None:
    """A cookie of the right name and form, and a password that is none, open nothing."""
    cookie = f"galago={'A' * 43}; __Host-galago={'A' * 43}"
    answer = closed.ask(route.method, path_of(route), Cookie=cookie, Origin=closed.address)
    if route.path not in OPEN:
        assert answer.status == (303 if route.path == "/" else 401)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["/api/status", "/live.jpg", "/pictures/x.jpg", "/nothing/there"])
def test_no_method_goes_round_the_door(closed: Client, method: str, path: str) -> None:
    """Also what the table does not know is closed."""
    assert closed.ask(method, path).status == 401


@pytest.mark.parametrize(
    "path",
    [
        "//api/status",
        "/static/../api/status",
        "/static/%2e%2e/api/status",
        "/login/",
        "/healthz/../live.jpg",
        "/Static/galago.css",
        "/static/x/../../api/status",
    ],
)
def test_no_spelling_goes_round_the_door(closed: Client, path: str) -> None:
    """A path is taken as it stands: nothing of the camera comes back."""
    answer = closed.get(path)
    assert answer.status in {401, 404}
    assert b"model" not in answer.body


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.method == "GET" and not r.endless], ids=named
)
def test_who_is_logged_in_is_answered(inside: Client, route: Route) -> None:
    """The same routes with a session: answered, or there is no such thing; none is refused."""
    query = "?since=0&until=1" if route.path in {"/api/shares", "/api/minutes"} else ""
    answer = inside.get(path_of(route) + query)
    assert answer.status in {200, 303, 404}, answer


def test_every_answer_carries_the_headers(closed: Client) -> None:
    """A page, a refusal, a file and what is missing: no script, frame or type from elsewhere."""
    for path in ("/login", "/api/status", "/static/galago.css", "/static/none.css", "/"):
        headers = closed.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers
