"""Events to a web service: real servers, kind and unkind."""

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from galago.edge.publish.courier import DeliveryError, Messenger, RefusedError
from galago.edge.publish.outbox import Outbox
from galago.edge.publish.settings import WebhookSettings
from galago.edge.publish.webhook import Webhook
from galago.edge.record import StoredEvent
from galago.edge.setting import Secret
from tests.edge.publish.house import QUICK, Store, make_event, raw_server, silent_server, wait_until

EVENT = StoredEvent(7, "epoch-7", make_event())


@dataclass
class Service:
    """A server that answers with each status in turn, the last one from then on."""

    statuses: list[int]
    headers: dict[str, str] = field(default_factory=dict)
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def events(self) -> list[str]:
        """Ids of those that it has accepted or refused, in order."""
        return [headers["Galago-Event-Id"] for headers, _ in self.came]

    def next_status(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@contextmanager
def service(*statuses: int, **headers: str) -> Iterator[Service]:
    """One on a port of its own."""
    it = Service(list(statuses), {key.replace("_", "-"): value for key, value in headers.items()})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            it.came.append((dict(self.headers), body))
            self.send_response(it.next_status())
            for header in it.headers.items():
                self.send_header(*header)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    it.url = f"http://127.0.0.1:{server.server_port}/hook?key=k"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield it
    finally:
        server.shutdown()
        server.server_close()


def post(url: str, timeout_s: float = 5.0, secret: Secret | None = None) -> None:
    Webhook(WebhookSettings(url=url, timeout_s=timeout_s, secret=secret))(EVENT, threading.Event())


def courier(store: Store, box: Outbox, url: str, timeout_s: float = 5.0) -> Messenger:
    webhook = Webhook(WebhookSettings(url=url, timeout_s=timeout_s))
    return Messenger("webhook.it", "webhook", box, store.health, webhook, QUICK)


@contextmanager
def running(it: Messenger) -> Iterator[Messenger]:
    it.start()
    try:
        yield it
    finally:
        it.stop()
        it.join(5)


def test_an_event_comes_as_signed_json(tmp_path: Path) -> None:
    """Whoever has the key can tell whose it is, and how old."""
    (tmp_path / "key").write_text("s3cret\n")
    with service(200) as it:
        post(it.url, secret=Secret(f"file:{tmp_path / 'key'}"))
    ((headers, body),) = it.came
    assert json.loads(body) == json.loads(EVENT.to_json())
    assert headers["Galago-Event-Id"] == "epoch-7"
    assert abs(int(headers["Galago-Timestamp"]) - time.time()) < 60
    signed = headers["Galago-Timestamp"].encode() + b"." + body
    wanted = hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
    assert headers["Galago-Signature"] == f"sha256={wanted}"


def test_without_a_key_nothing_is_signed() -> None:
    """And the query of the address is kept."""
    with service(204) as it:
        post(it.url)
    assert "Galago-Signature" not in it.came[0][0]


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422, 301, 307])
def test_an_event_may_be_refused(status: int) -> None:
    """A redirect is not followed: the signed event would go to whoever it names."""
    with service(200) as elsewhere, service(status, Location=elsewhere.url) as it:
        with pytest.raises(RefusedError, match=str(status)):
            post(it.url)
        assert not elsewhere.came


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_a_service_may_be_busy(status: int) -> None:
    """That is no refusal."""
    with service(status) as it, pytest.raises(DeliveryError) as raised:
        post(it.url)
    assert not isinstance(raised.value, RefusedError)


@pytest.mark.parametrize(
    ("said", "low", "high"),
    [
        ("7", 7, 7),
        ("99999999", 3600, 3600),
        ("-5", 0, 0),
        ("nan", 0, 0),
        ("soon", 0, 0),
        ("Wed, 25 Nov 2126 01:00:00 GMT", 3600, 3600),
        ("Wed, 25 Nov 2020 01:00:00 GMT", 0, 0),
    ],
)
def test_a_busy_service_says_for_how_long(said: str, low: float, high: float) -> None:
    """In seconds or as a date, and no longer than an hour."""
    with service(503, Retry_After=said) as it, pytest.raises(DeliveryError) as raised:
        post(it.url)
    assert low <= raised.value.after_s <= high


def test_a_service_that_hangs_is_left_in_time() -> None:
    """It takes the connection and says nothing."""
    with silent_server() as port, pytest.raises(DeliveryError, match=r"within 0\.2 s"):
        post(f"http://127.0.0.1:{port}/", timeout_s=0.2)


def test_a_service_that_drips_is_left_in_time() -> None:
    """A byte now and then does not make it a living one."""
    ended = threading.Event()

    def drip(caller: socket.socket) -> None:
        caller.sendall(b"HTTP/1.1 ")
        try:
            while not ended.wait(0.05):
                caller.sendall(b"2")
        finally:
            ended.set()

    with raw_server(drip) as port, pytest.raises(DeliveryError, match=r"within 0\.4 s"):
        post(f"http://127.0.0.1:{port}/", timeout_s=0.4)
    assert ended.wait(5)


