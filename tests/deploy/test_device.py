"""The installer's parts, each in a folder of its own in place of a device's root."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from galago.deploy.device import conditions, configuration, environment, facts, unit
from galago.deploy.device.before import Before
from galago.deploy.device.packages import bring_modules, bring_picamera2
from galago.deploy.device.parcel import Parcel
from galago.deploy.device.places import Places
from galago.deploy.device.running import ended, run
from galago.deploy.device.service import judged
from galago.deploy.payload import pack
from galago.deploy.target import Target, target_named
from galago.edge.config.read import read_config
from galago.errors import DeviceError
from tests.house.environments import Environment

HANDED_OVER = """
[mqtt]
host = "broker"
password = "credential:mqtt-password"
[webhook.home]
url = "http://home/"
token = "credential:home-token"
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A root with the folders that every Debian has."""
    for folder in ("opt", "run", "etc/systemd/system", "etc/galago/secrets"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    return Places(tmp_path / "root")


@pytest.fixture(scope="module")
def parcel(tmp_path_factory: pytest.TempPathFactory) -> Parcel:
    """A payload for 32 bits without wheels."""
    folder = tmp_path_factory.mktemp("parcel")
    (folder / "porch.tflite").write_bytes(b"a model")
    target = target_named("bookworm", "armv7l")
    pack(target, folder / "payload", model=folder / "porch.tflite", wheels=False)
    return Parcel.read(folder / "payload")


def make_release(places: Places, name: str) -> None:
    """As far as the rest of the installer sees: a Python that starts, and the mark."""
    folder = places.releases / name
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(sys.executable)
    (folder / "release.json").write_text('{"schema": 1, "galago": "0.1.0"}')


def test_facts_come_from_the_file_alone(tmp_path: Path) -> None:
    """Read from standard input by a Python that has nothing, as ssh does it."""
    source = Path(facts.__file__).read_text()
    done = Environment(Path(sys.executable)).run("-I", "-S", "-c", source, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.keys() == facts.facts().keys()
    assert (found["bits"], found["machine"]) == (64, os.uname().machine)
    assert found["memory_mb"] > 100
    assert "\n" not in done.stdout.strip()


def test_every_fact_is_described() -> None:
    """In the head of the file, which is what others go by."""
    described = set(re.findall(r'"(\w+)":', str(facts.__doc__)))
    assert described == facts.facts().keys()


def test_a_release_is_put_to_use_by_one_rename(places: Places) -> None:
    """The link is relative, so that the card can be looked at elsewhere; the one before is kept."""
    for name in ("a" * 16, "b" * 16, "c" * 16):
        make_release(places, name)
        environment.use(name, places)
        assert environment.in_use(places) == name
    assert str(places.link.readlink()) == f"galago.d/{'c' * 16}"
    assert environment.before(places) == "b" * 16
    environment.prune(places)
    assert {path.name for path in places.releases.iterdir()} == {"b" * 16, "c" * 16, "previous"}


def test_a_rollback_keeps_the_way_forward(places: Places) -> None:
    """To use the one before makes the one after the one before."""
    for name in ("a" * 16, "b" * 16, "a" * 16):
        if not (places.releases / name).exists():
            make_release(places, name)
        environment.use(name, places)
    assert environment.before(places) == "b" * 16


def test_a_half_made_release_is_none(places: Places) -> None:
    """Without the mark that is made last, or with a Python that does not start."""
    make_release(places, "a" * 16)
    assert environment.is_ready("a" * 16, places)
    (places.releases / ("a" * 16) / "release.json").unlink()
    assert not environment.is_ready("a" * 16, places)
    make_release(places, "b" * 16)
    (places.releases / ("b" * 16) / "bin/python").unlink()
    assert not environment.is_ready("b" * 16, places)
    assert not environment.is_ready("c" * 16, places)


def test_what_others_have_put_there_is_not_replaced(places: Places) -> None:
    """A folder /opt/galago, made by hand: a person is told to move it."""
    places.link.mkdir()
    with pytest.raises(DeviceError, match=r"mv .*galago .*galago\.old"):
        environment.in_use(places)


def test_a_payload_without_wheels_cannot_make_a_release(parcel: Parcel, places: Places) -> None:
    """Nothing is left that could be taken for one."""
    with pytest.raises(DeviceError, match="the payload has no wheels for it"):
        environment.make(parcel, places)
    assert not environment.is_ready(parcel.release, places)


def test_the_unit_comes_with_the_release(places: Places) -> None:
    """As it is in systemd/; what is there already is not written again."""
    wanted = unit.wanted_files("", places)
    assert wanted[places.units / "galago.service"].startswith("# The camera as a service")
    unit.write(unit.differing(wanted, places))
    assert unit.differing(wanted, places) == {}
    assert unit.ours(places) == list(wanted)


def test_only_secrets_that_are_there_are_handed_over(places: Places) -> None:
    """One that is missing would keep the service from starting; it is named instead."""
    (places.secrets / "home-token").write_text("t")
    path = places.units / "galago.service.d/secrets.conf"
    text = unit.wanted_files(HANDED_OVER, places)[path]
    assert f"LoadCredential=home-token:{places.secrets}/home-token\n" in text
    assert "mqtt-password" not in text
    assert unit.missing_secrets(HANDED_OVER, places) == ["mqtt-password"]
    assert path not in unit.wanted_files("", places)


def test_pins_need_their_group(places: Places) -> None:
    """The drop-in is written where there is one: a group that is missing stops the service."""
    wanted = unit.wanted_files("[gpio.lamp]\npin = 17\n", places)
    there = ended("getent", "group", "gpio", timeout_s=10).returncode == 0
    assert (places.units / "galago.service.d/gpio.conf" in wanted) == there


def test_a_drop_in_of_the_users_own_is_left_alone(places: Places) -> None:
    """Even under a name of ours; and what ours hands over twice is nobody's need."""
    folder = places.units / "galago.service.d"
    folder.mkdir()
    mine = "[Service]\nLoadCredential=mqtt-password:/root/mqtt\n"
    (folder / "secrets.conf").write_text(mine)
    (folder / "local.conf").write_text("[Service]\nIPAddressDeny=any\n")
    (places.secrets / "home-token").write_text("t")
    unit.write(unit.differing(unit.wanted_files(HANDED_OVER, places), places))
    assert (folder / "secrets.conf").read_text() == mine
    assert unit.missing_secrets(HANDED_OVER, places) == []
    assert (folder / "local.conf").exists()


