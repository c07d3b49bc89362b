"""Images per second of whole epochs after the first: Galago's cache, memory, and Keras' own loader.

    python bench/throughput.py [SHARED] [--epochs 3] [--rounds 3] [--pictures 512]

The same network on as many photographs in the same process, turn by turn, so that other work on the
machine falls on all ways alike; none augments.

- cache: Galago's feed, from the memory-mapped cache of prepared pictures.
- memory: the prepared pictures as one array given to `fit`, the most that a feed can reach.
- keras: `keras.utils.image_dataset_from_directory`, as tutorials have it, which decodes anew in
  every epoch.
"""

import argparse
import statistics
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from galago.bundle.preprocess import PreprocessSpec
from galago.train.data.dataset import Dataset
from galago.train.data.images import Images
from galago.train.feed import steps_per_epoch, training_feed
from galago.train.models import build
from galago.train.recipe import Facts, Recipe, Settings, choose
from galago.train.tensorflow import keras
from machine import describe

CASES = (("cnn", 64), ("resnet8", 96), ("mobilenet_v2", 160))


class Clock(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Seconds of every epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras' form
        """Keras calls this."""
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Keras calls this."""
        self.seconds.append(time.perf_counter() - self._began)


def some(images: Images, n: int) -> Images:
    """So many of them, evenly spread."""
    rows = np.linspace(0, len(images) - 1, n).astype(int)
    return images.take(rows)


def rates(
    data: Path, dataset: Dataset, recipe: Recipe, epochs: int, pictures: int
) -> dict[str, float]:
    """Images per second by each way, in one round."""
    train = some(dataset.splits["train"], pictures)
    pixels, targets = train.pixels, train.labels.astype(np.float32)[:, None]
    size = (recipe.preprocess.height, recipe.preprocess.width)
    folder = keras.utils.image_dataset_from_directory(
        data / "train",
        label_mode="binary",
        image_size=size,
        batch_size=recipe.batch_size,
        verbose=0,
    )
    ways: dict[str, tuple[int, dict[str, Any]]] = {
        "memory": (len(train), {"x": pixels, "y": targets, "batch_size": recipe.batch_size}),
        "cache": (
            steps_per_epoch(train, recipe) * min(recipe.batch_size, len(train)),
            {
                "x": training_feed(train, 2, recipe),
                "steps_per_epoch": steps_per_epoch(train, recipe),
                "shuffle": False,
            },
        ),
        "keras": (
            len(train),
            {"x": folder.take(len(train) // recipe.batch_size), "shuffle": False},
        ),
    }
    found = {}
    for way, (images, feed) in ways.items():
        model = build(recipe.model, size, 2, width=recipe.width).model
        model.compile("adam", "binary_crossentropy")
        clock = Clock()
        model.fit(**feed, epochs=epochs, verbose=0, callbacks=[clock])
        found[way] = images / statistics.median(clock.seconds[1:])
    return found


def main() -> None:
    """Print a row per network: images per second, and both ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", nargs="?", type=Path, default=Path("../shared"))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=512)
    options = parser.parse_args()
    print(describe())
    print("| network | memory | cache | keras loader | cache / memory | cache / keras loader |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        with zipfile.ZipFile(options.shared / "data" / "cats-dogs.zip") as archive:
            archive.extractall(name)
        data = Path(name) / "cats-dogs"
        for model, side in CASES:
            wish = Settings(model, size=side, weights="none", augment="none", batch_size=32)
            recipe, _ = choose(wish, Facts(1000, 1000, 224))
            dataset = Dataset.open(data, PreprocessSpec(side, side))
            rounds = [
                rates(data, dataset, recipe, options.epochs, options.pictures)
                for _ in range(options.rounds)
            ]
            mean = {way: statistics.mean(found[way] for found in rounds) for way in rounds[0]}
            print(
                f"| {model} {side} px | {mean['memory']:.0f} | {mean['cache']:.0f} "
                f"| {mean['keras']:.0f} | {mean['cache'] / mean['memory']:.2f} "
                f"| {mean['cache'] / mean['keras']:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
