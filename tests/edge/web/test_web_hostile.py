"""Visitors who mean harm, or whose network is bad: all at once, while others are answered."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from galago.edge.web.protocol import HEAD_S, MAX_CONNECTIONS, STUCK_S
from galago.edge.web.settings import WebSettings
from tests.edge.web.client import Client
from tests.edge.web.daemon import Camera

LONGEST_S = 2 * STUCK_S + 2 * HEAD_S
HEAD = b"Host: localhost\r\n"


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Camera]:
    """Its pictures are noise: large, so that a viewer who does not read them fills his buffers."""
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    settings = WebSettings(port=0, rate=30)
    with Camera(tmp_path_factory.mktemp("hostile"), settings, {"noise": [noise]}) as camera:
        yield camera


def end_of(connection: socket.socket) -> bytes:
    """All that comes until the server ends the connection.

    Raises:
        TimeoutError: it does not.
    """
    connection.settimeout(LONGEST_S)
    data = b""
    try:
        while part := connection.recv(65536):
            data += part
    except ConnectionError:
        pass
    return data


def trickle(connection: socket.socket, piece: bytes) -> None:
    """Send a little again and again, until the server ends the connection."""
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        try:
            connection.sendall(piece)
        except ConnectionError:
            return
        time.sleep(0.2)


def say_nothing(connection: socket.socket) -> None:
    """A connection, and not a byte."""


def trickle_a_head(connection: socket.socket) -> None:
    """A head that never ends."""
    connection.sendall(b"GET / HTTP/1.1\r\n" + HEAD)
    trickle(connection, b"X-More: 1\r\n")


def trickle_a_second_head(connection: socket.socket) -> None:
    """The same after a proper request, whose answer is waited for."""
    connection.sendall(b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert b"200 OK" in connection.recv(65536)
    trickle(connection, b"G")


def trickle_a_body(connection: socket.socket) -> None:
    """A body that never ends, of a size that may be."""
    connection.sendall(b"POST /login HTTP/1.1\r\nContent-Length: 9000\r\n" + HEAD + b"\r\n")
    trickle(connection, b"a")


def send_a_huge_head(connection: socket.socket) -> None:
    """A megabyte in one header."""
    connection.sendall(b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 2**20)


def send_a_huge_body(connection: socket.socket) -> None:
    """As many bytes as are taken."""
    connection.sendall(b"POST /login HTTP/1.1\r\nContent-Length: 9999999999\r\n" + HEAD + b"\r\n")
    trickle(connection, b"a" * 65536)


def never_read(connection: socket.socket) -> None:
    """The live picture, asked for and not looked at."""
    connection.sendall(b"GET /live.mjpeg HTTP/1.1\r\n" + HEAD + b"\r\n")
    time.sleep(STUCK_S + 3)


def say_nonsense(connection: socket.socket) -> None:
    """No HTTP at all."""
    connection.sendall(b"\x16\x03\x01\x00\xff" + bytes(range(256)) * 10)


ATTACKS: Mapping[str, Callable[[socket.socket], None]] = {
    attack.__name__: attack
    for attack in (
        say_nothing,
        trickle_a_head,
        trickle_a_second_head,
        trickle_a_body,
        send_a_huge_head,
        send_a_huge_body,
        never_read,
        say_nonsense,
    )
}


@pytest.fixture(scope="module")
def siege(camera: Camera) -> dict[str, object]:
    """What the server said to each attack before it ended the connection; or the TimeoutError."""

    def attack(name: str) -> object:
        with Client(camera.address, {}).socket() as connection:
            try:
                ATTACKS[name](connection)
                return end_of(connection)
            except ConnectionError:
                return b""
            except TimeoutError as error:
                return error

    before = memory_mb(camera)
    with ThreadPoolExecutor(len(ATTACKS)) as pool:
        futures = {name: pool.submit(attack, name) for name in ATTACKS}
        time.sleep(1)
        answered = Client(camera.address, {}).get("/api/status").status
        outcomes: dict[str, object] = {name: f.result() for name, f in futures.items()}
    return {**outcomes, "meanwhile": answered, "growth": memory_mb(camera) - before}


def memory_mb(camera: Camera) -> float:
    process = camera.page._process
    assert process is not None
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) / 1024


@pytest.mark.parametrize("name", ATTACKS)
def test_every_such_connection_is_ended(siege: dict[str, object], name: str) -> None:
    """By the server, whether or not it says why."""
    assert isinstance(siege[name], bytes)


def test_what_is_too_large_is_refused(siege: dict[str, object]) -> None:
    """With a word where there is time for one."""
    body = siege["send_a_huge_body"]
    assert isinstance(body, bytes)
    assert not body or b"413" in body.splitlines()[0]


def test_others_are_answered_meanwhile(siege: dict[str, object]) -> None:
    """And memory does not grow with what nobody reads."""
    assert siege["meanwhile"] == 200
    growth = siege["growth"]
    assert isinstance(growth, float)
    assert growth < 24


def is_open(connection: socket.socket) -> bool:
    """Whether the server has not ended it."""
    connection.settimeout(0)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def test_a_crowd_of_silent_connections_does_not_shut_others_out(camera: Camera) -> None:
    """The longest silent ones make room: no more are held than may be."""
    page = Client(camera.address, {})
    crowd = [page.socket() for _ in range(MAX_CONNECTIONS + 20)]
    assert page.get("/healthz").status == 200
    held = [is_open(connection) for connection in crowd]
    assert sum(held) <= MAX_CONNECTIONS
    assert not any(held[:10])
    for connection in crowd:
        connection.close()


def test_a_crowd_of_viewers_is_bounded(camera: Camera) -> None:
    """Who comes when all seats are taken is told so."""
    page = Client(camera.address, {})
    seats = [page.connect() for _ in range(10)]
    answers = []
    for seat in seats:
        seat.request("GET", "/live.mjpeg")
        answers.append(seat.getresponse())
    assert {answer.status for answer in answers} == {200, 503}
    for seat, answer in zip(seats, answers, strict=True):
        answer.close()
        seat.close()
