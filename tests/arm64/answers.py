"""What becomes of pictures on whatever processor this runs.

    python answers.py MODEL.tflite SHOWN.npz OUT.npz

SHOWN holds frames as cameras give them, (H, W, 3) uint8 RGB each, under the names frame…, and
prepared pictures, (h, w, 3) uint8 RGB, under the names picture…. OUT gets the frames as they are
prepared here, and the network's raw outputs for the pictures, under the same names. A flatbuffer
that is no model file of ours will do where there are no frames.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galago.bundle.interpreter import Interpreter
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import Pixels, preprocess


def answer(model: Path, shown: Mapping[str, Pixels]) -> dict[str, NDArray[Any]]:
    """Prepare the frames, ask the network about the pictures."""
    interpreter = Interpreter(model.read_bytes())
    made = {}
    for name, pixels in shown.items():
        if name.startswith("frame"):
            made[name] = preprocess(pixels, ModelFile.read(model).manifest.preprocess)
        else:
            interpreter.write(pixels)
            made[name] = interpreter.invoke()
    return made


if __name__ == "__main__":
    network, shown, out = map(Path, sys.argv[1:])
    np.savez(out, **answer(network, np.load(shown)))  # type: ignore[arg-type]