def test_an_endless_answer_is_not_read() -> None:
    """The status counts; of the rest some are read, not for longer than the time of one try."""

    def pour(caller: socket.socket) -> None:
        caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            caller.sendall(b"x" * 65536)

    with raw_server(pour) as port:
        post(f"http://127.0.0.1:{port}/", timeout_s=2)


def test_what_is_no_http_is_said() -> None:
    """Such as a port of something else."""
    with (
        raw_server(lambda caller: caller.sendall(b"SSH-2.0-OpenSSH_9\r\n")) as port,
        pytest.raises(DeliveryError, match="cannot be told"),
    ):
        post(f"http://127.0.0.1:{port}/")


def test_a_certificate_must_fit() -> None:
    """A server without one that this machine trusts gets nothing."""
    with service(200) as it, pytest.raises(DeliveryError, match="cannot be told"):
        post(it.url.replace("http:", "https:"))
    assert not it.came


def test_a_missing_key_is_said(tmp_path: Path) -> None:
    """It is read for each event, so that it may come later."""
    secret = Secret(f"file:{tmp_path / 'none'}")
    with service(200) as it, pytest.raises(DeliveryError, match="cannot be read"):
        post(it.url, secret=secret)


def test_what_failed_is_told_again(store: Store) -> None:
    """Until it has arrived, and what comes after it afterwards; then all is well again."""
    with service(500, 503, 200) as it, running(courier(store, store.outbox(), it.url)) as webhook:
        store.put("cat", "dog")
        webhook.wake()
        wait_until(lambda: webhook.facts()["acknowledged"] == 2)
        first, second = dict.fromkeys(it.events())
        assert it.events() == [first, first, first, second]
        wait_until(lambda: not store.health.states)


def test_what_is_refused_does_not_stop_what_comes_after(store: Store) -> None:
    """It is given up after so many tries, counted, and said."""
    with service(400, 400, 400, 200) as it, running(courier(store, store.outbox(), it.url)) as hook:
        store.put("cat", "dog")
        hook.wake()
        wait_until(lambda: hook.facts()["acknowledged"] == 2)
    assert len(it.came) == QUICK.tries + 1
    assert hook.facts()["dropped"] == 1
    assert "400" in store.said[0].state.cause
    assert store.said[0].state.name == "publisher.webhook.it"


def test_a_failure_is_a_state_of_health_with_its_cause(store: Store) -> None:
    """With what waits; nothing is lost meanwhile, and it ends by itself."""
    box = store.outbox()
    with service(500) as it, running(courier(store, box, it.url)) as hook:
        store.put("cat", "dog")
        hook.wake()
        wait_until(lambda: "publisher.webhook.it" in store.health.states)
        cause = store.health.states["publisher.webhook.it"].cause
        assert "500" in cause
        assert "2 events wait" in cause
        it.statuses = [200]
        wait_until(lambda: not store.health.states)
        wait_until(lambda: hook.facts()["backlog"] == 0)
    assert hook.facts()["connected"]


def test_it_ends_at_once_while_it_waits(store: Store) -> None:
    """However long the service wants to be left alone."""
    with (
        service(503, Retry_After="3000") as it,
        running(courier(store, store.outbox(), it.url)) as hook,
    ):
        store.put("cat")
        hook.wake()
        wait_until(lambda: it.came)
        began = time.monotonic()
        hook.stop()
        hook.join(10)
        assert not hook._thread.is_alive()
        assert time.monotonic() - began < 8


def test_another_cause_takes_the_place_of_the_first(store: Store) -> None:
    """Whoever looks at health sees what is wrong now."""
    with service(500) as it, running(courier(store, store.outbox(), it.url)) as hook:
        store.put("cat")
        hook.wake()
        wait_until(lambda: "500" in str(store.health.states.values()))
        it.statuses = [503]
        wait_until(lambda: "503" in str(store.health.states.values()))


def test_a_request_ends_with_the_daemon(store: Store) -> None:
    """However long one try may take."""
    with silent_server() as port:
        hook = courier(store, store.outbox(), f"http://127.0.0.1:{port}/", timeout_s=300)
        with running(hook):
            store.put("cat")
            hook.wake()
            wait_until(lambda: hook.facts()["backlog"] == 1)
        wait_until(lambda: not hook._thread.is_alive())


def test_a_bug_stays_where_it_is(store: Store) -> None:
    """What cannot be told at all is given up, and the thread goes on."""
    told = []

    def deliver(event: StoredEvent, _stop: threading.Event) -> None:
        if event.event.label == "dog":
            raise ZeroDivisionError("of a test")
        told.append(event.number)

    box = store.outbox()
    with running(Messenger("it", "webhook", box, store.health, deliver, QUICK)) as it:
        store.put("cat", "dog", "cat")
        it.wake()
        wait_until(lambda: told == [1, 3])
        wait_until(lambda: it.facts()["acknowledged"] == 3)
    assert it.facts()["dropped"] == 1
