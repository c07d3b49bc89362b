"""The tutorial's network on real photographs: accuracy, cost of int8, agreement of the verbs.

    python bench/cats_dogs.py [SHARED] [--seeds 5]

SHARED holds data/cats-dogs.zip: train/ and test/ with 1000 photographs each of cat and dog. The
test photographs are looked at once per seed, after the weights have been chosen on val.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

from machine import describe

GALAGO = [sys.executable, "-P", "-m", "galago.cli"]


def galago(*arguments: object) -> Any:
    """Run a verb with --json and return its document."""
    command = [*GALAGO, *map(str, arguments), "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def one_seed(data: Path, folder: Path, seed: int) -> dict[str, Any]:
    """Train, convert, evaluate and classify once."""
    run, model = folder / f"run{seed}", folder / f"{seed}.tflite"
    start = time.perf_counter()
    trained = galago("train", data, "--out", run, "--model", "cnn", "--seed", seed)
    seconds = time.perf_counter() - start
    converted = galago("convert", run, "--out", model)
    evaluated = galago("evaluate", model, data)
    rows = galago("classify", model, data / "test")
    right = sum(row["label"] == Path(row["path"]).parent.name for row in rows)
    return {
        "seed": seed,
        "train_s": round(seconds, 1),
        "float": trained["accuracy"],
        "int8": converted["converted"]["accuracy"],
        "lost_points": 100 * (trained["accuracy"] - converted["converted"]["accuracy"]),
        "agreement": converted["agreement"],
        "evaluate": evaluated["accuracy"],
        "classify": right / len(rows),
        "bytes": converted["converted"]["bytes"],
    }


def main() -> None:
    """Print one row per seed and the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", nargs="?", type=Path, default=Path("../shared"))
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(describe())
    print("| seed | training s | float test | int8 test | lost | agreement | evaluate | classify |")
    print("|---|---|---|---|---|---|---|---|")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        with zipfile.ZipFile(options.shared / "data" / "cats-dogs.zip") as archive:
            archive.extractall(name)
        for seed in range(options.seeds):
            row = one_seed(Path(name) / "cats-dogs", Path(name), seed)
            rows.append(row)
            print(
                f"| {seed} | {row['train_s']} | {row['float']:.2%} | {row['int8']:.2%} "
                f"| {row['lost_points']:+.2f} | {row['agreement']:.2%} | {row['evaluate']:.2%} "
                f"| {row['classify']:.2%} |",
                flush=True,
            )
    accuracies = [row["float"] for row in rows]
    print(
        f"float: mean {statistics.mean(accuracies):.2%}, lowest {min(accuracies):.2%}; most lost "
        f"by int8: {max(row['lost_points'] for row in rows):+.2f} points"
    )


if __name__ == "__main__":
    main()
