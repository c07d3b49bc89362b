"""The installer on a device: first, again, with something better, with something bad, interrupted.

The device is a container with a real systemd, and has no network.
"""

import hashlib
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from galago.deploy.target import Target
from tests.deploy.container import UNIT, Device, configuration, vary, write_payload
from tests.service.machine import needs_a_machine, needs_time

KILLS = int(os.environ.get("GALAGO_KILLS", "20"))
STEPS = ["environment", "unit", "configuration", "model", "enable", "service", "healthy"]
MQTT = """
[mqtt]
host = "127.0.0.1"
username = "porch"
password = "credential:mqtt-password"
"""


@pytest.fixture(scope="module")
def better_path(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network once more, as another file."""
    from galago.convert.convert import convert
    from galago.convert.gate import Limits
    from galago.convert.origin import from_run
    from galago.convert.trial import Wanted

    out = tmp_path_factory.mktemp("better") / "better.tflite"
    assert convert(from_run(run_folder), out, Wanted(limits=Limits(100, 100), version="2")).passed
    return out


@pytest.fixture(scope="module")
def payloads(here: Target, model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the payload `first`; tests put others beside it."""
    needs_time()
    needs_a_machine()
    folder = tmp_path_factory.mktemp("payloads")
    write_payload(folder / "first", here, model_path, configuration())
    return folder


@pytest.fixture(scope="module")
def booted(payloads: Path) -> Iterator[Device]:
    with Device(payloads) as device:
        yield device


@pytest.fixture
def device(booted: Device) -> Device:
    """One on which `first` is installed, and well."""
    done = booted.install("first", "--again")
    assert done.code == 0, done
    return booted


def state_of(device: Device) -> dict[str, Any]:
    """Everything that a run could change: each file with its time, and the process."""
    places = ("etc/systemd/system", "etc/galago", "opt/galago.d", "var/lib/private/galago/models")
    files = {
        str(path): path.lstat().st_mtime_ns
        for place in places
        for path in (device.root / place).rglob("*")
    }
    link = str((device.root / "opt/galago").readlink())
    return {"files": files, "pid": device.main_pid(), "link": link}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_first_installation_ends_with_a_camera_that_sees(
    booted: Device, model_path: Path
) -> None:
    """From nothing, without a network: every step is done, and the service is well."""
    dry = booted.install("first", "--dry-run")
    assert (dry.code, set(dry.states.values())) == (0, {"would"})
    assert booted.facts()["service"] == "absent"
    done = booted.install("first")
    assert (done.code, list(done.states)) == (0, STEPS), done
    assert set(done.states.values()) == {"done"}
    assert booted.status()["model"]["sha256"] == digest(model_path)
    found = booted.facts()
    assert (found["service"], found["model"]) == ("active", digest(model_path))
    assert booted.run("systemctl", "is-enabled", UNIT) == "enabled\n"
    assert booted.run("/opt/galago/bin/galago", "--version") == "galago 0.1.0\n"


def test_a_second_run_changes_nothing(device: Device) -> None:
    """And says so of every step; no file is touched, no process replaced."""
    before = state_of(device)
    done = device.install("first")
    assert (done.code, set(done.states.values())) == (0, {"unchanged"}), done
    assert state_of(device) == before


def test_a_better_model_is_taken_by_the_running_service(
    device: Device, payloads: Path, better_path: Path
) -> None:
    """By a reload: the process stays; only the model is another."""
    pid = device.main_pid()
    vary(payloads / "first", "better", model=better_path)
    done = device.install("better")
    assert done.code == 0, done
    changed = {step for step, state in done.states.items() if state == "done"}
    assert changed == {"model", "service", "healthy"}
    assert done.detail("service") == "reload"
    assert device.main_pid() == pid
    assert device.status()["model"]["sha256"] == digest(better_path)


def test_a_rollback_brings_the_model_before_and_remembers_the_other(
    device: Device, payloads: Path, better_path: Path
) -> None:
    """What is deployed again is refused then, unless it is wanted all the same."""
    first = device.facts()["model"]
    vary(payloads / "first", "worse", model=better_path)
    assert device.install("worse", "--again").code == 0
    done = device.installer("rollback", "--json")
    assert (done.code, done.states) == (0, {"rollback": "done", "healthy": "done"}), done
    assert device.facts()["model"] == device.status()["model"]["sha256"] == first
    refused = device.install("worse")
    assert (refused.code, refused.states["model"]) == (3, "failed"), refused
    assert device.install("worse", "--again").code == 0


def test_a_rollback_goes_to_a_model_that_was_still_new(
    device: Device, payloads: Path, better_path: Path
) -> None:
    """To deploy twice within a probation leaves a way back all the same."""
    slow = configuration(model="probation_min = 60")
    vary(payloads / "first", "new-1", config=slow)
    vary(payloads / "first", "new-2", config=slow, model=better_path)
    first = device.facts()["model"]
    for name in ("new-1", "new-2"):
        assert device.install(name, "--again").code == 0
    assert device.facts()["model"] == digest(better_path)
    done = device.installer("rollback", "--json")
    assert done.code == 0, done
    assert device.facts()["model"] == device.status()["model"]["sha256"] == first


def test_a_file_that_is_no_model_is_refused(device: Device, payloads: Path, tmp_path: Path) -> None:
    """The old one serves on, in the same process."""
    before = state_of(device)
    (tmp_path / "bad.tflite").write_bytes(b"no model at all")
    vary(payloads / "first", "no-model", model=tmp_path / "bad.tflite")
    done = device.install("no-model")
    assert (done.code, done.states["model"]) == (3, "failed"), done
    assert "refused" in done.detail("model")
    assert state_of(device)["pid"] == before["pid"]
    assert device.install("first").states["service"] in {"unchanged", "done"}


def test_a_configuration_with_a_mistake_never_takes_the_others_place(
    device: Device, payloads: Path
) -> None:
    """It is read by the new release first; what is wrong is said."""
    before = device.text("etc/galago/galago.toml")
    vary(payloads / "first", "mistake", config="[camra]\n")
    done = device.install("mistake")
    assert (done.code, done.states["configuration"]) == (1, "failed"), done
    assert "camra" in done.detail("configuration")
    assert device.text("etc/galago/galago.toml") == before


def test_a_configuration_with_a_model_of_its_own_is_refused(device: Device, payloads: Path) -> None:
    """It would have the deployed one never look."""
    text = configuration(model='file = "/etc/galago/mine.tflite"')
    vary(payloads / "first", "own-model", config=text)
    done = device.install("own-model")
    assert (done.code, done.states["configuration"]) == (1, "failed"), done
    assert "take the line file out" in done.detail("configuration")


def test_what_is_not_well_goes_back(device: Device, payloads: Path) -> None:
    """A camera that is not there: what was wrong is said, and all is as it was, and well."""
    before = device.text("etc/galago/galago.toml")
    vary(payloads / "first", "no-camera", config=configuration("dir:/nowhere"))
    done = device.install("no-camera", "--wait=30")
    assert (done.code, done.states["healthy"]) == (3, "failed"), done
    assert done.states["undo"] == "done"
    assert "galago.toml" in done.detail("undo")
    assert device.text("etc/galago/galago.toml") == before
    again = device.install("first")
    assert (again.code, set(again.states.values())) == (0, {"unchanged"}), again


def test_another_release_has_a_place_of_its_own_and_can_go_back(
    device: Device, payloads: Path
) -> None:
    """The one before stays for a rollback; the one before that goes."""
    first = device.facts()["release"]
    for number in (1, 2):
        vary(payloads / "first", f"release-{number}", release=number)
        done = device.install(f"release-{number}")
        assert (done.code, done.detail("service")) == (0, "start"), done
    second = device.facts()["release"]
    kept = {path.name for path in (device.root / "opt/galago.d").glob("[0-9a-f]*")}
    assert len(kept) == 2
    assert first not in kept
    done = device.installer("rollback", "--json")
    assert (done.code, done.states) == (0, {"rollback": "done", "healthy": "done"}), done
    assert device.facts()["release"] in kept - {second}
    assert device.facts()["service"] == "active"
    nothing = device.installer("rollback")
    assert nothing.code == 1
    assert "nothing to go back to" in nothing.said


def test_secrets_that_are_there_are_handed_over(device: Device, payloads: Path) -> None:
    """By a drop-in that names them; what a person has put beside it stays."""
    device.write("etc/galago/secrets/mqtt-password", "s3cret\n", 0o600)
    device.drop_in(UNIT, "[Service]\nEnvironment=MINE=1\n")
    folder = device.root / f"etc/systemd/system/{UNIT}.d"
    vary(payloads / "first", "secret", config=configuration(more=MQTT))
    done = device.install("secret")
    assert done.code == 0, done
    assert "LoadCredential=mqtt-password:" in (folder / "secrets.conf").read_text()
    assert device.run("sh", "-c", "cat /run/credentials/galago.service/mqtt-password") == "s3cret\n"
    assert device.install("first").code == 0
    assert not (folder / "secrets.conf").exists()
    assert len(list(folder.iterdir())) == 1


def test_killed_at_any_moment_a_second_run_completes_it(
    device: Device, payloads: Path, better_path: Path, model_path: Path
) -> None:
    """After each kill a whole release, model and configuration are in use; the camera sees."""
    chance = random.Random(7)  # noqa: S311 - moments, not secrets
    device.write("etc/galago/secrets/mqtt-password", "s3cret\n", 0o600)
    texts = {configuration(), configuration(more=MQTT)}
    for number in range(3):
        vary(
            payloads / "first", f"kill-{number}", release=100 + number,
            model=(better_path, model_path)[number % 2], config=sorted(texts)[number % 2],
        )  # fmt: skip
    for number in range(KILLS):
        name = f"kill-{number // 2 % 3}"
        device.install(name, "--again", dies_after_s=chance.uniform(0.2, 18))
        assert device.run("/opt/galago/bin/galago", "--version") == "galago 0.1.0\n"
        active = (device.root / "var/lib/private/galago/models/active").resolve()
        assert active.stem == digest(active)
        assert device.text("etc/galago/galago.toml") in texts
        assert device.run("systemctl", "is-active", UNIT).strip() in {"active", "activating"}
        if number % 2:
            done = device.install(name, "--again")
            assert done.code == 0, done
            assert not (device.root / "opt/galago.d/unfinished").exists()
            assert device.install(name).states == dict.fromkeys(STEPS, "unchanged")


def test_two_at_once_are_refused(device: Device) -> None:
    """The second says so, and changes nothing."""
    hold = "flock --close /run/galago-installer.lock sleep 60 >/dev/null 2>&1 & echo $!; sleep 0.5"
    pid = device.run("sh", "-c", hold).strip()
    done = device.install("first")
    device.run("kill", pid)
    assert done.code == 1
    assert "another installation is under way" in done.said


def test_uninstalling_leaves_what_the_camera_has_seen(device: Device) -> None:
    """Program and service go; events, pictures and configuration only when asked to."""
    done = device.installer("uninstall", "--json")
    assert (done.code, done.states) == (0, {"service": "done", "environment": "done"}), done
    assert device.facts()["service"] == "absent"
    assert not (device.root / "opt/galago").is_symlink()
    assert (device.root / "var/lib/private/galago/galago.db").exists()
    assert device.text("etc/galago/galago.toml")
    done = device.installer("uninstall", "--purge", "--json")
    assert (done.code, done.states["data"]) == (0, "done"), done
    assert not (device.root / "var/lib/private/galago").exists()
    assert not (device.root / "etc/galago").exists()
    done = device.installer("uninstall", "--purge", "--json")
    assert (done.code, set(done.states.values())) == (0, {"unchanged"}), done
