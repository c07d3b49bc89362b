"""How many threads the interpreter gets."""

import json
import os
from pathlib import Path

import pytest

from galago.edge.threads import save_threads, threads_for

LITERT = "ai-edge-litert 2.3.0"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a service keeps its state."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "galago"))
    return tmp_path / "galago"


def default() -> int:
    return 2 if (os.cpu_count() or 1) >= 3 else 1


def test_what_was_measured_is_used() -> None:
    """For that model and that interpreter."""
    save_threads("abc", LITERT, 7)
    assert threads_for("abc", LITERT) == 7
    assert threads_for("def", LITERT) == default()
    assert threads_for("abc", "tflite-runtime 2.14.0") == default()


def test_another_machine_measures_anew(home: Path) -> None:
    """A card that was moved to a Pi with other cores."""
    path = save_threads("abc", LITERT, 7)
    document = json.loads(path.read_text())
    document["abc"]["cores"] += 1
    path.write_text(json.dumps(document))
    assert threads_for("abc", LITERT) == default()
    assert list(home.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"abc": 3}', '{"abc": {"threads": true}}'])
def test_a_damaged_file_costs_speed_only(home: Path, content: str) -> None:
    """It is read as if it were empty, and replaced by the next measurement."""
    home.mkdir()
    (home / "threads.json").write_text(content)
    assert threads_for("abc", LITERT) == default()
    save_threads("abc", LITERT, 3)
    assert threads_for("abc", LITERT) == 3


def test_old_models_are_forgotten() -> None:
    """The file does not grow for ever."""
    for number in range(60):
        path = save_threads(f"model {number}", LITERT, 3)
    assert len(json.loads(path.read_text())) == 50
    assert threads_for("model 59", LITERT) == 3
