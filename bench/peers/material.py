"""What all peers are given: the clip, its frames, and the models.

- Everything is drawn and trained here, from nothing, and kept in .cache/peers.
- The clip is the drawn sample's, enlarged to 640 × 480; the frames in memory are what a decoder
  makes of it, so both measures see the same pixels.
- The models are trained for a moment only: how good they are does not matter to the clock.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import preprocess

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".cache" / "peers"

SIZE = (640, 480)
EVERY = 6  # of the clip's frames, one in six is held in memory: 216 frames, 199 MB

_GALAGO = [sys.executable, "-P", "-m", "galago.cli"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is made; `model` as `galago train --model` takes it."""

    name: str
    model: str
    epochs: int


RECIPES = {
    64: Recipe("the tutorial's cnn", "cnn", 3),
    96: Recipe("MobileNet v1 0.25", "peers.networks:mobilenet_v1", 16),
    128: Recipe("MobileNet v1 0.25", "peers.networks:mobilenet_v1", 16),
    224: Recipe("MobileNetV2 1.0", "peers.networks:mobilenet_v2", 4),
}


@dataclass(frozen=True, slots=True)
class Model:
    """One network, converted and as it was, and its classes in lines of "index name"."""

    name: str
    tflite: Path
    keras: Path
    labels: Path


def sample() -> Path:
    """The drawn sample's folder."""
    folder = CACHE / "sample"
    if not (folder / "clip.json").exists():
        _galago("sample", folder)
    return folder


def clip() -> Path:
    """The sample's clip as a video of 640 × 480."""
    path = CACHE / "clip.mp4"
    if not path.exists():
        unfinished = path.with_name("unfinished.mp4")
        source = cv2.VideoCapture(str(sample() / "clip.mp4"))
        writer = cv2.VideoWriter(
            str(unfinished),
            cv2.VideoWriter.fourcc(*"mp4v"),
            source.get(cv2.CAP_PROP_FPS),
            SIZE,
        )
        for bgr in _frames(source):
            writer.write(cv2.resize(bgr, SIZE, interpolation=cv2.INTER_CUBIC))
        writer.release()
        unfinished.rename(path)
    return path


def frames() -> Path:
    """Frames of the clip from its start to its end, (n, 480, 640, 3) uint8 RGB, as a .npy."""
    path = CACHE / "frames.npy"
    if not path.exists():
        decoded = _frames(cv2.VideoCapture(str(clip())))
        kept = [
            cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
            for number, bgr in enumerate(decoded)
            if number % EVERY == 0
        ]
        np.save(path, np.stack(kept))
    return path


@cache  # for one run only: what was kept of an older one may be of older preprocessing
def prepared(size: int) -> Path:
    """The same frames as Galago shrinks them for the network of this size, (n, h, w, 3) uint8."""
    path = CACHE / f"frames-{size}.npy"
    spec = ModelFile.read(model(size).tflite).manifest.preprocess
    np.save(path, np.stack([preprocess(frame, spec) for frame in np.load(frames())]))
    return path


def model(size: int) -> Model:
    """The network for this size of input, trained and converted where it is missing."""
    recipe = RECIPES[size]
    run, tflite, labels = CACHE / f"run-{size}", CACHE / f"{size}.tflite", CACHE / f"{size}.txt"
    if not tflite.exists():
        words = ["--model", recipe.model, "--size", size, "--epochs", recipe.epochs]
        words += ["--weights", "none", "--batch-size", 16, "--augment", "none", "--force"]
        _galago("train", sample() / "images", "--out", run, *words)
        # However bad a hasty network is, and whatever int8 costs it: its speed is wanted.
        _galago("convert", run, "--out", tflite, "--max-drop", 100, "--max-class-drop", 100)
    names = ModelFile.read(tflite).manifest.labels
    labels.write_text("".join(f"{index} {name}\n" for index, name in enumerate(names)))
    return Model(recipe.name, tflite, run / "model.keras", labels)


def _galago(*words: object) -> None:
    # From bench/, so that the networks beside this file can be named.
    command = [*_GALAGO, *map(str, words)]
    subprocess.run(command, check=True, cwd=REPOSITORY / "bench", stdout=sys.stderr)


def _frames(video: cv2.VideoCapture) -> Iterator[NDArray[Any]]:
    """All frames of a video, (H, W, 3) uint8 BGR."""
    while True:
        found, bgr = video.read()
        if not found:
            video.release()
            return
        yield bgr
