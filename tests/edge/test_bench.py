"""The benchmark: its document, on our own models and on others'."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from galago.edge.serving import open_serving
from tests.conftest import Outcome

BRIEFLY = ("--threads", 1, "--round-seconds", 0.05)


def test_json_has_the_documented_keys(model_path: Path, galago: Callable[..., Outcome]) -> None:
    """Figures of one thread, consistent among themselves."""
    document = json.loads(galago("bench", model_path, *BRIEFLY, "--json").out)
    assert document["threads"] == 1
    for name in ("raw_us", "preprocess_us", "decide_us", "sequence_us", "loop_us", "latency_us"):
        times = document[name]
        assert 0 < times["median"] <= times["p95"] <= times["p99"]
    ratio = document["raw_us"]["median"] / document["loop_us"]["median"]
    assert document["ratio"] == pytest.approx(ratio, abs=0.001)
    assert document["interpreter"].startswith("ai-edge-litert ")
    assert document["startup_s"] > 0
    assert 30 < document["rss_mb"] < 200  # not that of this process, which has TensorFlow loaded
    assert len(document["by_threads"]) == 1
    assert document["live_frames"] >= document["dropped"] >= 0
    assert document["cpu_s_per_1000"] > 0
    assert document["machine"]["cores"] >= 1


def test_foreign_models_are_measured_too(shared: Path, galago: Callable[..., Outcome]) -> None:
    """Without Galago's part there is no daemon to start, the rest is measured."""
    path = shared / "models" / "mlperf_tiny_resnet8_int8.tflite"
    document = json.loads(galago("bench", path, *BRIEFLY, "--json").out)
    assert document["raw_us"]["median"] > 0
    assert document["startup_s"] is None


def test_what_is_saved_is_what_run_uses(
    model_path: Path,
    galago: Callable[..., Outcome],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`--save` says so in a line, and leaves a file for this model."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    outcome = galago("bench", model_path, "--threads", 3, "--round-seconds", 0.02, "--save")
    assert outcome.complaint == (
        f"galago: galago run will use 3 threads for {model_path.name} ({tmp_path}/threads.json)"
    )
    serving = open_serving(model_path)
    assert serving.classifier.interpreter.threads == 3


def test_the_last_line_is_made_to_be_pasted(
    model_path: Path, galago: Callable[..., Outcome]
) -> None:
    """It says what was measured, with which interpreter, on which machine."""
    *table, line = galago("bench", model_path, *BRIEFLY).out.splitlines()
    assert table[0].split() == ["median", "(p95,", "p99)", "1", "thread"]
    for part in (model_path.name, "fps", "ai-edge-litert", "640 × 480", "Python", "cores"):
        assert part in line
