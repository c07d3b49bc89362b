"""A new model is on probation: the daemon counts its deaths, and takes it back or keeps it."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.image import write_image
from galago.edge.activation.activate import Limits, activate
from galago.edge.activation.models import Models
from tests.conftest import draw
from tests.edge.activation.judged import Judged
from tests.edge.running import Daemon, daemons
from tests.variants import another

SHA = Callable[[Path], str]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with pictures and a configuration that names no model."""
    for label in ("circle", "empty"):
        write_image(tmp_path / f"{label}.png", draw(label, seed=4321))
    configure(tmp_path)
    return tmp_path


@pytest.fixture
def models(home: Path) -> Models:
    return Models(home / "state" / "models")


@pytest.fixture
def start(home: Path) -> Iterator[Callable[[], Daemon]]:
    """What starts the daemon as its service does, with a state folder."""
    with daemons(home, STATE_DIRECTORY=home / "state", RUNTIME_DIRECTORY=home) as start:
        yield start


@pytest.fixture
def first(models: Models, model_path: Path) -> str:
    """A model that is active and has long passed."""
    activate(model_path, models, Limits())
    models.confirm()
    return str(models.active)


@pytest.fixture
def second(home: Path, models: Models, first: str, model_path: Path) -> str:
    """Another that has just become active."""
    activate(another(model_path, home / "second.tflite"), models, Limits())
    assert models.active != first
    return str(models.active)


def configure(home: Path, pictures: int = 10_000, minutes: float = 60) -> None:
    source = f"fake:{home}/circle.png*20,{home}/empty.png*20?fps=20&loop=1"
    (home / "galago.toml").write_text(
        f"""
        [model]
        probation_pictures = {pictures}
        probation_min = {minutes}
        [camera]
        source = "{source}"
        [web]
        enabled = false
        """
    )


def until_it_tells(daemon: Daemon) -> None:
    daemon.until(lambda: daemon.events)


def serving(daemon: Daemon) -> set[object]:
    return {event["model"] for event in daemon.events}


def test_the_active_model_serves(start: Callable[[], Daemon], first: str) -> None:
    """The configuration names none."""
    daemon = start()
    until_it_tells(daemon)
    assert serving(daemon) == {first}
    assert daemon.end() == 0


@pytest.mark.usefixtures("home")
def test_without_any_model_it_says_how_to_get_one(start: Callable[[], Daemon]) -> None:
    """One line, exit code 2."""
    daemon = start()
    assert daemon.process.wait(60) == 2
    assert "there is no model: run galago activate FILE, or set model.file" in daemon.said


def test_three_deaths_bring_the_first_model_back(
    start: Callable[[], Daemon], models: Models, first: str, second: str
) -> None:
    """The fourth start is with the model before, which says so; the bad one is remembered."""
    for deaths in (1, 2, 3):
        daemon = start()
        until_it_tells(daemon)
        assert serving(daemon) == {second}
        assert models.ledger.trial is not None
        assert models.ledger.trial.deaths == deaths
        daemon.kill()
    daemon = start()
    until_it_tells(daemon)
    assert serving(daemon) == {first}
    assert models.active == first
    assert models.ledger.refused == {second: "it ended the daemon 3 times while it was new"}
    assert f"model.returned: model {second[:12]} was taken back" in daemon.said
    assert daemon.end() == 0


def test_a_good_end_is_no_death(start: Callable[[], Daemon], models: Models, second: str) -> None:
    """Stopped by its service manager as often as one likes, it stays on probation."""
    for _ in range(2):
        daemon = start()
        until_it_tells(daemon)
        assert daemon.end() == 0
    assert models.ledger.trial is not None
    assert (models.active, models.ledger.trial.deaths) == (second, 0)


def test_a_camera_that_fails_is_not_the_models_fault(
    home: Path, start: Callable[[], Daemon], models: Models, second: str
) -> None:
    """Exit code 4 again and again leaves the model alone."""
    (home / "galago.toml").write_text('[camera]\nsource = "usb:63"\n[web]\nenabled = false\n')
    daemon = start()
    assert daemon.process.wait(60) == 4
    assert models.ledger.trial is not None
    assert (models.active, models.ledger.trial.deaths) == (second, 0)


