"""The running daemon, its configuration, its model, and the names it needs."""

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from galago.edge.activation.activate import Limits, activate
from galago.edge.activation.models import Models
from galago.edge.doctor import configuration, health, model, network, runtime
from galago.edge.doctor.finding import Finding
from galago.edge.doctor.patient import Patient
from tests.edge.doctor.parts import House, levels, named

STATUS: dict[str, Any] = {
    "uptime_s": 90_000.0,
    "model": {"sha256": "c0ffee" * 10 + "cafe", "accelerated": True},
    "camera": {"source": "usb:0", "detail": "640x480"},
    "loop": {"frames": 900, "rate": 14.9, "p99_ms": 41.0},
    "store": {"events": 12},
    "publishers": [{"name": "mqtt", "connected": True, "dropped": 0}],
    "health": {"level": "ok", "states": []},
}
STATE = {"name": "camera.dark", "level": "warning", "cause": "black", "advice": "Uncover it."}


def of(**changed: Any) -> list[Finding]:
    return list(health.judge(STATUS | changed))


def test_a_daemon_that_is_well_says_so() -> None:
    """Its pace, and who is reached."""
    found = of()
    assert set(levels(found).values()) == {"ok"}
    assert "14.9 pictures a second" in named(found, "daemon-pace").what
    assert named(found, "publishers").what == "reached: mqtt"


def test_states_of_health_come_with_their_advice() -> None:
    """Errors stay errors."""
    dead = STATE | {"name": "camera.stalled", "level": "error"}
    found = of(health={"level": "error", "states": [dead, STATE]})
    assert named(found, "health-camera.dark") == Finding(
        "health-camera.dark", "warning", "black", "Uncover it."
    )
    assert levels(found)["health-camera.stalled"] == "error"


@pytest.mark.parametrize(
    ("changed", "name", "level"),
    [
        ({"loop": {"frames": 0}}, "daemon-pace", "error"),
        ({"store": {"events": 0}}, "events-none", "note"),
        (
            {"publishers": [{"name": "mqtt", "connected": False, "dropped": 9}]},
            "publisher-mqtt-dropped",
            "warning",
        ),
    ],
)
def test_what_looks_well_and_is_not(changed: dict[str, Any], name: str, level: str) -> None:
    """A loop without pictures, a day without events, events that were given up."""
    assert levels(of(**changed))[name] == level


def test_a_document_of_another_version_is_no_fault() -> None:
    """What is missing in it is not judged."""
    assert set(levels(health.judge({}))) >= {"health"}


def test_a_daemon_that_has_fallen_silent_is_found(house: House) -> None:
    """Its file grows old."""
    file = house.has("/run/galago/status.json", json.dumps(STATUS))
    assert "daemon-status" not in levels(health.look(house.patient()))
    os.utime(file, (time.time() - 300,) * 2)
    found = named(health.look(house.patient()), "daemon-status")
    assert found.level == "error"
    assert "stands still" in found.what


def test_a_process_that_hangs_in_the_kernel_needs_a_reboot() -> None:
    """No signal ends it."""
    assert health.judge_silence(60, "Name:\tgalago\nState:\tD (disk sleep)\n").fix == "sudo reboot"
    assert "restart" in health.judge_silence(60, "State:\tS (sleeping)\n").fix


def test_a_service_slower_than_this_process_has_a_sandbox_in_its_way(house: House) -> None:
    """Here the interpreter is accelerated, there it is not."""
    slow = STATUS | {"model": STATUS["model"] | {"accelerated": False}}
    house.has("/run/galago/status.json", json.dumps(slow))
    assert levels(runtime.look(house.patient()))["service-slow"] == "warning"


@pytest.mark.parametrize(
    ("found", "has_cpuinfo", "level", "said"),
    [
        ({"name": "ai-edge-litert 2.3.0", "delegated": True}, True, "ok", "accelerated"),
        ({"name": "ai-edge-litert 2.3.0", "delegated": False}, False, "warning", "/proc/cpuinfo"),
        ({"name": "ai-edge-litert 2.3.0", "delegated": False}, True, "warning", "WITHOUT"),
        ({"name": "tflite-runtime 2.14.0", "delegated": False}, True, "note", "slower"),
        ({"error": "crashed (SIGILL)"}, True, "error", "lacks an instruction"),
        ({"error": "it needs numpy < 2 and found 2.4"}, True, "error", "numpy < 2"),
        ({"error": "no module"}, True, "error", "no module"),
    ],
)
def test_an_interpreter_without_acceleration(
    found: dict[str, Any], has_cpuinfo: bool, level: str, said: str
) -> None:
    """It says nothing itself; each cause has its own fix."""
    judged = runtime.judge(found, has_cpuinfo=has_cpuinfo)
    assert judged.level == level
    assert said in judged.what
    assert judged.level == "ok" or judged.fix


# --- configuration --------------------------------------------------------------------------------


def installed(house: House) -> Patient:
    """A machine with the service."""
    patient = house.patient()
    patient.unit = {"LoadState": "loaded"}
    return patient


def test_every_mistake_of_the_configuration_is_a_finding(house: House) -> None:
    """With its line."""
    house.configured('[camra]\nx = 1\n[loop]\nrate = "fast"')
    found = list(configuration.look(house.patient()))
    assert levels(found) == {"configuration-1": "error", "configuration-2": "error"}
    assert "galago.toml:1: camra" in found[0].what


def test_without_a_configuration_only_a_service_is_at_a_loss(house: House) -> None:
    """A workstation needs none."""
    assert levels(configuration.look(house.patient())) == {"configuration": "note"}
    assert levels(configuration.look(installed(house))) == {"configuration": "error"}


