"""Ten SIGKILLs at random moments of a training, each followed by --resume: is it the same run?

    python bench/resume.py [--kills 10] [--seed 0]

Trains resnet8 on the drawn sample, with augmentation, once undisturbed and once killed again and
again; compares metrics.json and the weights.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from galago.train.run_folder import Run
from galago.train.sample import write_sample
from machine import describe

OPTIONS = ["--model", "resnet8", "--size", "32", "--epochs", "40", "--augment", "strong"]


def command(data: Path, out: Path, *more: str) -> list[str]:
    """A training as a user would start it."""
    words = [sys.executable, "-P", "-m", "galago.cli", "train", str(data), "--out", str(out)]
    return [*words, *OPTIONS, *more]


def undisturbed(words: list[str], folder: Path) -> tuple[float, float]:
    """Seconds until the first checkpoint, and until the end."""
    began = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        while not (folder / "whole.checkpoint").exists() and child.poll() is None:
            time.sleep(0.05)
        start_s = time.perf_counter() - began
        if child.wait() != 0:
            raise SystemExit("the undisturbed run failed")
    return start_s, time.perf_counter() - began


def main() -> None:
    """Print when it was killed, how far it was, and whether the results are equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dice = random.Random(options.seed)  # noqa: S311 - moments, not secrets
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = write_sample(folder / "sample", seed=options.seed).images
        start_s, whole_s = undisturbed(command(data, folder / "whole"), folder)
        print(
            f"undisturbed: {whole_s:.0f} s, {start_s:.0f} s of them until the first epoch was done"
        )
        for kill in range(options.kills):
            # From before the first batch on; all together nearly as long as the whole run.
            after_s = dice.uniform(0.3 * start_s, start_s + 0.16 * (whole_s - start_s))
            with subprocess.Popen(
                command(data, folder / "killed", "--resume"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            ) as child:
                try:
                    child.communicate(timeout=after_s)
                    print(f"kill {kill + 1}: it had ended before")
                    break
                except subprocess.TimeoutExpired:
                    child.kill()
                lines = child.communicate()[1].splitlines()
                epochs = [line for line in lines if "val_accuracy" in line]
            print(
                f"kill {kill + 1} after {after_s:.1f} s, {len(epochs)} epochs further", flush=True
            )
        if not (folder / "killed").exists():
            last = command(data, folder / "killed", "--resume")
            subprocess.run(last, check=True, capture_output=True)
        runs = [Run.read(folder / part) for part in ("whole", "killed")]
        figures = [json.loads((run.folder / "metrics.json").read_text()) for run in runs]
        weights = [run.load_model().get_weights() for run in runs]
        same = all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
        left = sorted(path.name for path in folder.iterdir())
        print(
            f"metrics.json equal: {figures[0] == figures[1]}; weights equal: {same}; left: {left}"
        )


if __name__ == "__main__":
    main()
