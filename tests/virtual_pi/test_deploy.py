"""`galago deploy` to a Pi on which nothing is installed: first, again, better, bad, and back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.image import write_image
from galago.bundle.model_file import ModelFile
from galago.deploy.address import Address
from galago.deploy.deploying import deploy
from galago.deploy.wanted import Wanted
from tests.conftest import draw
from tests.deploy.brittle import Failing, write_brittle
from tests.deploy.conftest import CACHE
from tests.virtual_pi.conftest import Record, needs_virtual_pi
from tests.virtual_pi.deployed import UNIT, Done, Pi, configuration
from tests.virtual_pi.image import build
from tests.virtual_pi.vm import VM

DEPLOYED = "deployed"
# A scene that is as the golden frames are, and then bright; from its beginning at each start.
BRIGHTENS = "fake:bars*{seconds}s,white*forever?fps=10&noise=3"


@pytest.fixture(scope="module")
def first(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pi, Done]]:
    """A Pi that was bare, after its first deployment, saved as DEPLOYED."""
    needs_virtual_pi()
    folder = tmp_path_factory.mktemp("deploy")
    with (
        pytest.MonkeyPatch.context() as patch,
        VM(build("amd64", "bare"), memory_mb=1024) as vm,
    ):
        patch.setenv("GALAGO_CACHE", str(CACHE))
        pi = Pi(vm, folder)
        config = configuration(folder / "galago.toml")
        done = pi.deploy(model_path, pi.address, "--config", config)
        assert done.code == 0, done.said
        pi.wait_until_confirmed()
        vm.save(DEPLOYED)
        yield pi, done


@pytest.fixture
def pi(first: tuple[Pi, Done]) -> Pi:
    """The same Pi, each time as it was after the first deployment."""
    first[0].vm.resume(DEPLOYED)
    return first[0]


@pytest.fixture(scope="module")
def better_path(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network once more, as another file."""
    from galago.convert.convert import convert
    from galago.convert.gate import Limits
    from galago.convert.origin import from_run
    from galago.convert.trial import Wanted as Conversion

    out = tmp_path_factory.mktemp("better") / "better.tflite"
    wanted = Conversion(limits=Limits(100, 100), version="2")
    assert convert(from_run(run_folder), out, wanted).passed
    return out


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures, none of them bright."""
    folder = tmp_path_factory.mktemp("grey")
    for seed in range(32):
        write_image(folder / f"{seed}.png", draw("circle", seed))
    return folder


def digest(path: Path) -> str:
    return ModelFile.read(path).sha256


def test_a_bare_pi_looks_after_one_command(first: tuple[Pi, Done], model_path: Path) -> None:
    """As a user who may use sudo, without a network there; nothing of the way is left."""
    pi, done = first
    assert done.state == "deployed"
    assert set(done.steps.values()) == {"done"}
    assert pi.serving == digest(model_path)
    assert pi.vm.run(f"systemctl is-enabled {UNIT}").strip() == "enabled"
    assert pi.vm.run("ls -d /var/tmp/galago* 2>/dev/null || true") == ""


def test_a_second_time_there_is_nothing_to_do(pi: Pi, model_path: Path) -> None:
    """Nothing is sent, nothing is written, and the service does not notice."""
    pi.vm.run("touch /tmp/before")
    before = pi.main_pid()
    done = pi.deploy(model_path, pi.address)
    assert (done.code, done.state) == (0, "unchanged")
    assert set(done.steps.values()) == {"unchanged"}
    assert "sending" not in done.said
    assert pi.main_pid() == before
    places = "/opt /etc /usr /root /home /var/tmp /var/lib/private/galago/models"
    assert pi.vm.run(f"find {places} -newer /tmp/before") == ""


def test_a_dry_run_changes_nothing(pi: Pi, better_path: Path) -> None:
    """It says what would be done."""
    before = pi.serving
    done = pi.deploy(better_path, pi.address, "--dry-run")
    assert (done.code, done.state) == (0, "would")
    assert done.steps["model"] == "would"
    assert done.steps["environment"] == "unchanged"
    assert pi.serving == before


def test_a_better_model_takes_over_while_the_old_one_looks(
    pi: Pi, better_path: Path, record: Record
) -> None:
    """The same process goes on looking; the longest time without an answer is told."""
    before = pi.main_pid()
    pi.watch(90)
    done = pi.deploy(better_path, pi.address)
    assert (done.code, done.state) == (0, "deployed"), done.said
    assert done.steps["environment"] == "unchanged"
    assert pi.serving == digest(better_path)
    assert pi.main_pid() == before
    record(f"longest time without an answer {pi.gap_s():.2f} s, wanted 1 s at most")


def test_what_fails_its_golden_frames_here_is_not_even_brought(
    pi: Pi, model_path: Path, tmp_path: Path
) -> None:
    """Nobody is contacted."""
    done = pi.deploy(wrong(model_path, tmp_path / "wrong.tflite"), pi.address)
    assert done.code == 3
    assert done.document == {}


def test_what_fails_its_golden_frames_there_is_refused(
    pi: Pi, model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one goes on looking, in the same process; the bad one is not kept."""
    monkeypatch.setenv("PATH", pi.variables["PATH"])
    bad, before = wrong(model_path, tmp_path / "wrong.tflite"), pi.main_pid()
    unchecked = Wanted(bad, digest(bad))  # as a workstation whose interpreter errs would send it
    (outcome,) = deploy([Address.parse(pi.address)], unchecked, lambda _: None)
    assert outcome.state == "refused"
    assert "golden frame" in str(outcome.reason)
    assert (pi.serving, pi.main_pid()) == (digest(model_path), before)
    assert digest(bad) not in pi.vm.run("ls /var/lib/private/galago/models")


