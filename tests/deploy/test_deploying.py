"""Visits to devices over a real ssh: in which order, what is carried, what is left after a failure.

The machine at the other end is this one, so nothing is installed on it here: whole deployments are
in tests/virtual_pi/test_deploy.py.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from galago.deploy.address import Address
from galago.deploy.deploying import (
    UnhealthyError,
    addresses_of,
    as_text,
    canary,
    check_all_well,
    roll_back_all,
)
from galago.deploy.device.tell import Told
from galago.deploy.errand import Outcome, Record, State, errand
from galago.deploy.found import Found, become_root, check_secrets, differences, digest_of_unit, look
from galago.deploy.ssh import Connection
from galago.deploy.target import Target, target_named
from galago.deploy.wanted import NeededSecret, Wanted
from galago.errors import DeviceError, UsageError
from tests.deploy.sshd import Sshd

PORCH, SHED, GONE = (Address(None, name) for name in ("porch", "shed", "gone"))
FOLDERS = Path("/var/tmp")  # noqa: S108 - of errands, on the device
HANG_S = 30.0

# In the installer's place: says its number, and is in no hurry.
SLOW = """
import json, os, time
print(json.dumps({"step": "environment", "state": "done", "detail": str(os.getpid())}), flush=True)
time.sleep(600)
"""
QUICK = """
import json, sys
print("Welcome to Debian")
for step, state in (("model", "failed" if "bad" in sys.argv else "done"), ("undo", "done")):
    print(json.dumps({"step": step, "state": state, "detail": " ".join(sys.argv[1:])}))
sys.exit(3 if "bad" in sys.argv else 0)
"""
ON_AN_ERRAND = """
import sys
from pathlib import Path
from galago.deploy.address import Address
from galago.deploy.deploying import canary
from galago.deploy.errand import errand

def visit(host, record):
    with errand(host, (), record) as carrier:
        carrier.send([Path(sys.argv[1])])
        return carrier.tell("installer", ["install"], "deployed")

canary([Address(None, "porch")], visit, lambda line: print(line, flush=True))
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


def installer(folder: Path, text: str) -> Path:
    """A folder that stands where the installer's wheel would."""
    package = folder / "installer/galago/deploy/device"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text(text)
    return folder / "installer"


def of_errands() -> set[Path]:
    return set(FOLDERS.glob("galago-deploy.*"))


def greet(host: Connection, record: Record) -> Outcome:
    record.add(Told("greeting", "done", host.run("echo", "hello").out))
    return Outcome(str(host.address), "deployed", tuple(record.steps))


@pytest.mark.usefixtures("sshd")
def test_the_others_follow_when_the_first_is_well() -> None:
    """One that cannot be reached later stops nobody."""
    lines: list[str] = []
    outcomes = canary([PORCH, GONE, SHED], greet, lines.append)
    assert [one.state for one in outcomes] == ["deployed", "failed", "deployed"]
    assert lines == ["porch: greeting: done, hello", "shed: greeting: done, hello"]
    assert "Connection refused" in str(outcomes[1].reason)


def test_nobody_is_touched_when_the_first_is_not_well(sshd: Sshd) -> None:
    """They are named, and not even logged in to."""
    before = sshd.log
    outcomes = canary([GONE, PORCH, SHED], greet, lambda _: None)
    assert [one.state for one in outcomes] == ["failed", "skipped", "skipped"]
    assert sshd.log == before
    with pytest.raises(DeviceError, match="left untouched: porch, shed"):
        check_all_well(outcomes)


@pytest.mark.parametrize("state", ["refused", "unhealthy"])
@pytest.mark.usefixtures("sshd")
def test_a_canary_that_falls_off_its_perch(state: State) -> None:
    """The model was brought to it alone."""

    def fall(host: Connection, _record: Record) -> Outcome:
        return Outcome(str(host.address), state, reason="it is too slow")

    outcomes = canary([PORCH, SHED], fall, lambda _: None)
    assert [one.state for one in outcomes] == [state, "skipped"]
    with pytest.raises(UnhealthyError, match=f"porch: {state}: it is too slow") as raised:
        check_all_well(outcomes)
    assert raised.value.exit_code == 3


@pytest.mark.usefixtures("sshd")
def test_a_single_device_is_not_named_in_each_line() -> None:
    """There is no other."""
    lines: list[str] = []
    canary([PORCH], greet, lines.append)
    assert lines == ["greeting: done, hello"]


def test_every_device_has_a_line_at_the_end() -> None:
    """Also where nothing was to be done."""
    outcomes = [Outcome("porch", "unchanged"), Outcome("shed", "deployed")]
    assert as_text(outcomes) == "porch: nothing to do: all is as wanted\nshed: deployed"
    check_all_well(outcomes)


def test_a_device_is_named_once() -> None:
    """Twice is a slip: which one was meant instead?"""
    with pytest.raises(UsageError, match="pi@porch is named twice"):
        addresses_of(["pi@porch", "shed", "pi@porch"])


@pytest.mark.parametrize(("words", "state"), [((), "deployed"), (("bad",), "refused")])
@pytest.mark.usefixtures("sshd")
def test_the_installers_steps_come_back(tmp_path: Path, words: list[str], state: State) -> None:
    """What a login shell says besides is passed over; nothing of the errand is left."""
    before = of_errands()
    record = Record(lambda _: None)
    with Connection(PORCH) as host, errand(host, (), record) as carrier:
        (made,) = of_errands() - before
        assert made.stat().st_mode & 0o777 == 0o700
        carrier.send([installer(tmp_path, QUICK)])
        outcome = carrier.tell("installer", words, "deployed")
    assert outcome.state == state
    assert [step.step for step in outcome.steps] == ["model", "undo"]
    assert outcome.reason == ("bad --json" if words else None)
    assert of_errands() == before