def test_a_secret_that_the_service_cannot_read_is_an_error(house: House) -> None:
    """Its user is in no group: a private file is to be handed over by systemd."""
    secret = house.has("/etc/galago/mqtt-password", "hunter2\n")
    secret.chmod(0o640)
    house.configured(f'[mqtt]\nhost = "broker.lan"\npassword = "file:{secret}"')
    found = named(configuration.look(installed(house)), "secret-mqtt.password")
    assert found.level == "error"
    assert f"LoadCredential=mqtt:{secret}" in found.fix
    assert "secret-mqtt.password" not in levels(configuration.look(house.patient()))


def test_a_model_that_the_service_cannot_read_is_an_error(house: House) -> None:
    """As one that was copied by root with a strict umask."""
    file = house.has("/etc/galago/model.tflite")
    file.chmod(0o600)
    house.configured(f'[model]\nfile = "{file}"')
    found = named(configuration.look(installed(house)), "unreadable-model.file")
    assert found.fix == f"sudo chmod 644 {file}"


def test_a_camera_that_tells_nobody_is_noted(house: House) -> None:
    """When it breaks, nobody hears of it."""
    house.configured("")
    assert levels(configuration.look(installed(house)))["told-nobody"] == "note"
    house.configured('[command.light]\nargv = ["/bin/true"]')
    assert "told-nobody" not in levels(configuration.look(installed(house)))


# --- model ----------------------------------------------------------------------------------------


def test_the_active_model_is_verified_here(house: House, model_path: Path) -> None:
    """With its golden frames, where it comes from, and how good it was."""
    folder = Models(house.root / "var/lib/galago/models")
    activate(model_path, folder, Limits())
    found = list(model.look(house.patient()))
    assert named(found, "golden-frames").level == "ok"
    assert (folder.active or "")[:12] in named(found, "model").what
    assert "trained 20" in named(found, "model").what
    assert levels(found)["model-probation"] == "note"
    folder.path(folder.active or "").write_bytes(b"no model")
    assert levels(model.look(house.patient()))["model"] == "error"


def test_a_model_that_was_taken_back_is_told_with_its_reason(house: House) -> None:
    """And those that were refused before."""
    bad, worse = "bad0" * 16, "0bad" * 16
    ledger = {"previous": None, "trial": None, "refused": {bad: "NaN", worse: "died"}}
    house.has("/var/lib/galago/models/state.json", json.dumps(ledger | {"returned": bad}))
    found = list(model.judge_ledger(Models(house.root / "var/lib/galago/models").ledger, None))
    assert levels(found) == {"model-returned": "warning", f"model-refused-{worse[:12]}": "note"}
    assert "NaN" in named(found, "model-returned").what


def test_without_a_model_only_a_service_is_at_a_loss(house: House) -> None:
    """And a configuration that cannot be read is told of by itself."""
    (house.root / "var/lib/galago").mkdir(parents=True)
    assert levels(model.look(house.patient()))["model"] == "note"
    assert levels(model.look(installed(house)))["model"] == "error"
    house.configured("[camra]")
    assert levels(model.look(installed(house)))["model"] == "note"


def test_what_a_conversion_has_cost_is_told() -> None:
    """Whoever trained may not have looked."""
    lost = {"float": {"accuracy": 0.95}, "converted": {"accuracy": 0.9}}
    assert levels(model.judge_accuracy(lost)) == {"accuracy": "warning"}
    kept = {"float": {"accuracy": 0.95}, "converted": {"accuracy": 0.945}}
    assert levels(model.judge_accuracy(kept)) == {"accuracy": "ok"}
    assert levels(model.judge_accuracy({"float": "?"})) == {"accuracy": "note"}


# --- names ----------------------------------------------------------------------------------------


def test_names_of_the_configuration_are_looked_up(house: House) -> None:
    """Broker, web services, network camera: their hosts alone."""
    house.configured(
        """
        [camera]
        source = "rtsp://admin:hunter2@camera.lan:554/stream"
        [mqtt]
        host = "broker.lan"
        [webhook.home]
        url = "https://hooks.example.org/T0K3N"
        """
    )
    assert network.wanted(house.patient()) == {
        "mqtt": "broker.lan",
        "webhook-home": "hooks.example.org",
        "camera": "camera.lan",
    }


def test_a_name_without_address_is_told_by_what_it_is_for() -> None:
    """A camera's is an error: nothing works without it."""
    assert network.judge("mqtt", "broker.lan", "").level == "ok"
    assert network.judge("mqtt", "broker.lan", "unknown").level == "warning"
    found = network.judge("camera", "camera.local", None)
    assert found.level == "error"
    assert "no answer within" in found.what
    assert "avahi" in found.what


def test_looking_up_ends_in_time() -> None:
    """Names that are known are found; the deadline is for all together."""
    began = time.monotonic()
    found = network.resolved(["localhost", "127.0.0.1", "x" * 70], deadline_s=2)
    assert found["localhost"] == found["127.0.0.1"] == ""
    assert found.get("x" * 70, "late")
    assert time.monotonic() - began < 4
    assert network.resolved([socket.gethostname()], deadline_s=0).get("nobody") is None


def test_a_radio_that_is_switched_off_is_noted(house: House) -> None:
    """As on every Pi whose country was not set."""
    house.has("/sys/class/rfkill/rfkill0/type", "wlan\n")
    house.has("/sys/class/rfkill/rfkill0/soft", "1\n")
    assert levels(network.look(house.patient()))["wifi-off"] == "note"
