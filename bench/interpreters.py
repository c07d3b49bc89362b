"""The three interpreters on one model: speed, and whether they give the same answers.

    python bench/interpreters.py MODEL.tflite PYTHON…

Each PYTHON is the interpreter of an environment with Galago in it: one with LiteRT, one with
tflite-runtime, as `make test` makes them in .cache/environments. The environment this program runs
in adds TensorFlow's own. They take turns, so that a busy machine disturbs all alike.
"""

import json
import statistics
import subprocess
import sys
from typing import Any

from machine import describe

ROUNDS = 3


def measure(python: str, model: str, *options: str) -> tuple[dict[str, Any], float]:
    """The verification, and the raw time of one picture in microseconds."""
    galago = [python, "-P", "-m", "galago.cli"]
    documents = [
        json.loads(subprocess.run([*galago, *words], check=True, stdout=subprocess.PIPE).stdout)
        for words in (
            ["verify", model, "--json", *options],
            ["bench", model, "--threads", "1", "--json", *options],
        )
    ]
    return documents[0], documents[1]["raw_us"]["median"]


def main() -> None:
    """Print a table."""
    model, *pythons = sys.argv[1:]
    subjects: list[tuple[str, tuple[str, ...]]] = [(python, ()) for python in pythons]
    subjects.append((sys.executable, ("--interpreter", "tensorflow")))
    verifications: dict[str, dict[str, Any]] = {}
    times: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for python, options in subjects:
            verification, raw_us = measure(python, model, *options)
            verifications[verification["interpreter"]] = verification
            times.setdefault(verification["interpreter"], []).append(raw_us)
    print(describe())
    print("| interpreter | one picture | accelerated | bit for bit | furthest score | same class |")
    print("|---|---|---|---|---|---|")
    for name, seen in verifications.items():
        print(
            f"| {name} | {statistics.median(times[name]):.0f} µs | {seen['accelerated']} "
            f"| {seen['exact']} | {seen['worst_steps']}/256 | {seen['agreement']:.0%} |"
        )


if __name__ == "__main__":
    main()
