"""The daemon's whole loop beside the bare interpreter, and the same work one after the other.

    python bench/loop.py MODEL.tflite… [--rounds 5]

`galago bench`, in a fresh process for each round, models taking turns; medians over the rounds.
Beside the loop's latency stands that of the bare classifier, called at the same pace in one thread:
a processor that rests between frames is slower and less even than one that is always busy.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from galago.bundle.classifier import Classifier
from galago.bundle.model_file import ModelFile
from galago.edge.bench import FRAME_SIZE
from machine import describe

PACED_S = 5
WARM_UP = 20

COLUMNS = {
    "raw µs": "raw_us.median",
    "preprocess µs": "preprocess_us.median",
    "one after the other µs": "sequence_us.median",
    "loop µs": "loop_us.median",
    "loop / raw rate": "ratio",
    "frame to decision µs": "latency_us.median",
    "its p99": "latency_us.p99",
    "the same, bare": "bare_us.median",
    "bare p99": "bare_us.p99",
    "dropped": "dropped",
    "CPU s per 1000": "cpu_s_per_1000",
    "start to first answer s": "startup_s",
    "peak MB": "rss_mb",
}


def measure(model: Path) -> dict[str, Any]:
    """What `galago bench --json` says, with one thread."""
    command = [sys.executable, "-P", "-m", "galago.cli", "bench", str(model)]
    command += ["--threads", "1", "--json"]
    child = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    document: dict[str, Any] = json.loads(child.stdout)
    return document | {"bare_us": paced(model, document["live_fps"])}


def paced(model: Path, fps: float) -> dict[str, float]:
    """The classifier alone, called `fps` times a second with one of four frames."""
    classifier = Classifier.open(ModelFile.read(model))
    frames = np.random.default_rng(0).integers(0, 256, (4, *FRAME_SIZE, 3), np.uint8)
    times_us, due = [], time.perf_counter()
    for number in range(round(fps * PACED_S)):
        due += 1 / fps
        time.sleep(max(0.0, due - time.perf_counter()))
        start_ns = time.perf_counter_ns()
        classifier(frames[number % len(frames)])
        times_us.append((time.perf_counter_ns() - start_ns) / 1000)
    median, p99 = np.percentile(times_us[WARM_UP:], (50, 99))
    return {"median": float(median), "p99": float(p99)}


def pick(document: dict[str, Any], path: str) -> float:
    """A figure by its dotted name."""
    value: Any = document
    for key in path.split("."):
        value = value[key]
    return float(value)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    found: dict[Path, list[dict[str, Any]]] = {model: [] for model in options.models}
    for _ in range(options.rounds):
        for model in options.models:
            found[model].append(measure(model))
    print(describe())
    print("| model | " + " | ".join([*COLUMNS, "p99 / median", "loop / sequence"]) + " |")
    print("|---" * (len(COLUMNS) + 3) + "|")
    for model, documents in found.items():
        figures = {n: statistics.median(pick(d, p) for d in documents) for n, p in COLUMNS.items()}
        tail = figures["its p99"] / figures["frame to decision µs"]
        share = figures["loop µs"] / figures["one after the other µs"]
        cells = [f"{value:.4g}" for value in (*figures.values(), tail, share)]
        print(f"| {model.name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