def test_a_drop_in_of_ours_goes_with_its_reason(places: Places) -> None:
    """When the configuration has no secrets any more."""
    (places.secrets / "home-token").write_text("t")
    unit.write(unit.differing(unit.wanted_files(HANDED_OVER, places), places))
    changes = unit.differing(unit.wanted_files("", places), places)
    assert changes == {places.units / "galago.service.d/secrets.conf": None}
    unit.write(changes)
    assert unit.differing(unit.wanted_files("", places), places) == {}


def test_the_first_configuration_is_valid_and_says_what_it_is(tmp_path: Path) -> None:
    """With this machine's name and the camera that is seen, or that none was."""
    path = tmp_path / "galago.toml"
    path.write_text(configuration.first())
    config = read_config(path).config
    assert config.model.file is None
    seen = facts.cameras()
    assert config.camera.source == (seen[0] if seen else "usb:0")
    assert ("No camera was seen" in path.read_text()) == (not seen)


def test_a_configuration_that_is_there_stays(parcel: Parcel, places: Places) -> None:
    """Unless another was brought."""
    assert configuration.wanted(parcel, places) == configuration.first()
    places.configuration.write_text("# mine\n")
    assert configuration.wanted(parcel, places) == "# mine\n"
    assert not configuration.differs("# mine\n", places)


def test_a_model_of_the_configurations_own_is_refused() -> None:
    """It would serve in place of what is deployed; a file with a mistake is another's to refuse."""
    with pytest.raises(DeviceError, match="take the line file out"):
        configuration.check_model_file('[model]\nfile = "mine.tflite"\n')
    configuration.check_model_file("[model]\nthreads = 2\n")
    configuration.check_model_file("[model\n")


