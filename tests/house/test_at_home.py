"""Our files in other people's programs: MediaPipe opens one as it is, and says the same of it.

Both are shown prepared pictures. MediaPipe shrinks larger ones itself, bilinearly and so with
aliases, and then differs from us the more the further it shrinks. On 200 photographs some 400
pixels wide it named another class for none with a network for cats and dogs at 224 × 224, and for
73 with one for CIFAR-10 at 32 × 32 (version 1.2.2).
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galago.bundle.classifier import Classifier
from galago.bundle.image import read_image
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import Pixels, preprocess
from tests.conftest import write_dataset
from tests.house.environments import Environment

PHOTOGRAPHS = 50
TRAINING_EACH, TEST_EACH = 60, 20

# What is asked of MediaPipe: the pictures as they are, one answer per class, and its own reader's
# view of the metadata. The arguments are the model file and an .npz of pictures.
ASK = """
import json, sys
import mediapipe, numpy
from mediapipe.tasks.python import BaseOptions, vision

path, pictures = sys.argv[1:]
options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=path))
answers = []
with vision.ImageClassifier.create_from_options(options) as classifier:
    for picture in numpy.load(pictures).values():
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture)
        (head,) = classifier.classify(image).classifications
        answers.append([[seen.category_name, seen.score] for seen in head.categories])
json.dump(answers, sys.stdout)
"""

READ = """
import json, sys
from mediapipe.tasks.metadata import metadata_schema_py_generated as schema

with open(sys.argv[1], "rb") as file:
    content = file.read()
assert schema.ModelMetadata.ModelMetadataBufferHasIdentifier(content, 0)
tree = schema.ModelMetadataT.InitFromPackedBuf(content)
plain = lambda node: node.decode() if isinstance(node, bytes) else (
    node.tolist() if hasattr(node, "tolist") else vars(node))
