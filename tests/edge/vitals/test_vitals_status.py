"""The status document: whole whatever fails."""

import json
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, NoReturn, get_type_hints

import pytest

from galago.edge.camera import open_camera
from galago.edge.loop import Loop
from galago.edge.regions import Region
from galago.edge.vitals.document import HealthFacts, Status
from galago.edge.vitals.sources import Sources
from galago.edge.vitals.status import Reporter
from tests.edge.vitals.parts import Parts


def fail(*_: object) -> NoReturn:
    raise RuntimeError("no more")


def break_sensors(sources: Sources) -> None:
    sources.sensors.read = fail  # type: ignore[method-assign]


def break_call(name: str) -> Callable[[Sources], None]:
    return lambda sources: setattr(sources, name, fail)


def test_a_loop_is_told_of(parts: Parts) -> None:
    """What runs, what it sees, how fast, and on what."""
    stop = threading.Event()
    opener = partial(open_camera, "fake:bars*30?pace=max")
    with Loop(opener, parts.serving.classifier, stop, health=parts.health) as loop:
        sources = parts.sources()
        sources.camera, sources.dropped = lambda: loop.camera, lambda: loop.dropped
        for seen in loop:
            parts.live.offer(seen)
            parts.pulse.beat(seen.frame.time_ns)
        status = Reporter(sources).document()
    assert (status["loop"]["frames"], status["loop"]["dropped"]) == (30, 0)
    assert status["loop"]["latency"]["count"] == 30
    assert status["loop"]["rate"] > 0
    assert status["camera"]["source"] == "fake:bars*30?pace=max"
    assert not status["camera"]["live"]
    model = status["model"]
    assert (model["name"], model["sha256"]) == ("shapes.tflite", parts.serving.sha256)
    assert model["labels"] == ["circle", "empty", "square"]
    assert (model["accuracy"] or 0) > 0.3
    assert datetime.fromisoformat(model["trained"] or "").tzinfo is not None
    (now,) = status["now"]
    assert now["region"] is None
    assert set(now["scores"]) == set(model["labels"])
    assert 0.98 < sum(now["scores"].values()) < 1.02
    assert status["health"] == HealthFacts(level="ok", states=[])
    assert status["store"] is None


def test_it_is_json_and_has_every_key(parts: Parts) -> None:
    """Times are UTC with milliseconds, and the start is before now."""
    parts.sees("circle", parts.pulse.started_ns, Region("door", 0, 0, 1, 1))
    parts.health.report("camera.dark", "black", parts.pulse.started_ns)
    status = Reporter(parts.sources()).document()
    assert json.loads(json.dumps(status)) == status
    assert_keys(status, Status)
    assert (status["now"][0]["region"], status["now"][0]["label"]) == ("door", "circle")
    times = [status["time"], status["started"], status["now"][0]["since"]]
    for text in times:
        assert text.endswith("+00:00")
        assert len(text) == len("2026-11-25T01:02:03.456+00:00")
    assert status["started"] <= status["time"]
    assert abs(status["uptime_s"] - seconds_between(status["started"], status["time"])) < 0.1


@pytest.mark.parametrize(
    ("break_it", "part", "named"),
    [
        (break_call("serving"), "model", "the model"),
        (break_call("camera"), "camera", "the camera"),
        (break_call("dropped"), "loop", "the loop"),
        (break_call("store"), "store", "the store"),
        (break_call("publishers"), "publishers", "who is told"),
        (break_sensors, "machine", "the machine"),
    ],
)
def test_a_part_that_fails_leaves_the_rest(
    parts: Parts, break_it: Callable[[Sources], None], part: str, named: str
) -> None:
    """Its place is empty, health names it, and when it is well again that is over."""
    changes: list[object] = []
    parts.health.listen(changes.append)
    parts.sees("circle", 5)
    broken = parts.sources()
    break_it(broken)
    for _ in range(3):
        status: Any = Reporter(broken).document()
    assert_keys(status, Status)
    assert not status[part] or not any(v for v in status[part].values() if not isinstance(v, dict))
    (state,) = status["health"]["states"]
    assert state["name"] == "status.incomplete"
    assert named in state["cause"]
    assert "no more" in state["cause"]
    assert status["health"]["level"] == "warning"
    assert status["device"] == "porch"
    assert Reporter(parts.sources()).document()["health"]["level"] == "ok"
    assert len(changes) == 2


def test_the_worst_comes_first(parts: Parts) -> None:
    """Each state with its level and what to do; the level of all is the worst one's."""
    parts.health.report("machine.hot", "82 °C", 1)
    parts.health.report("camera.dark", "black", 2)
    parts.health.report("store.failed", "read-only file system", 3)
    health = Reporter(parts.sources()).document()["health"]
    assert health["level"] == "error"
    assert [(state["name"], state["level"]) for state in health["states"]] == [
        ("store.failed", "error"),
        ("camera.dark", "warning"),
        ("machine.hot", "warning"),
    ]
    assert all(state["advice"].endswith(".") for state in health["states"])


def test_what_another_model_has_seen_is_left_out(parts: Parts) -> None:
    """Between two models of other labels, for a picture or two."""
    parts.sees("circle", 5)
    decision = parts.live.decisions[None]
    other = decision._replace(scores=decision.scores[:2])
    parts.live._decisions[None] = other
    status = Reporter(parts.sources()).document()
    assert status["now"] == []
    assert status["health"]["level"] == "ok"


def seconds_between(first: str, second: str) -> float:
    return (datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds()


def assert_keys(document: object, form: Any) -> None:
    """A document has the keys of a TypedDict, neither more nor fewer, at every depth."""
    if hasattr(form, "__required_keys__"):
        assert isinstance(document, dict)
        assert set(document) == set(form.__required_keys__)
        for key, inner in get_type_hints(form).items():
            assert_keys(document[key], inner)
    elif getattr(form, "__origin__", None) is list:
        assert isinstance(document, list)
        for one in document:
            assert_keys(one, form.__args__[0])