def test_it_passes_after_its_pictures_and_its_time(
    home: Path, start: Callable[[], Daemon], models: Models, first: str, second: str
) -> None:
    """Then the first is what one may go back to by hand, and a death counts no more."""
    configure(home, pictures=20, minutes=0.01)
    daemon = start()
    daemon.until(lambda: models.ledger.trial is None)
    daemon.until_said("the new model has passed its probation")
    assert (models.active, models.ledger.previous) == (second, first)
    daemon.kill()
    assert models.ledger.trial is None


def test_the_status_tells_how_far_it_has_got(
    home: Path, start: Callable[[], Daemon], first: str, second: str
) -> None:
    """Whoever deploys can see that it is new, and what would come back."""
    daemon = start()
    status = home / "status.json"
    daemon.until(lambda: status.exists() and told(status)["pictures"])
    assert told(status)["pictures_needed"] == 10_000
    assert (told(status)["previous"], told(status)["deaths"]) == (first, 0)
    assert json.loads(status.read_text())["model"]["sha256"] == second


def told(status: Path) -> dict[str, object]:
    facts: dict[str, object] = json.loads(status.read_text())["model"]["probation"]
    return facts


def test_a_running_daemon_takes_the_new_model(
    home: Path, start: Callable[[], Daemon], models: Models, first: str, model_path: Path
) -> None:
    """Told to read anew, it goes on with it, in the same process, and a kill counts."""
    daemon = start()
    until_it_tells(daemon)
    activate(another(model_path, home / "second.tflite"), models, Limits())
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: models.active in serving(daemon))
    assert first in serving(daemon)
    daemon.kill()
    assert models.ledger.trial is not None
    assert models.ledger.trial.deaths == 1


def test_a_running_daemon_goes_back_when_told(
    start: Callable[[], Daemon], models: Models, first: str, second: str
) -> None:
    """Taken back by hand, the first looks on."""
    daemon = start()
    until_it_tells(daemon)
    with models.turn():
        models.take_back("taken back by hand")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: first in serving(daemon))
    assert "model.returned" in daemon.said
    assert daemon.end() == 0
    assert models.ledger.refused == {second: "taken back by hand"}


@pytest.mark.parametrize("running", [False, True])
def test_a_file_that_has_gone_bad_brings_the_first_model_back(  # noqa: PLR0913 - all are needed
    home: Path,
    start: Callable[[], Daemon],
    models: Models,
    first: str,
    second: str,
    *,
    running: bool,
) -> None:
    """At a start as at a reload; brought anew, it is as good as ever."""
    if running:
        daemon = start()
        until_it_tells(daemon)
    models.path(second).write_bytes((home / "second.tflite").read_bytes()[:5000])
    if running:
        daemon.process.send_signal(signal.SIGHUP)
    else:
        daemon = start()
    daemon.until(lambda: first in serving(daemon))
    assert models.active == first
    assert models.ledger.refused == {second: "its file was damaged or gone"}
    assert daemon.end() == 0
    assert activate(home / "second.tflite", models, Limits()).state == "activated"


def test_numbers_are_what_a_model_must_give(models: Models, first: str, second: str) -> None:
    """One picture without a score ends the probation at once, and has the first opened."""
    judged = Judged(models)
    judged.judge(np.array([np.nan, 0, 0], np.float32), draw("circle", 1))
    judged.until_asked()
    assert models.active == first
    assert "no numbers" in models.ledger.refused[second]


def test_the_same_answer_to_everything_is_none(models: Models, first: str, second: str) -> None:
    """Six pictures that have nothing in common, and one answer to the last bit."""
    judged = Judged(models)
    chance = np.random.default_rng(5)
    for _ in range(6):
        cells = chance.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        pixels = np.kron(cells, np.ones((12, 12, 1), np.uint8))
        judged.judge(np.array([1, 0, 0], np.float32), pixels)
    judged.until_asked()
    assert models.active == first
    assert "the same answer" in models.ledger.refused[second]


def test_a_quiet_scene_is_no_fault(models: Models, second: str) -> None:
    """The same answer to the same view in seven kinds of light says nothing."""
    judged = Judged(models)
    for level in range(10, 255, 40):
        judged.judge(np.array([1, 0, 0], np.float32), np.full((96, 96, 3), level, np.uint8))
    judged.close()
    assert models.active == second
