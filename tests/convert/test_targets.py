"""Model files for other programs: what lies beside them, and whether the programs would take them.

`RpicamStage` and `Frigate` are our reading of these programs' sources, rule by rule as noted in
galago.convert.targets; they are not the programs, which need a Pi's camera and a video recorder.
"""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from galago.bundle.interpreter import Interpreter
from galago.bundle.preprocess import Pixels
from galago.convert.targets import TARGETS, write_companions
from galago.errors import UsageError
from tests.conftest import LABELS, draw

RPICAM, FRIGATE = TARGETS["rpicam-apps"], TARGETS["frigate"]


class RpicamStage:
    """rpicam-apps' `object_classify_tf`, as we read it; refuses with RuntimeError, as it does."""

    def __init__(self, configuration: Path) -> None:
        stages = json.loads(configuration.read_text())
        stage = stages["object_classify_tf"]
        self.lores = stages["rpicam-apps"]["lores"]
        self.high = stage["threshold_high"]
        self.interpreter = Interpreter((configuration.parent / stage["model_file"]).read_bytes())
        if self.interpreter.input.dtype not in (np.uint8, np.float32):
            raise RuntimeError("TfStage: Input tensor data type not supported")
        if np.prod(self.interpreter.input.shape) != 224 * 224 * 3:
            raise RuntimeError("TfStage: Input tensor size mismatch")
        lines = (configuration.parent / stage["labels_file"]).read_text()
        self.labels = lines.removesuffix("\n").split("\n")
        if self.interpreter.output.shape[-1] != len(self.labels):
            raise RuntimeError("ObjectClassifyTfStage: Label count mismatch")
        if self.interpreter.output.dtype != np.uint8:
            raise RuntimeError("the output is read as uint8 whatever it is")

    def look(self, view: Pixels) -> dict[str, float]:
        """Labels shown on a picture, as the picture shows them, with their scores."""
        lores = cv2.resize(view, (self.lores["width"], self.lores["height"]))
        top, left = ((side - 224) // 2 & ~1 for side in lores.shape[:2])
        self.interpreter.write(lores[top : top + 224, left : left + 224].astype(np.uint8))
        scores = self.interpreter.invoke() / 255.0
        return {
            self.labels[index][self.labels[index].find(":") + 1 :].split(",")[0]: score
            for index, score in enumerate(scores)
            if score >= self.high
        }


class Frigate:
    """Frigate's custom classification, as we read it."""

    def __init__(self, model_cache: Path, name: str) -> None:
        self.interpreter = Interpreter((model_cache / name / "model.tflite").read_bytes())
        lines = (model_cache / name / "labelmap.txt").read_text().splitlines()
        self.labels = dict(enumerate(line.strip() for line in lines))

    def look(self, cut_out: Pixels) -> tuple[str, float]:
        """The best label and its score."""
        resized: Any = cv2.resize(cut_out, (224, 224))
        if self.interpreter.input.dtype != resized.dtype:
            raise ValueError("Cannot set tensor: Got value of type UINT8")
        self.interpreter.write(resized)
        values = self.interpreter.invoke()
        shares = values / values.sum(axis=0)
        best = int(np.argmax(shares))
        return self.labels[best], round(float(shares[best]), 2)


def convert_to(folder: Path, side: int = 224, io: str = "uint8") -> Path:
    """A small network for `side` × `side` pictures, which knows the drawn shapes' labels."""
    from galago.convert.quantize import RECIPES, quantize
    from galago.train.models import build
    from galago.train.tensorflow import keras

    keras.utils.set_random_seed(7)
    network = build("cnn", (side, side), len(LABELS), width=0.25).model
    pixels = np.random.default_rng(1).integers(0, 256, (4, side, side, 3), np.uint8)
    path = folder / "porch.tflite"
    path.write_bytes(quantize(network, RECIPES["int8"], pixels, io))  # type: ignore[arg-type]
    return path


@pytest.fixture(scope="module")
def porch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of the size that both programs want."""
    return convert_to(tmp_path_factory.mktemp("targets"))


def answer(model: Path, picture: Pixels) -> tuple[str, float]:
    interpreter = Interpreter(model.read_bytes())
    interpreter.write(cv2.resize(picture, (224, 224)).astype(np.uint8))
    scores = interpreter.invoke() / 256
    return LABELS[int(scores.argmax())], float(scores.max())


def test_rpicam_apps_stage_takes_the_file_and_shows_its_label(porch: Path) -> None:
    """By our reading of the stage's source, it loads the three files and shows the best label."""
    configuration, labels = write_companions(RPICAM, porch, LABELS)
    assert configuration == porch.with_name("porch.json")
    assert labels == porch.with_name("porch.labels.txt")
    stage = RpicamStage(configuration)
    stage.high = 0.0
    picture = draw("circle", 3)
    shown = stage.look(picture)
    assert set(shown) == set(LABELS)
    best, score = answer(porch, picture)
    assert max(shown, key=lambda label: shown[label]) == best
    assert shown[best] == pytest.approx(score, abs=0.01)


@pytest.mark.parametrize(
    ("side", "io", "labels", "complaint"),
    [
        (96, "uint8", LABELS, "size mismatch"),
        (224, "int8", LABELS, "not supported"),
        (224, "uint8", LABELS[:2], "Label count mismatch"),
    ],
)
def test_rpicam_apps_stage_refuses_what_is_not_made_for_it(
    tmp_path: Path, side: int, io: str, labels: tuple[str, ...], complaint: str
) -> None:
    """By the same reading, no other size, type or label file would be taken."""
    model = convert_to(tmp_path, side, io)
    configuration, _ = write_companions(RPICAM, model, labels)
    with pytest.raises(RuntimeError, match=complaint):
        RpicamStage(configuration)


@pytest.mark.parametrize(("crop", "keeps_proportions"), [("none", False), ("centre", True)])
def test_rpicam_apps_sees_the_view_that_the_model_was_trained_on(
    porch: Path, crop: Any, keeps_proportions: bool
) -> None:
    """The low-resolution stream is the model's size, squeezed or cut as the training pictures."""
    configuration, _ = write_companions(RPICAM, porch, LABELS, crop)
    lores = json.loads(configuration.read_text())["rpicam-apps"]["lores"]
    assert (lores["height"], lores["width"]) == RPICAM.size
    assert lores["par"] is keeps_proportions


def test_frigate_finds_model_and_labels_in_its_layout(porch: Path) -> None:
    """By our reading of Frigate's source, the folder goes into its model cache as it is."""
    labels, model = write_companions(FRIGATE, porch, LABELS)
    assert labels == porch.parent / "porch" / "labelmap.txt"
    assert model.read_bytes() == porch.read_bytes()
    picture = draw("square", 5)
    best, score = answer(porch, picture)
    seen, share = Frigate(porch.parent, "porch").look(picture)
    assert seen == best
    assert share == pytest.approx(score, abs=0.02)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("label", ["cat ", "cat\nor dog"])
def test_labels_that_would_change_are_refused(porch: Path, target: str, label: str) -> None:
    """A label that the program would read as another is one clear line, and nothing is written."""
    model = porch.with_name("other.tflite")
    model.write_bytes(b"")
    with pytest.raises(UsageError, match=f"{target} cannot show the label"):
        write_companions(TARGETS[target], model, (label, "dog"))
    assert [path.name for path in porch.parent.glob("other*")] == ["other.tflite"]


@pytest.mark.parametrize("label", ["n01: cat", "cat, tabby"])
def test_rpicam_apps_would_cut_labels(porch: Path, label: str) -> None:
    """It shows what is between the first colon and the first comma; Frigate shows all."""
    with pytest.raises(UsageError, match="with ':' or ',' in it"):
        write_companions(RPICAM, porch, (label, "dog"))
    write_companions(FRIGATE, porch, (label, "dog"))
