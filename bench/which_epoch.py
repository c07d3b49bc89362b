"""Which epoch's weights to keep: lowest val loss, highest val accuracy, or simply the last.

    python bench/which_epoch.py [SHARED] [--seeds 4]

Chosen on pairs of classes of CIFAR-10, 1000 training pictures each, so that the photographs which
docs/benchmarks.md reports on have no part in the choice.
"""

import argparse
import statistics
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from galago.bundle.preprocess import PreprocessSpec
from galago.train.data.dataset import Dataset
from galago.train.models import build
from galago.train.predict import predict_keras
from galago.train.tensorflow import keras
from machine import describe

PAIRS = (("cat", "dog"), ("airplane", "bird"), ("deer", "horse"))
EACH = 1000


def pick(archive: zipfile.ZipFile, pair: tuple[str, str], root: Path) -> Path:
    """Write EACH pictures of both classes and splits below `root`."""
    for split in ("train", "test"):
        for label in pair:
            folder = f"/{split}/{label}/"
            names = sorted(name for name in archive.namelist() if folder in name)
            (root / split / label).mkdir(parents=True)
            for name in [name for name in names if not name.endswith("/")][:EACH]:
                (root / split / label / Path(name).name).write_bytes(archive.read(name))
    return root


def test_accuracies(data: Path, seed: int) -> dict[str, float]:
    """Train once; the accuracy on test of each rule's epoch."""
    images = Dataset.open(data, PreprocessSpec(64, 64), seed=seed, grouped=False).splits
    targets = {name: part.labels.astype("float32")[:, None] for name, part in images.items()}
    keras.utils.set_random_seed(seed)
    model = build("cnn", (64, 64), 2).model
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    on_test: list[float] = []

    def look(*_: object) -> None:
        predicted = predict_keras(model, images["test"].pixels).argmax(axis=1)
        on_test.append(float(np.mean(predicted == images["test"].labels)))

    history = model.fit(
        images["train"].pixels,
        targets["train"],
        validation_data=(images["val"].pixels, targets["val"]),
        epochs=10,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=look)],
    ).history
    return {
        "lowest val loss": on_test[int(np.argmin(history["val_loss"]))],
        "highest val accuracy": on_test[int(np.argmax(history["val_accuracy"]))],
        "last": on_test[-1],
    }


def main() -> None:
    """Print the mean over the seeds for each pair and rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", nargs="?", type=Path, default=Path("../shared"))
    parser.add_argument("--seeds", type=int, default=4)
    options = parser.parse_args()
    print(describe())
    print("| classes | lowest val loss | highest val accuracy | last |\n|---|---|---|---|")
    with zipfile.ZipFile(options.shared / "data" / "cifar10.zip") as archive:
        for pair in PAIRS:
            with tempfile.TemporaryDirectory() as name:
                data = pick(archive, pair, Path(name) / "pair")
                rows = [test_accuracies(data, seed) for seed in range(options.seeds)]
            means = [f"{statistics.mean(row[rule] for row in rows):.2%}" for rule in rows[0]]
            print(f"| {', '.join(pair)} | {' | '.join(means)} |", flush=True)


if __name__ == "__main__":
    main()
