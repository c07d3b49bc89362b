"""An event as JSON to a web service, by POST, signed.

- One try ends within `timeout_s` in whole, however slowly the other side answers.
- A redirect is not followed, a certificate that does not fit is not accepted, and of the answer no
  more than 64 kB are read.
- Whoever has the key can tell that a request is ours, whole, and how old it is:

    Galago-Event-Id: 7c9e…-12                the same for every copy
    Galago-Timestamp: 1795640395             seconds since 1970, of this try
    Galago-Signature: sha256=…               HMAC-SHA256 of timestamp, a full stop, and the body
"""

import hashlib
import hmac
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from importlib.metadata import version
from time import monotonic
from urllib.parse import SplitResult, urlsplit

from galago.edge.publish.courier import DeliveryError, RefusedError
from galago.edge.publish.settings import WebhookSettings
from galago.edge.record import StoredEvent
from galago.edge.setting import Secret
from galago.errors import UsageError

_MOST_READ = 65_536
_WATCH_S = 0.5  # how soon a request ends with the daemon
_LONGEST_REST_S = 3600.0  # however long the service wants to be left alone
# The client is at fault, and yet the same request may be taken later: 408 Request Timeout, 425 Too
# Early, 429 Too Many Requests. Source: RFC 9110, 15.5; RFC 8470; RFC 6585.
_LATER = {408, 425, 429}


class Webhook:
    """Delivers to one address; a certificate or a secret is read anew for each event."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._url = urlsplit(settings.url)
        self._secret, self._timeout_s = settings.secret, settings.timeout_s

    def __call__(self, event: StoredEvent, stop: threading.Event) -> None:
        """Send one event; raises as `Messenger` wants it."""
        body = event.to_json().encode()
        with self._connection(stop) as connection:
            path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
            connection.request("POST", path, body, self._headers(event, body))
            answer = connection.getresponse()
            with suppress(OSError, HTTPException):  # the status is all that counts
                answer.read(_MOST_READ)
        _judge(answer)

    @contextmanager
    def _connection(self, stop: threading.Event) -> Iterator[HTTPConnection]:
        connection = _connection(self._url, self._timeout_s)
        done, late = threading.Event(), threading.Event()
        deadline = monotonic() + self._timeout_s

        def watch() -> None:
            while not done.is_set():
                left_s = deadline - monotonic()
                if stop.is_set() or left_s <= 0:
                    late.set()
                    with suppress(OSError, AttributeError):  # it is closing, or not open yet
                        connection.sock.shutdown(socket.SHUT_RDWR)
                    left_s = _WATCH_S
                done.wait(min(left_s, _WATCH_S))

        # A time-out of the socket's would begin again with every byte that drips in.
        threading.Thread(target=watch, name="webhook deadline", daemon=True).start()
        try:
            yield connection
        except (OSError, HTTPException) as error:
            raise DeliveryError(self._cause(error, late=late.is_set())) from error
        finally:
            done.set()
            connection.close()

    def _cause(self, error: Exception, *, late: bool) -> str:
        if late or isinstance(error, TimeoutError):
            return f"{self._url.hostname} has not answered within {self._timeout_s:g} s"
        return f"{self._url.hostname} cannot be told: {str(error) or type(error).__name__}"

    def _headers(self, event: StoredEvent, body: bytes) -> dict[str, str]:
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"Galago/{version('galago')}",
            "Connection": "close",
            "Galago-Event-Id": event.id,
            "Galago-Timestamp": timestamp,
        }
        if self._secret is not None:
            headers["Galago-Signature"] = _signature(_read(self._secret), timestamp, body)
        return headers


def _signature(secret: str, timestamp: str, body: bytes) -> str:
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _read(secret: Secret) -> str:
    try:
        return secret.read()
    except UsageError as error:
        raise DeliveryError(str(error)) from error


def _connection(url: SplitResult, timeout_s: float) -> HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "http":
        return HTTPConnection(host, url.port, timeout=timeout_s)
    context = ssl.create_default_context()
    return HTTPSConnection(host, url.port, timeout=timeout_s, context=context)


def _judge(answer: HTTPResponse) -> None:
    said = f"the service answers {answer.status} {answer.reason}".rstrip()
    if 200 <= answer.status < 300:
        return
    if 300 <= answer.status < 400:
        raise RefusedError(f"{said}, which is not followed: write the final address")
    if 400 <= answer.status < 500 and answer.status not in _LATER:
        raise RefusedError(said)
    raise DeliveryError(said, _rest_s(answer.getheader("Retry-After")))


def _rest_s(retry_after: str | None) -> float:
    """Seconds that the service wants to be left alone. Source: RFC 9110, 10.2.3."""
    if retry_after is None:
        return 0.0
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            when = parsedate_to_datetime(retry_after)
        except ValueError:
            return 0.0
        seconds = (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_REST_S) if seconds == seconds else 0.0  # noqa: PLR0124
