"""The command `galago deploy`: what it refuses before anybody is contacted, and what it prints."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from galago.bundle.model_file import ModelFile
from galago.deploy.wanted import Wanted
from galago.errors import ConfigError
from tests.conftest import Outcome
from tests.deploy.sshd import Sshd

SECRETS = """
[mqtt]
host = "broker.local"
username = "porch"
password = "credential:mqtt-password"

[web]
password = "file:web-password"
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd")) as sshd:
        yield sshd


@pytest.fixture
def sshd(running: Sshd, monkeypatch: pytest.MonkeyPatch) -> Sshd:
    """An sshd that the programs of this process's path know."""
    monkeypatch.setenv("PATH", running.variables["PATH"])
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return running


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("MODEL", "expected a device after"),
        ("pi@porch", "pi@porch is not a file: expected a model file"),
        ("nowhere.tflite porch", "nowhere.tflite is not a file"),
        ("MODEL porch porch", "porch is named twice"),
        ("MODEL porch:22", "a port, a key or a jump host is set in ~/.ssh/config"),
        ("MODEL porch --purge", "--purge belongs to --uninstall"),
        ("--rollback porch --purge", "--purge belongs to --uninstall"),
        ("--rollback MODEL porch", "expected devices only"),
        ("--rollback --uninstall porch", "does not go with --uninstall"),
        ("--rollback porch --dry-run", "does not go with --dry-run"),
        ("--uninstall porch --online", "does not go with --online"),
        ("MODEL porch --config nowhere.toml", "--config"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    galago: Callable[..., Outcome], tmp_path: Path, typed: str, says: str
) -> None:
    """In one line, and nobody is contacted."""
    model = tmp_path / "m.tflite"
    model.write_bytes(b"not looked at")
    words = [str(model) if word == "MODEL" else word for word in typed.split()]
    outcome = galago("deploy", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert says in outcome.complaint


@pytest.mark.parametrize("host", ["--", "porch;reboot", "pi@-oProxyCommand=touch"])
def test_no_host_is_an_option(galago: Callable[..., Outcome], tmp_path: Path, host: str) -> None:
    """Of ssh's, which has one that runs commands."""
    model = tmp_path / "m.tflite"
    model.write_bytes(b"not looked at")
    outcome = galago("deploy", model, "--", host)
    assert outcome.code == 2
    assert "expected USER@HOST" in outcome.complaint


def test_a_damaged_model_costs_no_device_anything(
    sshd: Sshd, galago: Callable[..., Outcome], model_path: Path, tmp_path: Path
) -> None:
    """It is looked at here first."""
    before = sshd.log
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(model_path.read_bytes()[:-100])
    outcome = galago("deploy", damaged, "porch")
    assert (outcome.code, outcome.out) == (3, "")
    assert str(damaged) in outcome.complaint
    assert sshd.log == before


def test_a_mistake_in_the_configuration_costs_no_device_anything(
    sshd: Sshd, galago: Callable[..., Outcome], model_path: Path, tmp_path: Path
) -> None:
    """With the line that it is in."""
    before = sshd.log
    config = tmp_path / "galago.toml"
    config.write_text('device = "porch"\n[loop]\nrat = 3\n')
    outcome = galago("deploy", model_path, "porch", "--config", config)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{config}:3: loop.rat: unknown key" in outcome.complaint
    assert sshd.log == before


def test_a_configuration_with_a_model_of_its_own_is_refused(
    model_path: Path, tmp_path: Path
) -> None:
    """The service would look with that one."""
    config = tmp_path / "galago.toml"
    config.write_text('[model]\nfile = "other.tflite"\n')
    with pytest.raises(ConfigError, match=r"galago\.toml:2: model\.file: .* leave it out"):
        Wanted.of(model_path, config)


def test_secrets_are_known_by_their_place_on_the_device(model_path: Path, tmp_path: Path) -> None:
    """Where the configuration will lie; what is here beside it is not read."""
    config = tmp_path / "galago.toml"
    config.write_text(SECRETS)
    wanted = Wanted.of(model_path, config)
    assert wanted.sha256 == ModelFile.read(model_path).sha256
    assert {one.key: (one.path, one.credential) for one in wanted.secrets} == {
        "mqtt.password": ("/etc/galago/secrets/mqtt-password", "mqtt-password"),
        "web.password": ("/etc/galago/web-password", None),
    }


@pytest.mark.usefixtures("sshd")
def test_devices_that_cannot_be_reached_are_one_document_and_one_line(
    galago: Callable[..., Outcome], model_path: Path
) -> None:
    """Standard output has the document and nothing else."""
    outcome = galago("deploy", model_path, "gone", "porch", "--json")
    assert outcome.code == 1
    gone, porch = json.loads(outcome.out)["hosts"]
    assert (gone["host"], gone["state"], gone["steps"]) == ("gone", "failed", [])
    assert "Connection refused" in gone["reason"]
    assert (porch["host"], porch["state"]) == ("porch", "skipped")
    assert "left untouched: porch" in outcome.complaint


@pytest.mark.usefixtures("sshd", "here")
def test_a_dry_run_only_looks(galago: Callable[..., Outcome], model_path: Path) -> None:
    """Here at this machine, on which nothing is installed, before as after."""
    if os.geteuid() != 0 or Path("/opt/galago").exists():
        pytest.skip("needs root, as on a device, and a machine without Galago")
    outcome = galago("deploy", model_path, "porch", "--dry-run", "--json")
    assert outcome.code == 0
    (host,) = json.loads(outcome.out)["hosts"]
    states = {step["step"]: step["state"] for step in host["steps"]}
    assert host["state"] == "would"
    assert (states["environment"], states["model"]) == ("would", "would")
    assert not Path("/opt/galago").exists()