@pytest.mark.usefixtures("sshd")
def test_an_installer_that_does_not_run_is_told() -> None:
    """With the last line that was said."""
    with Connection(PORCH) as host, errand(host, (), Record(lambda _: None)) as carrier:
        outcome = carrier.tell("nowhere", [], "deployed")
    assert outcome.state == "failed"
    assert "No module named" in str(outcome.reason)


@pytest.mark.usefixtures("sshd")
def test_what_a_lost_errand_has_left_goes_a_day_later() -> None:
    """That of one under way stays."""
    old, new = (Path(f"{FOLDERS}/galago-deploy.{age}") for age in ("oldoldol", "newnewne"))
    for folder in (old, new):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    os.utime(old, (time.time() - 2 * 86400,) * 2)
    try:
        with Connection(PORCH) as host, errand(host, (), Record(lambda _: None)):
            assert (old.exists(), new.exists()) == (False, True)
    finally:
        shutil.rmtree(new)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_end_on_request_clears_up_there(
    sshd: Sshd, tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C reaches everything that runs in the terminal; the installer there ends first."""
    before = of_errands()
    command = [sys.executable, "-c", ON_AN_ERRAND, str(installer(tmp_path, SLOW))]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=sshd.variables, start_new_session=True,
    )  # fmt: skip
    with process:
        line = next(line for line in process.stdout or () if "environment" in line)
        pid = int(line.rsplit(", ", 1)[1])
        assert Path(f"/proc/{pid}").exists()
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _, error = process.communicate(timeout=HANG_S)
    assert "stopped at porch: the same command goes on from where it was" in error
    assert of_errands() == before
    assert gone(pid)


def gone(pid: int) -> bool:
    """Whether a process has ended, at once or soon."""
    deadline = time.monotonic() + HANG_S
    while time.monotonic() < deadline:
        try:
            if "Z" in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1]:
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_whoever_may_not_be_root_is_told_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login that has no rights, on a machine with sudo or without."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("becoming somebody without rights needs root and setpriv (util-linux)")
    drop = "setpriv --reuid 65534 --regid 65534 --clear-groups"
    with Sshd(tmp_path / "sshd", force=f'{drop} sh -c "$SSH_ORIGINAL_COMMAND"') as sshd:
        monkeypatch.setenv("PATH", sshd.variables["PATH"])
        with Connection(PORCH) as host, pytest.raises(DeviceError, match="sudo"):
            become_root(host)
        (outcome,) = roll_back_all([PORCH], lambda _: None)
    assert outcome.state == "failed"


@pytest.mark.usefixtures("sshd")
def test_a_secret_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    """With the command that brings it, and nothing of it in a message."""
    there, empty = tmp_path / "there", tmp_path / "empty"
    there.write_text("swordfish")
    empty.touch()
    with Connection(PORCH) as host:
        check_secrets(host, (), (NeededSecret("mqtt.password", str(there)),))
        for path in (empty, tmp_path / "nowhere"):
            secret = NeededSecret("mqtt.password", str(path), "mqtt-password")
            with pytest.raises(DeviceError, match=r"mqtt\.password .* ssh porch sudo install -D"):
                check_secrets(host, (), (secret,))


@pytest.mark.usefixtures("sshd")
def test_this_machine_is_looked_at(here: Target) -> None:
    """As a device would be; looking needs root there."""
    if os.geteuid() != 0:
        pytest.skip("needs root, as on a device")
    with Connection(PORCH) as host:
        found = look(host)
    assert found.target == here
    assert found.facts["hostname"] == os.uname().nodename


FACTS = {
    "release": "0123456789abcdef",
    "previous": None,
    "unit": None,
    "config": "c",
    "model": "m",
    "service": "active",
    "cameras": ["usb:0"],
}


@pytest.fixture
def as_wanted() -> Callable[..., dict[str, str]]:
    """What would be done to a device that is as wanted, but for what is named."""

    def states(*, wanted: Wanted | None = None, **differing: object) -> dict[str, str]:
        given = {"finished": True, "enabled": True, "serving": "m"}
        given |= {name: differing.pop(name) for name in list(differing) if name in given}
        facts = FACTS | {"unit": digest_of_unit()} | differing
        target = target_named("trixie", "aarch64")
        found = Found(facts, target, (), **given)  # type: ignore[arg-type]
        steps = differences(found, wanted or Wanted(Path("m.tflite"), "m"), "0123456789abcdef")
        return {step.step: step.state for step in steps}

    return states


def test_a_device_that_is_as_wanted_is_left_alone(as_wanted: Callable[..., dict[str, str]]) -> None:
    """All of its steps are unchanged."""
    assert set(as_wanted().values()) == {"unchanged"}


@pytest.mark.parametrize(
    ("differing", "step"),
    [
        ({"release": "fedcba9876543210"}, "environment"),
        ({"finished": False}, "environment"),
        ({"unit": "changed by hand"}, "unit"),
        ({"enabled": False}, "unit"),
        ({"config": None}, "configuration"),
        ({"wanted": Wanted(Path("m"), "m", Path("x.toml"), "another")}, "configuration"),
        ({"model": "another"}, "model"),
        ({"service": "failed"}, "service"),
        ({"serving": None}, "service"),
        ({"serving": "another"}, "service"),
    ],
)
def test_each_difference_is_seen(
    as_wanted: Callable[..., dict[str, str]], differing: dict[str, object], step: str
) -> None:
    """That step would be done, and no other."""
    steps = as_wanted(**differing)
    assert [name for name, state in steps.items() if state == "would"] == [step]