@pytest.mark.parametrize("failing", ["memory", "lookup"])
def test_what_crashes_on_probation_is_taken_back(
    pi: Pi, model_path: Path, grey: Path, tmp_path: Path, failing: Failing
) -> None:
    """Hours later in the field, a minute here: the model before comes back, nobody logs in."""
    brittle = write_brittle(tmp_path / "brittle.tflite", grey, failing)
    config = configuration(tmp_path / "bright.toml", BRIGHTENS.format(seconds=60), minutes=30)
    done = pi.deploy(brittle, pi.address, "--config", config)
    assert (done.code, done.state) == (0, "deployed"), done.said
    pi.vm.wait_for(lambda: pi.serving == digest(model_path), 900.0, every_s=2.0)
    assert digest(brittle) in pi.state()["refused"]
    assert pi.vm.run(f"systemctl is-active {UNIT}").strip() == "active"
    again = pi.deploy(brittle, pi.address)
    assert (again.code, again.state) == (3, "refused")
    assert pi.serving == digest(model_path)


def test_a_rollback_brings_the_model_before(pi: Pi, model_path: Path, better_path: Path) -> None:
    """And a second deployment of what was left is refused, unless it is asked for again."""
    pi.deploy(better_path, pi.address)
    pi.wait_until_confirmed()
    done = pi.deploy("--rollback", pi.address)
    assert (done.code, done.state) == (0, "rolled back"), done.said
    assert pi.serving == digest(model_path)
    assert pi.deploy(better_path, pi.address).state == "refused"
    assert pi.deploy(better_path, pi.address, "--again").state == "deployed"
    assert pi.serving == digest(better_path)


def test_what_is_uninstalled_keeps_its_events(pi: Pi) -> None:
    """Without --purge."""
    done = pi.deploy("--uninstall", pi.address)
    assert (done.code, done.state) == (0, "uninstalled"), done.said
    assert pi.vm.run(f"systemctl is-active {UNIT} || true").strip() == "inactive"
    pi.vm.run("test ! -e /opt/galago && test -s /var/lib/private/galago/galago.db")


def wrong(model_path: Path, path: Path) -> Path:
    """The same model, with other answers written down."""
    model = ModelFile.read(model_path)
    golden = replace(model.golden, outputs=np.roll(model.golden.outputs, 1, axis=1))
    ModelFile.build(model.flatbuffer, model.manifest, golden).write(path)
    return path
