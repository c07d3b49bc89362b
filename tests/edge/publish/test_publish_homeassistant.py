"""Home Assistant's own code judges what it is told, in an environment of its own."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from galago.edge.publish.homeassistant import announcement
from galago.edge.publish.messages import event_message, health_message, state_message
from galago.edge.publish.topics import Topics
from galago.edge.record import StoredEvent
from galago.edge.vitals.document import Status
from tests.edge.publish.house import make_event, seen_now, status
from tests.house.environments import REPOSITORY, Environment, find_python, install

LOCK = REPOSITORY / "locks" / "homeassistant.txt"
NO_INDEX = ("No matching distribution", "Failed to establish a new connection")
TOPICS = Topics("galago/porch")
ODD_REGION = 'it\'s "odd" }}'
ODD = ('cat "Tom"', "it's", "}} {{ x", "über")

Asked: TypeAlias = dict[str, Any]
Answer: TypeAlias = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def homeassistant() -> Environment:
    """Its environment, made where it is missing: half a minute and 500 MB.

    Nothing is compiled ahead: most of it is never imported.
    """
    python = find_python("3.13")
    digest = hashlib.sha256(LOCK.read_bytes() + str(python).encode()).hexdigest()[:16]
    folder = REPOSITORY / ".cache" / "environments" / f"homeassistant-{digest}"
    made = Environment(folder / "bin" / "python")
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
        try:
            install(made, "--no-deps", "--no-compile", "--require-hashes", "-r", LOCK)
        except AssertionError as error:
            if any(sign in str(error) for sign in NO_INDEX):
                pytest.skip("needs a package index that has homeassistant")
            raise
        (folder / "ready").touch()
    return made


def plain() -> Asked:
    """A camera that looks at the whole picture."""
    now, event = status(), StoredEvent(1, "e-1", make_event("cat"))
    return asked(now, event)


def regions() -> Asked:
    """One that looks at two regions."""
    now = status(seen_now("cat", "door"), seen_now("dog", ODD_REGION))
    events = (
        StoredEvent(1, "e-1", make_event("cat", region="door")),
        StoredEvent(2, "e-2", make_event("dog", region=ODD_REGION)),
    )
    return asked(now, *events, regions=("door", ODD_REGION), images=False)


def odd() -> Asked:
    """One whose labels and name have quotes, braces and letters from elsewhere, and a problem."""
    return asked(status(seen_now(ODD[2]), labels=ODD, level="error"), device="Küche")


def many() -> Asked:
    """One whose model knows a thousand classes."""
    labels = tuple(f"class {number}" for number in range(1000))
    return asked(status(seen_now("class 7"), labels=labels))


def asked(
    now: Status,
    *events: StoredEvent,
    device: str = "porch",
    regions: tuple[str, ...] = (),
    images: bool = True,
) -> Asked:
    messages = {
        TOPICS.event: [event_message(event).decode() for event in events],
        TOPICS.state: [state_message(now).decode()],
        TOPICS.health: [health_message(now).decode()],
    }
    announced = announcement(device, now, regions, TOPICS, images=images)
    return {"announcement": announced.decode(), "messages": messages}


@pytest.fixture(scope="module")
def answers(homeassistant: Environment) -> dict[str, Answer]:
    """What Home Assistant makes of each; fails with what it complains of."""
    cases = (plain, regions, odd, many)
    done = subprocess.run(
        [homeassistant.python, Path(__file__).with_name("announced.py")],
        input=json.dumps([case() for case in cases]),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return dict(zip((case.__name__ for case in cases), json.loads(done.stdout), strict=True))


def test_it_takes_a_camera(answers: dict[str, Answer]) -> None:
    """Every entity, every template, and what each shows."""
    answer = answers["plain"]
    shown = {key: it["shown"] for key, it in answer.items()}
    assert answer["event"]["event_types"] == ["cat", "dog", "unknown"]
    assert json.loads(shown["event"][0])["event_type"] == "cat"
    assert shown["label"] == ["cat"]
    assert answer["label"]["options"] == ["cat", "dog", "unknown"]
    assert [float(it) for it in shown["confidence"]] == [90]
    assert (shown["is_cat"], shown["is_dog"]) == (["ON"], ["OFF"])
    assert shown["problem"][0] == "OFF"
    assert json.loads(shown["problem"][1])["level"] == "ok"
    assert (shown["temperature"], shown["rate"]) == (["51.5"], ["15.0"])
    assert shown["model"][0]["installed_version"] == "c0ffeec0ffee"
    assert shown["model"][0]["latest_version"] == "c0ffeec0ffee"
    assert answer["image"]["platform"] == "image"
    assert len({it["unique_id"] for it in answer.values()}) == len(answer)


def test_regions_are_entities_of_their_own(answers: dict[str, Answer]) -> None:
    """An event of one is none of the other's, whatever a region is called."""
    answer = answers["regions"]
    (other,) = (key for key in answer if key.endswith("_event") and key != "door_event")
    assert [bool(it) for it in answer["door_event"]["shown"]] == [True, False]
    assert [bool(it) for it in answer[other]["shown"]] == [False, True]
    assert answer["door_label"]["shown"] == ["cat"]
    assert answer[other.replace("_event", "_label")]["shown"] == ["dog"]
    assert "image" not in answer


def test_labels_may_be_called_anything(answers: dict[str, Answer]) -> None:
    """Quotes and braces are no template's business."""
    answer = answers["odd"]
    assert answer["label"]["shown"] == [ODD[2]]
    on = [key for key, it in answer.items() if key.startswith("is_") and it["shown"] == ["ON"]]
    assert len(on) == 1
    assert answer["problem"]["shown"][0] == "ON"


def test_many_labels_make_few_entities(answers: dict[str, Answer]) -> None:
    """A thousand classes are one sensor."""
    assert len(answers["many"]) == 8
    assert answers["many"]["label"]["shown"] == ["class 7"]
