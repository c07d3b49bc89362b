"""What conversion costs: accuracy, agreement, size, speed and time, run by run, recipe by recipe.

    python bench/conversion.py RUN... [--recipes]

RUN is a folder of `galago train`; those of bench/accuracy.py are kept with its --out. Every run is
converted by `galago convert --json` as a user would, and beside it by TensorFlow's own converter
with the same calibration pictures, which shows what Galago's ranges and rounding are worth. With
--recipes the other ways to store a network are measured too.
"""

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from galago.convert.gate import compare
from galago.convert.origin import from_run
from galago.convert.quantize import RECIPES
from galago.convert.trial import CALIBRATION_IMAGES, Subject, Wanted, balanced
from galago.noise import hushed
from galago.train.predict import predict_tflite
from galago.train.tensorflow import keras, tf
from machine import describe

WANTED = {"lost": 0.3, "agreement": 0.99, "size": 0.27}


def convert(run: Path, recipe: str) -> dict[str, Any]:
    """`galago convert --json`; its document, and the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["convert", run, "--recipe", recipe, "--out", Path(folder) / "x.tflite"]
        # Limits that nothing breaks: a figure is wanted, not a verdict.
        words += ["--max-drop", 100, "--max-class-drop", 100, "--json"]
        began = time.perf_counter()
        command = [sys.executable, "-P", "-m", "galago.cli", *map(str, words)]
        done = subprocess.run(command, check=True, capture_output=True)
        return {**json.loads(done.stdout), "seconds": time.perf_counter() - began}


def by_tensorflow(subject: Subject) -> tuple[float, float]:
    """Accuracy and agreement of what TFLiteConverter makes by itself from the same pictures."""
    origin, dataset = subject.origin, subject.dataset
    calibration = balanced(dataset.splits["train"], CALIBRATION_IMAGES, origin.seed)
    keras.utils.clear_session()
    image = keras.Input(batch_shape=(1, *origin.model.input_shape[1:]))
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, origin.model(image)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: samples(calibration.pixels)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    with hushed(), contextlib.redirect_stdout(io.StringIO()):
        flatbuffer = converter.convert()
    test = dataset.splits["test"]
    scores = predict_tflite(subject.open_classifier(flatbuffer), test)
    comparison = compare(subject.scores, scores, test.labels, origin.labels)
    return comparison.converted.accuracy, comparison.agreement


def samples(pixels: Any) -> Iterator[list[Any]]:
    """Black, white, and the pictures."""
    black = np.zeros_like(pixels[:1])
    for picture in np.concatenate([black, black + 255, pixels]):
        yield [picture[None].astype(np.float32)]


def tell(run: Path, recipe: str, document: dict[str, Any], theirs: str) -> None:
    """One row."""
    before, after = document["float"], document["converted"]
    (trial,) = document["trials"]
    print(
        f"| {run.name} | {recipe} | {before['accuracy']:.2%} | {after['accuracy']:.2%} "
        f"| {document['drop_points']:+.2f} | {document['agreement']:.2%} | {theirs} "
        f"| {before['bytes'] / 1e3:.0f} | {after['bytes'] / 1e3:.0f} "
        f"| {after['bytes'] / before['bytes']:.1%} "
        f"| {trial['float_microseconds'] / trial['microseconds']:.2f} "
        f"| {document['file_bytes'] / 1e3:.0f} | {document['seconds']:.0f} |",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--recipes", action="store_true", help="All of them, not int8 alone.")
    options = parser.parse_args()
    print(describe())
    print(f"wanted: {WANTED}")
    print(
        "| run | recipe | float | converted | points lost | same answer | TensorFlow's converter: "
        "accuracy, same answer | float kB | kB | of float | times as fast | file kB | s |"
    )
    print("|" + " --- |" * 13)
    for run in options.runs:
        for recipe in RECIPES if options.recipes else ("int8",):
            document = convert(run, recipe)
            theirs = "–"
            if recipe == "int8":
                accuracy, agreement = by_tensorflow(Subject.open(from_run(run), Wanted()))
                theirs = f"{accuracy:.2%}, {agreement:.2%}"
            tell(run, recipe, document, theirs)


if __name__ == "__main__":
    main()
