"""What visitors of the page cost the loop: the real daemon, four viewers, twenty who mean harm.

    python bench/web.py MODEL.tflite [--rounds 6]

The loop's rate while nobody looks, while four watch (live picture and news), and while twenty slow,
huge and half-open clients come again and again; in turns, each beside the quiet before and after
it. At the pace of a camera, and with no pause at all, where every other process takes from it.
Visitors run on the same machine, at the lowest priority: what they take counts against us.
Wanted: a change below 5 % each.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from machine import describe

WINDOW_S = 4.0
SETTLE_S = 1.0
WANTED = 0.05
PACES = {"30 frames a second": "fps=30", "no pause": "pace=max"}
SIZE = "640x480"
VIEWERS, HOSTILE = 4, 20
START_S = 30.0


@contextmanager
def daemon(model: Path, pace: str) -> Iterator[tuple[str, int]]:
    """`galago run` with its page; its address and process."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        config = Path(folder) / "galago.toml"
        config.write_text(
            f'[model]\nfile = "{model.resolve()}"\n[store]\nfolder = "{folder}/state"\n'
            f'[camera]\nsource = "fake:bars*forever?size={SIZE}&{pace}"\n[web]\nport = {port}\n'
        )
        words = [sys.executable, "-P", "-m", "galago.cli", "run", "--config", str(config)]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            try:
                address = f"http://127.0.0.1:{port}"
                wait_for(address)
                yield address, child.pid
            finally:
                child.terminate()


def free_port() -> int:
    """One that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_for(address: str) -> None:
    """Until the page answers."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with suppress(OSError):
            frames(address)
            return
        time.sleep(0.2)
    raise SystemExit(f"no page at {address}")


def frames(address: str) -> tuple[int, float]:
    """Pictures looked at so far, and the document's own time for it."""
    with urllib.request.urlopen(f"{address}/api/status", timeout=20) as answer:  # noqa: S310
        status = json.load(answer)
    return status["loop"]["frames"], status["uptime_s"]


def rate(address: str) -> float:
    """Pictures per second in the next seconds."""
    count, start = frames(address)
    time.sleep(WINDOW_S)
    more, end = frames(address)
    return (more - count) / (end - start)


@contextmanager
def crowd(kind: str, address: str) -> Iterator[None]:
    """Visitors in a process of their own."""
    with subprocess.Popen([sys.executable, __file__, "--crowd", kind, address]) as child:
        time.sleep(SETTLE_S)
        yield
        child.kill()


def beside_quiet(address: str, kind: str, rounds: int) -> list[float]:
    """The rate with visitors as a share of that without, before and after them."""
    shares, before = [], rate(address)
    for _ in range(rounds):
        with crowd(kind, address):
            loaded = rate(address)
        time.sleep(SETTLE_S)
        after = rate(address)
        shares.append(2 * loaded / (before + after))
        before = after
    return shares


def watch(address: str, path: str) -> None:
    """Read an answer that goes on, for ever."""
    while True:
        with suppress(OSError), urllib.request.urlopen(f"{address}{path}") as answer:  # noqa: S310
            while answer.read1(65536):
                pass
        time.sleep(0.5)


def trickle(connection: socket.socket) -> None:
    """A head that never ends."""
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    while True:
        connection.sendall(b"X-More: 1\r\n")
        time.sleep(0.2)


def shout(connection: socket.socket) -> None:
    """A megabyte of head."""
    connection.sendall(b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 2**20)


def say_nothing(connection: socket.socket) -> None:
    """A connection, and not a byte."""
    connection.recv(1)


def attack(address: str, how: Callable[[socket.socket], None]) -> None:
    """Again and again, twice a second at most."""
    place = urlsplit(address)
    while True:
        with (
            suppress(OSError),
            socket.create_connection((place.hostname, place.port), 30) as connection,
        ):
            how(connection)
        time.sleep(0.5)


def come(kind: str, address: str) -> None:
    """The visitors' process."""
    os.nice(19)
    works: list[Callable[[], None]] = []
    for number in range(VIEWERS if kind == "viewers" else HOSTILE):
        if kind == "viewers":
            works.append(lambda: watch(address, "/live.mjpeg"))
            works.append(lambda: watch(address, "/api/stream"))
        else:
            how = (trickle, shout, say_nothing)[number % 3]
            works.append(lambda how=how: attack(address, how))  # type: ignore[misc]
    for work in works:
        threading.Thread(target=work, daemon=True).start()
    threading.Event().wait()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    print(describe(), f"load {os.getloadavg()[0]:.1f}")
    print("| pace | visitors | quiet rate | rate with them, share (median, lowest) | wanted |")
    print("|---|---|---|---|---|")
    for pace, key in PACES.items():
        with daemon(options.model, key) as (address, _):
            quiet = rate(address)
            for kind in ("viewers", "hostile"):
                shares = beside_quiet(address, kind, options.rounds)
                middle = statistics.median(shares)
                verdict = "yes" if middle > 1 - WANTED else "no"
                figures = f"{middle:.3f}, {min(shares):.3f}"
                print(f"| {pace} | {kind} | {quiet:.1f} | {figures} | {verdict} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--crowd"]:
        come(sys.argv[2], sys.argv[3])
    else:
        main()
