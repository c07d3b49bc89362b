"""A real broker: what it is told, what it forgets, what it refuses."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from galago.edge.publish.backoff import Pace
from galago.edge.publish.mqtt import Camera, MqttCourier
from galago.edge.publish.settings import MqttSettings
from galago.edge.publish.topics import fit
from galago.edge.setting import Secret
from galago.edge.snapshots.place import files
from tests.edge.publish.house import (
    QUICK,
    Broker,
    Listener,
    Store,
    mosquitto,
    raw_server,
    seen_now,
    silent_server,
    status,
    wait_until,
)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """One for anybody."""
    with mosquitto(tmp_path) as it:
        yield it


@contextmanager
def told(
    store: Store, port: int, pace: Pace = QUICK, device: str = "porch", **settings: Any
) -> Iterator[MqttCourier]:
    """A courier to a broker on this machine, until the block ends."""
    camera = Camera(device, settings.pop("regions", ()), store.folder, status)
    camera = replace(camera, status=settings.pop("status", status))
    wanted = MqttSettings(**{"host": "127.0.0.1", "port": port, **settings})
    limit = settings.get("backlog", 1000)
    courier = MqttCourier(wanted, camera, store.outbox("mqtt", limit=limit), store.health, pace)
    store.recorder.subscribe(lambda _events: courier.wake())
    courier.start()
    try:
        yield courier
    finally:
        courier.stop()
        courier.join(10)
        assert not courier._thread.is_alive()


def test_events_arrive_in_order_and_say_who_they_are(store: Store, broker: Broker) -> None:
    """With QoS 1, not retained; the id is in the text and beside it."""
    with Listener(broker.port) as ear, told(store, broker.port) as courier:
        store.put("cat", "dog", "cat")
        wait_until(lambda: courier.facts()["acknowledged"] == 3)
        wait_until(lambda: len(ear.heard.get("galago/porch/event", ())) == 3)
        events = [json.loads(it) for it in ear.heard["galago/porch/event"]]
    assert [it["label"] for it in events] == ["cat", "dog", "cat"]
    assert [it["event_type"] for it in events] == ["cat", "dog", "cat"]
    assert [it["id"] for it in events] == ear.ids
    assert len(set(ear.ids)) == 3
    assert not ear.retained["galago/porch/event"]


def test_what_is_true_now_is_kept_by_the_broker(store: Store, broker: Broker) -> None:
    """For whoever comes later; the document of health without what only a scraper needs."""
    regions = [seen_now("cat", "door"), seen_now("dog", "roof")]
    with told(store, broker.port, status=lambda: status(seen_now("cat"), *regions)) as courier:
        wait_until(lambda: courier.facts()["connected"])
        with Listener(broker.port) as first:
            wait_until(lambda: first.newest("galago/porch/health"))
        with Listener(broker.port) as ear:
            wait_until(lambda: len(ear.heard) == 4)
            assert ear.heard["galago/porch/availability"] == [b"online"]
            state = ear.newest("galago/porch/state")
            assert (state["label"], state["score"]) == ("cat", 0.9)
            assert state["regions"]["roof"]["label"] == "dog"
            assert "latency" not in ear.newest("galago/porch/health")["loop"]
            assert all(ear.retained.values())


def test_a_change_of_health_is_told(store: Store, broker: Broker) -> None:
    """Soon, and not only each minute."""
    with told(store, broker.port), Listener(broker.port, "galago/porch/health") as ear:
        wait_until(lambda: ear.heard)
        count = len(ear.heard["galago/porch/health"])
        store.health.report("camera.dark", "is the lens covered?", 0)
        wait_until(lambda: len(ear.heard["galago/porch/health"]) > count)


def test_the_picture_of_the_latest_event_is_kept(store: Store, broker: Broker) -> None:
    """Not one that is too big for a broker, and none where none is wanted."""
    small, large = "20261124T215955.123Z_cat", "20261124T215956.123Z_cat"
    for name, size in ((small, 4000), (large, 60_000)):
        picture = files(store.folder, name).thumbnail
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(b"\xff" * size)
    with told(store, broker.port) as courier, Listener(broker.port) as ear:
        store.put("cat", snapshot=small)
        wait_until(lambda: "galago/porch/image" in ear.heard)
        store.put("cat", snapshot=large)
        store.put("cat", snapshot="no picture's name")
        wait_until(lambda: courier.facts()["acknowledged"] == 3)
        assert ear.heard["galago/porch/image"] == [b"\xff" * 4000]


def test_leaving_is_said_and_so_is_dying(store: Store, broker: Broker) -> None:
    """By the camera itself, or by the broker in its place."""
    with Listener(broker.port, "galago/porch/availability") as ear:
        heard = ear.heard
        with told(store, broker.port):
            wait_until(lambda: heard.get("galago/porch/availability") == [b"online"])
        wait_until(lambda: heard["galago/porch/availability"] == [b"online", b"offline"])
        with told(store, broker.port) as courier:
            wait_until(lambda: heard["galago/porch/availability"][2:] == [b"online"])
            # Another one takes its place without knowing how to behave: the broker cuts it off.
            with told(store, broker.port, client_id="galago-porch", topic="thief"):
                wait_until(lambda: heard["galago/porch/availability"][3:4] == [b"offline"])
                wait_until(lambda: "another device" in (courier.facts()["error"] or ""))


def test_nothing_is_lost_while_the_broker_is_away(store: Store, broker: Broker) -> None:
    """Health says so, and it is over when the broker is back."""
    with told(store, broker.port) as courier:
        store.put("cat")
        wait_until(lambda: courier.facts()["acknowledged"] == 1)
        broker.kill()
        store.put("dog", "cat")
        wait_until(lambda: "publisher.mqtt" in store.health.states)
        wait_until(lambda: courier.facts()["backlog"] == 2)
        broker.start()
        wait_until(lambda: courier.facts()["acknowledged"] == 3)
        wait_until(lambda: not store.health.states)


def test_what_waited_too_long_is_given_up_and_counted(store: Store, broker: Broker) -> None:
    """The oldest first; the newest arrive."""
    broker.kill()
    with told(store, broker.port, backlog=5) as courier:
        store.put(*["cat"] * 12)
        wait_until(lambda: courier.facts()["dropped"] == 7)
        broker.start()
        with Listener(broker.port) as ear:
            wait_until(lambda: courier.facts()["acknowledged"] == 12)
            assert len(set(ear.ids)) <= 5
    assert courier.facts()["backlog"] == 0


def test_a_broker_that_never_answers_is_left(store: Store) -> None:
    """It takes the connection and says nothing: health says so, and ending takes no longer."""
    with silent_server() as port, told(store, port) as courier:
        store.put("cat")
        wait_until(lambda: "publisher.mqtt" in store.health.states)
        assert "says nothing" in store.health.states["publisher.mqtt"].cause
        wait_until(lambda: courier.facts()["backlog"] == 1)
    patient = replace(QUICK, answer_s=300.0)
    with silent_server() as port, told(store, port, patient) as courier:
        store.put("cat")  # and the block ends, while it waits


def test_a_broker_that_stops_to_answer_is_left(store: Store) -> None:
    """It says hello and acknowledges nothing."""

    def talk(caller: socket.socket) -> None:
        caller.sendall(b"\x20\x03\x00\x00\x00")  # CONNACK: success, no properties
        while caller.recv(65536):
            pass

    with raw_server(talk) as port, told(store, port) as courier:
        store.put("cat")
        wait_until(lambda: "publisher.mqtt" in store.health.states)
        assert "acknowledged nothing" in store.health.states["publisher.mqtt"].cause
        assert courier.facts()["backlog"] == 1


def test_what_is_no_broker_is_said(store: Store) -> None:
    """Such as a web server."""
    with (
        raw_server(lambda caller: caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port,
        told(store, port),
    ):
        wait_until(lambda: "publisher.mqtt" in store.health.states)
        assert "is it a broker?" in store.health.states["publisher.mqtt"].cause


def test_a_wrong_password_is_said(store: Store, tmp_path: Path) -> None:
    """With what to look at; the right one is taken up when its file has it."""
    passwords, secret = tmp_path / "passwords", tmp_path / "secret"
    passwords.write_text("galago:right\n")
    subprocess.run(["mosquitto_passwd", "-U", passwords], check=True)  # noqa: S607
    passwords.chmod(0o644)
    secret.write_text("wrong\n")
    login: dict[str, Any] = {"username": "galago", "password": Secret(f"file:{secret}")}
    lines = ("allow_anonymous false", f"password_file {passwords}")
    with mosquitto(tmp_path, *lines) as broker, told(store, broker.port, **login) as courier:
        wait_until(lambda: "publisher.mqtt" in store.health.states)
        cause = store.health.states["publisher.mqtt"].cause
        assert "Not authorized" in cause
        assert "username and password" in cause
        assert "wrong" not in cause
        secret.write_text("right\n")
        store.put("cat")
        wait_until(lambda: courier.facts()["acknowledged"] == 1)


def test_a_broker_that_forbids_the_topic_does_not_hold_the_queue(
    store: Store, tmp_path: Path
) -> None:
    """Each event is tried a number of times, given up, counted, and said."""
    (tmp_path / "acl").write_text("topic read #\ntopic write galago/porch/health\n")
    (tmp_path / "acl").chmod(0o644)
    lines = ("allow_anonymous true", f"acl_file {tmp_path / 'acl'}")
    with mosquitto(tmp_path, *lines) as broker, told(store, broker.port) as courier:
        store.put("cat", "dog")
        wait_until(lambda: courier.facts()["acknowledged"] == 2)
        assert courier.facts()["dropped"] == 2


def test_no_broker_is_said(store: Store) -> None:
    """A port that nobody listens at, a name that nobody has."""
    with told(store, 1):
        wait_until(lambda: "publisher.mqtt" in store.health.states)
        assert "127.0.0.1:1 cannot be reached" in store.health.states["publisher.mqtt"].cause


# paho leaves the socket to the garbage collector where the handshake fails.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_connection_is_encrypted_and_both_sides_show_who_they_are(
    store: Store, tmp_path: Path
) -> None:
    """With certificates of an authority of one's own; another one's are not taken."""
    for name in ("ours", "theirs"):
        _authority(tmp_path, name)
    for name in ("server", "device"):
        _certificate(tmp_path, "ours", name)
    lines = (
        "allow_anonymous true",
        f"cafile {tmp_path / 'ours.pem'}",
        f"certfile {tmp_path / 'server.pem'}",
        f"keyfile {tmp_path / 'server.key'}",
        "require_certificate true",
    )
    client: dict[str, Any] = {
        "host": "localhost",
        "tls": True,
        "certificate": tmp_path / "device.pem",
        "key": tmp_path / "device.key",
    }
    with mosquitto(tmp_path, *lines) as broker:
        with told(store, broker.port, ca=tmp_path / "ours.pem", **client) as courier:
            store.put("cat")
            wait_until(lambda: courier.facts()["acknowledged"] == 1)
        with told(store, broker.port, ca=tmp_path / "theirs.pem", **client):
            wait_until(lambda: "publisher.mqtt" in store.health.states)
            assert "certificate" in store.health.states["publisher.mqtt"].cause


def test_home_assistant_is_told_again_when_it_starts(store: Store, broker: Broker) -> None:
    """Its announcement is retained, whole, and comes again a moment after it says `online`."""
    topic = "homeassistant/device/galago-porch/config"
    with Listener(broker.port, topic) as ear, told(store, broker.port):
        wait_until(lambda: ear.heard)
        assert ear.newest(topic)["device"]["identifiers"] == ["galago-porch"]
        ear.client.publish("homeassistant/status", "online")
        wait_until(lambda: len(ear.heard[topic]) == 2)


def test_home_assistant_forgets_a_camera_that_is_not_to_be_announced(
    store: Store, broker: Broker
) -> None:
    """What was announced before is taken away."""
    topic = "homeassistant/device/galago-porch/config"
    with Listener(broker.port, topic) as ear:
        with told(store, broker.port):
            wait_until(lambda: ear.heard)
        with told(store, broker.port, discovery=""):
            wait_until(lambda: ear.heard[topic][-1] == b"")
    with Listener(broker.port) as later:
        wait_until(lambda: "galago/porch/health" in later.heard)
        assert topic not in later.heard


@pytest.mark.parametrize(
    ("name", "fits"),
    [("porch", True), ("Porch_2-b", True), ("Küche", False), ("a b", False), ("猫", False)],
)
def test_names_become_fit_for_topics(name: str, fits: bool) -> None:
    """A name that is stays as it is; others stay apart."""
    assert (fit(name) == name) == fits
    assert fit(fit(name)) == fit(name)
    assert fit(name) != fit(f"{name}!")
    assert fit("x y") != fit("x-y")


def _authority(folder: Path, name: str) -> None:
    _openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", f"/CN={name}",
             "-keyout", f"{name}.key", "-out", f"{name}.pem")  # fmt: skip


def _certificate(folder: Path, authority: str, name: str) -> None:
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    _openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem",
             "-CAkey", f"{authority}.key", "-CAcreateserial", "-days", "2",
             "-extfile", "names", "-out", f"{name}.pem")  # fmt: skip
    (folder / f"{name}.key").chmod(0o644)  # mosquitto gives its rights away before it reads it


def _openssl(folder: Path, *words: str) -> None:
    command = ["openssl", *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
