"""The daemon's whole loop beside the bare interpreter, and the same work one after the other.

    python bench/loop.py MODEL.tflite… [--rounds 5]

`galago bench`, in a fresh process for each round, models taking turns; medians over the rounds.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from machine import describe

COLUMNS = {
    "raw µs": "raw_us.median",
    "preprocess µs": "preprocess_us.median",
    "one after the other µs": "sequence_us.median",
    "loop µs": "loop_us.median",
    "loop / raw rate": "ratio",
    "frame to decision µs": "latency_us.median",
    "its p99": "latency_us.p99",
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
    return document


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
