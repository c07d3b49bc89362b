"""The page's own files."""

import re
from importlib.resources import files

from galago.edge.web.doors import static
from tests.edge.web.client import Client

BUDGET = 60_000  # bytes: a Pi Zero's radio sends that in a second


def test_the_page_is_small() -> None:
    """All of it."""
    assert sum(map(len, static().values())) < BUDGET


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """It works where there is no internet: no address but its own, but for the names of XML."""
    for name, content in static().items():
        addresses = set(re.findall(rb"https?://[^\s\"'`)]+", content))
        assert addresses <= {b"http://www.w3.org/2000/svg"}, name


def test_every_file_that_a_page_names_is_there(page: Client) -> None:
    """With the type that a browser insists on."""
    named = {
        name
        for text in static().values()
        for name in re.findall(rb"/static/([\w.]+)|\"\./([\w.]+)\"", text)
    }
    for name in {(one or other).decode() for one, other in named}:
        answer = page.get(f"/static/{name}")
        assert answer.status == 200, name
        assert not answer.headers["content-type"].startswith("text/plain")
    assert files("galago.edge.web").joinpath("static", "main.js").is_file()