json.dump(vars(tree), sys.stdout, default=plain)
"""


@pytest.fixture(scope="module")
def photographs(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few of the CIFAR-10 photographs: train/ and test/ with ten classes each."""
    folder = tmp_path_factory.mktemp("photographs")
    with zipfile.ZipFile(shared / "data" / "cifar10.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        for each, part in ((TRAINING_EACH, "train"), (TEST_EACH, "test")):
            taken: dict[str, int] = {}
            for name in names:
                _, found, label, _ = name.split("/")
                if found == part and taken.setdefault(label, 0) < each:
                    taken[label] += 1
                    archive.extract(name, folder)
    return folder / "cifar10"


@pytest.fixture(scope="module")
def model(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that has seen the photographs for a moment, converted. It need not be good."""
    from galago.convert.convert import convert
    from galago.convert.gate import Limits
    from galago.convert.origin import from_run
    from galago.convert.trial import Wanted
    from galago.train.recipe import Settings
    from galago.train.training import train

    folder = tmp_path_factory.mktemp("at home")
    train(photographs, folder / "run", Settings("cnn", size=32, epochs=4, batch_size=32))
    wanted = Wanted(limits=Limits(100, 100), author="Ada Lovelace", version="1.2")
    out = folder / "photographs.tflite"
    assert convert(from_run(folder / "run"), out, wanted).passed
    return out


@pytest.fixture(scope="module")
def frames(photographs: Path) -> list[Pixels]:
    """Photographs that the network has not learnt from, of all classes."""
    paths = sorted((photographs / "test").glob("*/*"))
    return [read_image(path) for path in paths[:: len(paths) // PHOTOGRAPHS]][:PHOTOGRAPHS]


def ask(mediapipe: Environment, model: Path, pictures: list[Pixels], folder: Path) -> Any:
    np.savez(folder / "pictures.npz", *pictures)
    done = mediapipe.run("-c", ASK, model, folder / "pictures.npz", cwd=folder)
    missing = "cannot open shared object file"
    if missing in done.stderr:
        line = next(line for line in done.stderr.splitlines() if missing in line)
        pytest.skip(f"MediaPipe lacks a system library: {line.strip()}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_mediapipe_gives_the_same_top_class(
    mediapipe: Environment, model: Path, frames: list[Pixels], tmp_path: Path
) -> None:
    """Fifty photographs, prepared alike: MediaPipe names the class that Galago names, every time.

    The label comes from the file, and so does the order of all classes and the score of each.
    """
    classifier = Classifier.open(ModelFile.read(model))
    pictures = [preprocess(frame, classifier.spec) for frame in frames]
    answers = ask(mediapipe, model, pictures, tmp_path)
    assert len(answers) == PHOTOGRAPHS
    assert len({answer[0][0] for answer in answers}) >= 5
    step = classifier.interpreter.output.scale
    for picture, answer in zip(pictures, answers, strict=True):
        scores = dict(zip(classifier.labels, classifier.classify(picture), strict=True))
        name, best = answer[0]
        assert scores[name] == max(scores.values())
        assert best == pytest.approx(scores[name], abs=4 * step)
        assert {name for name, _ in answer} == set(classifier.labels)


def test_mediapipe_takes_two_classes_of_a_single_unit(
    mediapipe: Environment, tmp_path: Path
) -> None:
    """It refuses one output for two labels; a converted file has a score for each."""
    from galago.convert.convert import convert
    from galago.convert.elsewhere import from_keras
    from galago.convert.gate import Limits
    from galago.convert.trial import Wanted
    from galago.train.tensorflow import keras

    data = write_dataset(tmp_path / "two", ("circle", "square"), each=20)
    image = keras.Input((32, 32, 3))
    unit = keras.layers.Dense(1, "sigmoid")(keras.layers.AveragePooling2D(32)(image / 255))
    keras.Model(image, keras.layers.Flatten()(unit)).save(tmp_path / "net.keras")
    out = tmp_path / "two.tflite"
    wanted = Wanted(limits=Limits(100, 100))
    assert convert(from_keras(tmp_path / "net.keras", data), out, wanted).passed
    frames = [read_image(path) for path in sorted(data.glob("*/*"))[::8]]
    classifier = Classifier.open(ModelFile.read(out))
    pictures = [preprocess(frame, classifier.spec) for frame in frames]
    for picture, answer in zip(pictures, ask(mediapipe, out, pictures, tmp_path), strict=True):
        scores = dict(zip(classifier.labels, classifier.classify(picture), strict=True))
        step = classifier.interpreter.output.scale
        assert dict(answer) == pytest.approx(scores, abs=2 * step)


def test_mediapipes_reader_finds_the_metadata(
    mediapipe: Environment, model: Path, tmp_path: Path
) -> None:
    """What a program asks before it shows a picture: colour, range, labels, who made the model."""
    from galago.convert.flatbuffer import unpack
    from galago.convert.metadata import NAME

    parts = unpack(ModelFile.read(model).flatbuffer)
    (entry,) = [entry for entry in parts.metadata if entry.name == NAME]
    path = tmp_path / "metadata.bin"
    path.write_bytes(parts.buffers[entry.buffer].data.tobytes())
    done = mediapipe.run("-c", READ, path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["author"], found["version"]) == ("Ada Lovelace", "1.2")
    (graph,) = found["subgraphMetadata"]
    (image,), (scores,) = graph["inputTensorMetadata"], graph["outputTensorMetadata"]
    (normalization,) = image["processUnits"]
    assert image["content"]["contentProperties"]["colorSpace"] == 1  # RGB
    assert normalization["options"] == {"mean": [0.0], "std": [1.0]}
    assert image["stats"] == {"max": [255.0], "min": [0.0]}
    assert scores["stats"] == {"max": [1.0], "min": [0.0]}
    (labels,) = scores["associatedFiles"]
    assert (labels["name"], labels["type"]) == ("labels.txt", 2)  # TENSOR_AXIS_LABELS
