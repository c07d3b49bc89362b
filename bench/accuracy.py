"""How good the models get that `galago train` makes, on real photographs and on CIFAR-10.

    python bench/accuracy.py [SHARED] CASE [--out DIR]

CASE is one of these; each is one command as a user would type it, its test pictures looked at once.

- transfer: cats-dogs, mobilenet_v2 width 0.35 with ImageNet weights.
- few: the same with 25 training photographs per class, three random picks.
- scratch: cats-dogs, resnet8 without weights, 28 minutes.
- cifar: CIFAR-10, resnet8, 70 minutes.
"""

import argparse
import csv
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from galago.train.data.source import find
from machine import describe

EACH = 25


def train(data: Path, out: Path, *options: object) -> dict[str, Any]:
    """Run `galago train --json`; its document, and the seconds it took."""
    words = ["train", data, "--out", out, *options, "--json"]
    print("galago", " ".join(map(str, words)), flush=True)
    began = time.perf_counter()
    command = [sys.executable, "-P", "-m", "galago.cli", *map(str, words)]
    document = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {**document, "seconds": time.perf_counter() - began}


def tell(document: dict[str, Any]) -> None:
    """One line of figures."""
    low, high = document["accuracy_interval"]
    calibration, unknown = document["calibration"], document["unknown"]
    print(
        f"accuracy {document['accuracy']:.2%} ({low:.2%}–{high:.2%} with 95 % certainty, "
        f"n {document['n']}) after {document['seconds'] / 60:.1f} min; calibration error "
        f"{calibration['ece_before']:.2%}, corrected {calibration['ece_after']:.2%}; answers "
        f"{unknown['coverage']:.1%}, {unknown['precision']:.2%} of them rightly",
        flush=True,
    )


def pick(data: Path, target: Path, seed: int) -> Path:
    """A manifest of EACH training pictures per class, as many for val, and all of test."""
    listing = find(data)
    dice = random.Random(seed)  # noqa: S311 - a sample, not a secret
    rows = []
    for label in listing.labels:
        paths = {
            split: [e.path for e in listing.entries if (e.label, e.split) == (label, split)]
            for split in ("train", "test")
        }
        # A person with 25 pictures has no others to validate with: 20 teach, 5 judge.
        chosen = dice.sample(paths["train"], EACH)
        rows += [(path, label, "train") for path in chosen[:20]]
        rows += [(path, label, "val") for path in chosen[20:]]
        rows += [(path, label, "test") for path in paths["test"]]
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        writer.writerows(rows)
    return target


def main() -> None:
    """Run one case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", nargs="?", type=Path, default=Path("../shared"))
    parser.add_argument("case", choices=("transfer", "few", "scratch", "cifar"))
    parser.add_argument("--out", type=Path, help="Keep the runs here.")
    options = parser.parse_args()
    cats, cifar = (options.shared / "data" / f"{name}.zip" for name in ("cats-dogs", "cifar10"))
    weights = next((options.shared / "weights").glob("mobilenet_v2_0.35_*.h5"))
    given = ("--model", "mobilenet_v2", "--width", 0.35, "--weights", weights)
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        out = options.out or Path(name)
        if options.case == "transfer":
            tell(train(cats, out / "transfer", *given))
        elif options.case == "scratch":
            changed = ("--size", 48, "--augment", "strong", "--epochs", 400, "--patience", 400)
            budget = ("--time-budget", "28m")
            tell(train(cats, out / "scratch", "--weights", "none", *changed, *budget))
        elif options.case == "cifar":
            tell(train(cifar, out / "cifar", "--model", "resnet8", "--time-budget", "70m"))
        else:
            documents = []
            for seed in range(3):
                manifest = pick(cats, Path(name) / f"{seed}.csv", seed)
                documents.append(train(manifest, out / f"few{seed}", *given, "--seed", seed))
                tell(documents[-1])
            accuracies = [document["accuracy"] for document in documents]
            print(f"mean {statistics.mean(accuracies):.2%}, lowest {min(accuracies):.2%}")


if __name__ == "__main__":
    main()
