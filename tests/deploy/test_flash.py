"""`galago flash`, with the packages for the smallest of devices."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from galago.deploy.card.hook import UNIT
from galago.deploy.device.parcel import Parcel
from tests.conftest import Outcome
from tests.deploy.conftest import CACHE
from tests.virtual_pi.boot_partitions import KERNELS_32, bookworm, trixie

CONFIGURATION = '[mqtt]\nhost = "broker"\nusername = "porch"\npassword = "credential:mqtt"\n'


@pytest.fixture(autouse=True)
def _wheels_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALAGO_CACHE", str(CACHE))


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    """A card of 32 bits, whose packages are few."""
    return bookworm(tmp_path / "bootfs", KERNELS_32)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "porch.toml"
    path.write_text(CONFIGURATION)
    return path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("a password")
    return path


def test_a_card_carries_all_that_its_first_boot_needs(
    galago: Callable[..., Outcome], model_path: Path, boot: Path, config: Path, secret: Path
) -> None:
    """A payload that the installer accepts, the secret, the unit, the hook, and its call."""
    done = galago(
        *("flash", model_path, "--boot", boot, "--config", config, "--online", "--json"),
        *("--secret", f"mqtt={secret}", "--hostname", "porch"),
    )
    assert done.code == 0, done.err
    said = json.loads(done.out)
    parcel = Parcel.read(boot / "galago/payload")
    assert (said["target"], said["form"]) == ("bookworm-armv7l", "firstrun")
    assert (said["release"], said["model"]) == (parcel.release, parcel.model_sha256)
    assert (said["state"], said["hostname"], said["user"]) == ("written", "porch", None)
    assert parcel.config is not None
    assert parcel.config.read_text() == CONFIGURATION
    assert (boot / "galago/secrets/mqtt").read_text() == "a password"
    assert "set_hostname porch" in (boot / "firstrun.sh").read_text()
    (own,) = (wheel for wheel in parcel.wheels if wheel.name.startswith("galago-"))
    unit = (boot / "galago" / UNIT).read_text()
    assert f"PYTHONPATH=/boot/firmware/galago/payload/wheels/{own.name} " in unit
    assert "network-online.target" in unit


def test_a_second_time_changes_nothing(
    galago: Callable[..., Outcome], model_path: Path, boot: Path
) -> None:
    """Not even a file's time; and says so."""
    words = ("flash", model_path, "--boot", boot, "--online", "--hostname", "porch")
    assert galago(*words).code == 0
    before = {path: path.stat().st_mtime_ns for path in boot.rglob("*")}
    done = galago(*words)
    assert done.code == 0
    assert "nothing to do, all of it is there" in done.out
    assert {path: path.stat().st_mtime_ns for path in boot.rglob("*")} == before


def test_another_model_takes_the_first_ones_place(
    galago: Callable[..., Outcome], model_path: Path, boot: Path, config: Path, secret: Path
) -> None:
    """So do fewer settings: no secret stays that nobody asks for any more."""
    words = ("--boot", boot, "--online")
    more = ("--config", config, "--secret", f"mqtt={secret}", "--hostname", "porch")
    assert galago("flash", model_path, *words, *more).code == 0
    other = model_path.with_name("other: better.tflite")
    other.write_bytes(model_path.read_bytes())
    assert galago("flash", other, *words).code == 0
    parcel = Parcel.read(boot / "galago/payload")
    assert parcel.model.name == "other_ better.tflite"
    assert parcel.config is None
    assert not (boot / "galago/payload" / model_path.name).exists()
    assert list((boot / "galago/secrets").iterdir()) == []
    assert "set_hostname" not in (boot / "firstrun.sh").read_text()


def test_what_is_missing_is_said_before_anything_is_written(
    galago: Callable[..., Outcome], model_path: Path, boot: Path, config: Path, secret: Path
) -> None:
    """A secret, a network, a password, somebody to ask."""
    before = sorted(boot.rglob("*"))
    words = ("flash", model_path, "--boot", boot)
    refused = {
        (): "on 32 bits python3-numpy and python3-opencv come from the network: add --online",
        ("--online", "--config", config): "password needs a secret: add --secret mqtt=FILE",
        ("--online", "--secret", f"web={secret}"): "the configuration asks for no secret",
        ("--secret", "web"): "expected NAME=FILE, received 'web'",
        ("--wifi", "home", "--wifi-country", "DE"): "--wifi-password-file",
        ("--wifi-country", "DE"): "belong to --wifi",
        ("--wifi", "home", "--wifi-password-file", secret): "the two letters of a country",
    }
    for more, why in refused.items():
        done = galago(*words, *more)
        assert (done.code, done.out) == (2, "")
        assert why in done.complaint
    assert sorted(boot.rglob("*")) == before


def test_a_damaged_model_is_found_here(
    galago: Callable[..., Outcome], model_path: Path, tmp_path: Path
) -> None:
    """And not by a Pi somewhere."""
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(model_path.read_bytes()[:-100])
    boot = trixie(tmp_path / "13")
    done = galago("flash", damaged, "--boot", boot)
    assert done.code == 3
    assert not (boot / "galago").exists()


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A card whose boot partition has no room."""
    if os.geteuid():
        pytest.skip("a small file system is mounted, which needs root")
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder))
    if subprocess.run(mount, check=False, capture_output=True, timeout=10).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield bookworm(folder / "bootfs", KERNELS_32)
    finally:
        unmount = ("umount", str(folder))
        subprocess.run(unmount, check=True, timeout=10)


def test_a_full_partition_is_refused(
    galago: Callable[..., Outcome], model_path: Path, full: Path
) -> None:
    """With both figures, and before a file of ours is on it."""
    before = sorted(full.rglob("*"))
    done = galago("flash", model_path, "--boot", full, "--online")
    assert done.code == 2
    assert "has 4 MB free, expected 1" in done.complaint
    assert sorted(full.rglob("*")) == before


def test_a_workstation_without_posix_can_flash() -> None:
    """Windows has none of these modules; the part that runs on the device is not imported here."""
    absent = "import sys; sys.modules.update(dict.fromkeys(('fcntl', 'grp', 'pwd', 'resource')));"
    command = [sys.executable, "-c", f"{absent} import galago.deploy.card.flash"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
