"""All publishers at once: none in another's way."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gpiozero import Device  # type: ignore[import-untyped]
from gpiozero.pins.mock import MockFactory  # type: ignore[import-untyped]

from galago.edge.config.schema import Config
from galago.edge.publish.open import Publishers, open_publishers
from galago.edge.publish.settings import (
    CommandSettings,
    GpioSettings,
    MqttSettings,
    WebhookSettings,
)
from galago.edge.vitals.document import PublisherFacts
from tests.edge.publish.house import (
    Listener,
    Store,
    make_event,
    mosquitto,
    silent_server,
    status,
    wait_until,
)


@contextmanager
def publishing(store: Store, **sections: Any) -> Iterator[Publishers]:
    config = Config(device="porch", **sections)
    args = (config, store.recorder, store.folder, status, store.health)
    with open_publishers(*args) as it:
        yield it


def named(publishers: Publishers) -> dict[str, PublisherFacts]:
    return {facts["name"]: facts for facts in publishers.facts()}


def test_none_is_in_anothers_way(store: Store, tmp_path: Path) -> None:
    """A service that hangs, a program that is not there, a secret without a file: all others go on.

    And they end in seconds, whatever hangs.
    """
    out = tmp_path / "out"
    write = CommandSettings(argv=("/bin/sh", "-c", f"cat >> {out}"), labels=("dog",))
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    with mosquitto(tmp_path) as broker, Listener(broker.port) as ear, silent_server() as port:
        with publishing(
            store,
            mqtt=MqttSettings(host="127.0.0.1", port=broker.port),
            webhook={"hangs": WebhookSettings(url=f"http://127.0.0.1:{port}/", timeout_s=300)},
            command={"writes": write, "missing": CommandSettings(argv=("/nowhere/light",))},
            gpio={"lamp": GpioSettings(pin=17, labels=("dog",))},
        ) as publishers:
            store.put("cat", "dog")
            publishers.put(make_event("dog"))
            wait_until(lambda: named(publishers)["mqtt"]["acknowledged"] == 2)
            wait_until(lambda: named(publishers)["command.writes"]["acknowledged"] == 2)
            wait_until(lambda: named(publishers)["gpio.lamp"]["acknowledged"] == 1)
            wait_until(lambda: named(publishers)["command.missing"]["error"])
            # Counted now and then, and not at the first failure.
            wait_until(lambda: named(publishers)["webhook.hangs"]["backlog"] == 2)
            wait_until(lambda: named(publishers)["command.missing"]["backlog"] == 2)
            began = time.monotonic()
        assert time.monotonic() - began < 15
        wait_until(lambda: len(ear.heard["galago/porch/event"]) == 2)
    Device.pin_factory = before
    assert [json.loads(line)["label"] for line in out.read_text().splitlines()] == ["dog"]


def test_they_begin_anew_while_the_store_goes_on(store: Store, tmp_path: Path) -> None:
    """As after a change of configuration: with what has not arrived, and with nothing else."""
    out = tmp_path / "out"
    broken = {"it": CommandSettings(argv=("/nowhere/light",))}
    works = {"it": CommandSettings(argv=("/bin/sh", "-c", f"cat >> {out}"))}
    with publishing(store, command=broken):
        store.put("cat", "dog")
    with publishing(store, command=works) as publishers:
        wait_until(lambda: named(publishers)["command.it"]["acknowledged"] == 2)
        store.put("fox")
        wait_until(lambda: named(publishers)["command.it"]["acknowledged"] == 3)
    labels = [json.loads(line)["label"] for line in out.read_text().splitlines()]
    assert labels == ["cat", "dog", "fox"]


def test_nothing_configured_costs_nothing(store: Store) -> None:
    """No thread, and neither package is loaded."""
    code = (
        "import sys\n"
        "import galago.edge.publish.open\n"
        "sys.exit(any(name in sys.modules for name in ('paho', 'gpiozero')))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    with publishing(store) as publishers:
        assert publishers.facts() == []


def test_a_missing_package_is_named() -> None:
    """With what to install."""
    code = (
        "import sys\n"
        "sys.modules['paho'] = None\n"
        "from galago.edge.config.schema import Config\n"
        "from galago.edge.publish.open import open_publishers\n"
        "from galago.edge.publish.settings import MqttSettings\n"
        "open_publishers(Config(mqtt=MqttSettings(host='b')), None, None, None, None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert "UsageError" in done.stderr
    assert "pip install 'galago[mqtt]'" in done.stderr
