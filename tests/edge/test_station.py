"""The unattended daemon as a service runs it: `galago run --config`, real processes and signals."""

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from galago.bundle.image import write_image
from galago.edge.store.reader import Reader
from tests.conftest import Outcome, draw
from tests.edge.running import Daemon, daemons


@pytest.fixture
def home(model_path: Path, tmp_path: Path) -> Path:
    """A folder with a model, a circle, a square, an empty picture, and a configuration."""
    shutil.copy(model_path, tmp_path / "model.tflite")
    for label in ("circle", "square", "empty"):
        write_image(tmp_path / f"{label}.png", draw(label, seed=4321))
    configure(tmp_path)
    return tmp_path


def configure(home: Path, more: str = "", show: str = "circle*20,empty*20") -> Path:
    """Write the configuration: pictures of `show` for ever, 20 a second, `more` at the end."""
    script = ",".join(f"{home}/{step.replace('*', '.png*')}" for step in show.split(","))
    path = home / "galago.toml"
    path.write_text(
        f"""
        [model]
        file = "model.tflite"
        [camera]
        source = "fake:{script}?fps=20&loop=1"
        [store]
        folder = "state"
        [web]
        enabled = false
        {more}
        """
    )
    return path


@pytest.fixture
def start(home: Path) -> Iterator[Callable[[], Daemon]]:
    """Start the daemon; whatever still runs at the end is ended."""
    with daemons(home) as start:
        yield start


def stored(home: Path) -> list[str]:
    with Reader(home / "state") as reader:
        return [stored.event.label for stored in reader.events_after(0, 1000)]


def test_events_are_stored_then_printed(home: Path, start: Callable[[], Daemon]) -> None:
    """What was printed is in the store after a kill without warning, under the same id."""
    daemon = start()
    daemon.until(lambda: len(daemon.events) >= 3)
    os.kill(daemon.process.pid, signal.SIGKILL)
    daemon.process.wait()
    with Reader(home / "state") as reader:
        kept = {found.id: found.event.label for found in reader.events_after(0, 1000)}
    printed = {event["id"]: event["label"] for event in daemon.events}
    assert printed.items() <= kept.items()
    assert {"circle", "empty"} == set(kept.values())


def test_each_event_has_its_picture(home: Path, start: Callable[[], Daemon]) -> None:
    """The file that an event names is there as soon as the event is told."""
    daemon = start()
    daemon.until(lambda: len(daemon.events) >= 2)
    for event in daemon.events[:2]:
        assert list((home / "state").rglob(f"{event['snapshot']}.jpg")), event
    assert daemon.end() == 0


def test_a_reload_takes_another_model_and_goes_on(home: Path, start: Callable[[], Daemon]) -> None:
    """The camera stays open, no event is told a second time, the pace is the new one."""
    daemon = start()
    daemon.until(lambda: len(daemon.events) >= 1)
    configure(home, more="[loop]\nrate = 15")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: daemon.said.count("looks at") == 2)
    before = len(daemon.events)
    daemon.until(lambda: len(daemon.events) >= before + 2)
    assert daemon.end() == 0
    labels = [event["label"] for event in daemon.events]
    assert all(one != other for one, other in pairwise(labels)), labels
    assert "camera." not in daemon.said


def test_a_mistake_in_the_configuration_changes_nothing(
    home: Path, start: Callable[[], Daemon]
) -> None:
    """It is told as a state of health, and is over with the next reload that serves."""
    daemon = start()
    daemon.until_said("looks at")
    configure(home, more="[loop]\nrat = 5")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until_said("reload.refused: ")
    assert "rate" in daemon.said  # the nearest known key
    configure(home)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until_said("reload.refused: over")
    assert daemon.end() == 0


@pytest.mark.parametrize(
    "more",
    ["[decision.label.cirkle]\nenter = 0.9", "[region.far]\nleft = 900\nwidth = 9\nheight = 9"],
)
def test_what_suits_no_picture_or_model_changes_nothing(
    home: Path, start: Callable[[], Daemon], more: str
) -> None:
    """A label that the model does not have, a region outside of the camera's picture."""
    daemon = start()
    daemon.until(lambda: len(daemon.events) >= 1)
    configure(home, more)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until_said("reload.refused: ")
    before = len(daemon.events)
    daemon.until(lambda: len(daemon.events) > before)
    assert daemon.end() == 0


def test_a_damaged_model_changes_nothing(home: Path, start: Callable[[], Daemon]) -> None:
    """The old one serves on: events name it."""
    daemon = start()
    daemon.until(lambda: len(daemon.events) >= 1)
    whole = (home / "model.tflite").read_bytes()
    (home / "model.tflite").unlink()
    (home / "model.tflite").write_bytes(whole[: len(whole) // 2])
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until_said("reload.refused: ")
    before = len(daemon.events)
    daemon.until(lambda: len(daemon.events) > before)
    assert daemon.end() == 0
    assert len({event["model"] for event in daemon.events}) == 1


def test_another_camera_is_opened_without_a_new_process(
    home: Path, start: Callable[[], Daemon]
) -> None:
    """What it shows is told; the store goes on where it was."""
    daemon = start()
    daemon.until(lambda: len(daemon.events) >= 1)
    configure(home, show="square*20,empty*20")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: "square" in {event["label"] for event in daemon.events})
    assert daemon.end() == 0
    assert re.search(r"another camera or store is configured: \d+ frames", daemon.said)
    assert stored(home)[0] == "circle"


@pytest.mark.usefixtures("home")
def test_many_hangups_at_once_are_survived(start: Callable[[], Daemon]) -> None:
    """One reload follows the other; the loop goes on between and after them."""
    daemon = start()
    daemon.until_said("looks at")
    for _ in range(50):
        daemon.process.send_signal(signal.SIGHUP)
        time.sleep(0.01)
    before = len(daemon.events)
    daemon.until(lambda: len(daemon.events) >= before + 2)
    assert daemon.end() == 0
    assert "Traceback" not in daemon.said


def test_options_come_before_the_file(home: Path, galago: Callable[..., Outcome]) -> None:
    """A camera on the command line is the one that is looked at."""
    source = f"fake:{home}/square.png*60?fps=40"
    outcome = galago("run", "--config", home / "galago.toml", "--camera", source)
    assert outcome.code == 0
    assert [json.loads(line)["label"] for line in outcome.out.splitlines()] == ["square"]
    assert stored(home) == ["square"]


def test_a_configuration_with_mistakes_does_not_start(
    home: Path, galago: Callable[..., Outcome]
) -> None:
    """Exit 2 before the model is loaded."""
    outcome = galago("run", "--config", configure(home, more="[stroe]\nfolder = 'x'"))
    assert outcome.code == 2
    assert "store" in outcome.err


def test_without_a_model_and_a_camera_it_says_what_it_needs(
    galago: Callable[..., Outcome],
) -> None:
    """One line, exit 2."""
    outcome = galago("run")
    assert outcome.code == 2
    assert "--config" in outcome.complaint
