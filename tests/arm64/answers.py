"""What a model makes of pictures, on whatever processor this runs.

    python answers.py MODEL.tflite SHOWN.npz OUT.npz

SHOWN holds frames as cameras give them, (H, W, 3) uint8 RGB each, under the names frame…, and
prepared pictures, (h, w, 3) uint8 RGB, under the names picture…. OUT gets the frames as they are
prepared here, and the model's raw outputs for the pictures, under the same names.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galago.bundle.classifier import Classifier
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import Pixels, preprocess


def answer(model: Path, shown: Mapping[str, Pixels]) -> dict[str, NDArray[Any]]:
    """Prepare the frames, ask the model about the pictures."""
    classifier = Classifier.open(ModelFile.read(model))
    made = {}
    for name, pixels in shown.items():
        if name.startswith("frame"):
            made[name] = preprocess(pixels, classifier.spec)
        else:
            classifier.interpreter.write(pixels)
            made[name] = classifier.interpreter.invoke().copy()
    return made


if __name__ == "__main__":
    model, shown, out = map(Path, sys.argv[1:])
    np.savez(out, **answer(model, np.load(shown)))  # type: ignore[arg-type]
