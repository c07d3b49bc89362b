"""The benchmark: its document, on our own models and on others'."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Outcome

BRIEFLY = ("--threads", 1, "--round-seconds", 0.05)


def test_json_has_the_documented_keys(model_path: Path, galago: Callable[..., Outcome]) -> None:
    """Figures of one thread, consistent among themselves."""
    document = json.loads(galago("bench", model_path, *BRIEFLY, "--json").out)
    assert document["threads"] == 1
    for name in ("raw_us", "preprocess_us", "loop_us"):
        times = document[name]
        assert 0 < times["median"] <= times["p95"] <= times["p99"]
    ratio = document["raw_us"]["median"] / document["loop_us"]["median"]
    assert document["ratio"] == pytest.approx(ratio, abs=0.001)
    assert document["interpreter"].startswith("ai-edge-litert ")
    assert document["startup_s"] > 0
    assert 30 < document["rss_mb"] < 200  # not that of this process, which has TensorFlow loaded
    assert len(document["by_threads"]) == 1


def test_foreign_models_are_measured_too(shared: Path, galago: Callable[..., Outcome]) -> None:
    """Without Galago's part there is no daemon to start, the rest is measured."""
    path = shared / "models" / "mlperf_tiny_resnet8_int8.tflite"
    document = json.loads(galago("bench", path, *BRIEFLY, "--json").out)
    assert document["raw_us"]["median"] > 0
    assert document["startup_s"] is None