def test_what_was_before_is_remembered_once(tmp_path: Path) -> None:
    """A run that goes on with an interrupted one does not take its work for what was before."""
    file, kept = tmp_path / "galago.toml", tmp_path / "unfinished"
    file.write_text("old")
    before = Before(installed=True, release="a" * 16)
    before.remember(file)
    before.remember(tmp_path / "new.conf")
    before.write(kept)
    file.write_text("new")
    again = Before.read(kept)
    assert again is not None
    again.remember(file)
    assert again.files == {str(file): "old", str(tmp_path / "new.conf"): None}
    assert again == before


def test_a_spoilt_memory_is_none(tmp_path: Path) -> None:
    """Nor is one that is not there."""
    assert Before.read(tmp_path / "nothing") is None
    for text in ("", "[]", '{"wrong": 1}'):
        (tmp_path / "spoilt").write_text(text)
        assert Before.read(tmp_path / "spoilt") is None


def status(
    level: str = "ok", name: str = "camera.dark", sha256: str = "a" * 64
) -> dict[str, object]:
    state = {"name": name, "level": level, "cause": "it is dark", "advice": "Uncover the lens."}
    return {
        "model": {"sha256": sha256},
        "camera": {"source": "usb:0"},
        "loop": {"frames": 9, "rate": 5.0},
        "health": {"states": [state] if level != "ok" else []},
    }


def test_well_is_what_the_daemon_says_of_itself() -> None:
    """An error is not, with its advice; a warning is; another model than the wanted one is not."""
    assert judged(status(), "a" * 64).well
    assert judged(status("warning"), "a" * 64).well
    bad = judged(status("error"), "a" * 64)
    assert not bad.well
    assert bad.detail == "camera.dark: it is dark. Uncover the lens."
    assert not judged(status("warning", "reload.refused"), None).well
    other = judged(status(), "b" * 64)
    assert (other.well, other.detail) == (False, "model aaaaaaaaaaaa looks, expected bbbbbbbbbbbb")


def test_a_payload_for_another_device_is_refused(here: Target) -> None:
    """Before anything is changed."""
    conditions.check_target(here.to_json())
    other = next(t for t in (target_named("trixie", "aarch64"), target_named("bookworm", "aarch64"))
                 if t != here)  # fmt: skip
    with pytest.raises(DeviceError, match="pack one for this device"):
        conditions.check_target(other.to_json())


def test_one_installs_at_a_time(places: Places) -> None:
    """The second is told; when the first is done, its turn comes."""
    with (
        conditions.alone(places),
        pytest.raises(DeviceError, match="another installation"),
        conditions.alone(places),
    ):
        pass
    with conditions.alone(places):
        pass


def test_what_only_the_system_can_bring_is_asked_for(parcel: Parcel) -> None:
    """In one line with the command, where the network may not be used."""
    has = ended("/usr/bin/python3", "-I", "-c", "import numpy, cv2", timeout_s=60).returncode == 0
    if has:
        bring_modules(parcel)
        return
    with pytest.raises(DeviceError, match=r"sudo apt install -y .*python3-opencv"):
        bring_modules(parcel)


def test_picamera2_is_asked_for_by_who_needs_it(parcel: Parcel) -> None:
    """A USB camera does not."""
    assert list(bring_picamera2('[camera]\nsource = "usb:0"\n', parcel, dry=False)) == []
    if facts.has_picamera2():
        pytest.skip("picamera2 is installed for this Python")
    for text in ("", '[camera]\nsource = "picamera2:0?fps=10"\n'):
        (note,) = bring_picamera2(text, parcel, dry=False)
        assert note.endswith("sudo apt install -y --no-install-recommends python3-picamera2")


def test_another_program_ends_in_one_line() -> None:
    """Its failure, its absence, its never ending."""
    with pytest.raises(DeviceError, match=r"failed: no such luck$"):
        run("sh", "-c", "echo; echo no such luck >&2; exit 3", timeout_s=10)
    with pytest.raises(DeviceError, match="did not end within 0 s"):
        run("sleep", "60", timeout_s=0.2)
    with pytest.raises(DeviceError, match="nosuch"):
        run("nosuch", timeout_s=10)
