"""Asking the page as a program would, over a real connection."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT_S = 15.0
PASSWORD = "correct horse"  # noqa: S105 - of the tests


@dataclass(frozen=True)
class Answer:
    """What came back; header names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Client:
    """Asks one page; `headers` go with every request."""

    address: str
    headers: Mapping[str, str]

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, b"", **headers)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Header names with `_` for `-`."""
        connection = self.connect()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body or None, {**self.headers, **given})
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        content = answer.read()
        connection.close()
        return Answer(answer.status, names, content)

    @contextmanager
    def open(self, path: str) -> Iterator[http.client.HTTPResponse]:
        """An answer that goes on."""
        with closing(self.connect()) as connection:
            connection.request("GET", path, headers=dict(self.headers))
            with connection.getresponse() as answer:
                yield answer

    def mark(self, name: str, truth: Any) -> Answer:
        body = json.dumps({"truth": truth}).encode()
        kind = "application/json"
        return self.ask("PUT", f"/api/snapshots/{name}/truth", body, Content_Type=kind)

    def login(self, password: str = PASSWORD, **headers: str) -> Answer:
        body = urlencode({"password": password}).encode()
        kind = "application/x-www-form-urlencoded"
        return self.ask("POST", "/login", body, Content_Type=kind, **headers)

    def logged_in(self) -> "Client":
        answer = self.login()
        assert answer.status == 303, answer
        return Client(self.address, {**self.headers, "Cookie": cookie(answer)})

    def connect(self) -> http.client.HTTPConnection:
        place = urlsplit(self.address)
        assert place.hostname is not None
        if place.scheme == "https":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return http.client.HTTPSConnection(
                place.hostname, place.port, timeout=TIMEOUT_S, context=context
            )
        return http.client.HTTPConnection(place.hostname, place.port, timeout=TIMEOUT_S)

    def socket(self) -> socket.socket:
        """A bare connection, for those who do not speak HTTP properly."""
        place = urlsplit(self.address)
        return socket.create_connection((place.hostname, place.port), TIMEOUT_S)


def cookie(answer: Answer) -> str:
    """The cookie that it sets, as it is sent back."""
    (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
    return f"{morsel.key}={morsel.value}"
