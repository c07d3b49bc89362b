"""Models of three kinds, the pictures that they are asked about, and two machines' answers.

compared = compare(pi, model, shown_to(model, photographs(shared)), folder)
print(compared.furthest)
"""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.schema_py_generated import BuiltinOperator
from numpy.typing import NDArray

from galago.bundle.image import read_image
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import Pixels, preprocess
from galago.cli import main
from galago.convert.flatbuffer import builtin_code, pack, unpack
from tests.arm64 import answers
from tests.arm64.userland import Userland
from tests.conftest import LABELS, draw

CIFAR_10 = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n"
PHOTOGRAPHS, DRAWN, NOISE = 40, 12, 40

Answers = Mapping[str, NDArray[Any]]


def adopt(shared: Path, folder: Path) -> dict[str, Path]:
    """Two classifiers that others have trained and quantized, as model files.

    MobileNet computes in bytes, as TensorFlow 1 had it; ResNet in int8.
    """
    (folder / "cifar.txt").write_text(CIFAR_10)
    guests = {
        "mobilenet": ("mobilenet_v1_0.25_128_quant", shared / "models/imagenet_labels.txt"),
        "resnet8": ("mlperf_tiny_resnet8_int8", folder / "cifar.txt"),
    }
    made = {}
    for name, (guest, labels) in guests.items():
        made[name] = folder / f"{name}.tflite"
        words = ("--labels", labels, "--images", shared / "models", "--out", made[name])
        code = main(["adopt", *map(str, (shared / f"models/{guest}.tflite", *words))])
        assert code == 0, f"galago adopt of {guest} has ended with {code}"
    return made


def body(model: Path, folder: Path) -> Path:
    """The same network without the SOFTMAX at its end: the logits go out."""
    tree = unpack(ModelFile.read(model).flatbuffer)
    (graph,) = tree.subgraphs
    codes = [builtin_code(entry) for entry in tree.operatorCodes]
    row = [codes[each.opcodeIndex] for each in graph.operators].index(BuiltinOperator.SOFTMAX)
    graph.outputs = [graph.operators[row].inputs[0]]
    graph.operators = graph.operators[:row]
    tree.signatureDefs = None
    path = folder / f"{model.stem} body.tflite"
    path.write_bytes(pack(tree))
    return path


def photographs(shared: Path, folder: Path) -> list[Pixels]:
    """Cats, dogs, and two large ones."""
    with zipfile.ZipFile(shared / "data" / "cats-dogs.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        taken = names[:: len(names) // PHOTOGRAPHS]
        paths = [Path(archive.extract(name, folder)) for name in taken]
    return [read_image(path) for path in (*sorted((shared / "models").glob("*.jpg")), *paths)]


def shown_to(model: Path, those: list[Pixels]) -> dict[str, Pixels]:
    """Photographs and drawings as frames; the same prepared for the model; noise; black, white."""
    spec = ModelFile.read(model).manifest.preprocess
    random = np.random.default_rng(20)
    frames = [*those, *(draw(LABELS[seed % 3], seed) for seed in range(DRAWN))]
    size = (spec.height, spec.width, 3)
    pictures = [preprocess(frame, spec) for frame in frames]
    pictures += [random.integers(0, 256, size, np.uint8) for _ in range(NOISE)]
    pictures += [np.full(size, level, np.uint8) for level in (0, 255)]
    return {
        f"{name}{number}": pixels
        for name, several in (("frame", frames), ("picture", pictures))
        for number, pixels in enumerate(several)
    }


def only(what: str, shown: dict[str, Pixels]) -> dict[str, Pixels]:
    """The frames, or the pictures."""
    return {name: pixels for name, pixels in shown.items() if name.startswith(what)}


@dataclass(frozen=True)
class Compared:
    """What two machines made of the same."""

    here: Answers
    there: Answers

    @property
    def different(self) -> list[str]:
        """Whatever is not the same to the last byte, type and shape included."""
        return [
            name
            for name, one in self.here.items()
            if (one.dtype, one.shape, one.tobytes())
            != (self.there[name].dtype, self.there[name].shape, self.there[name].tobytes())
        ]

    @property
    def furthest(self) -> int:
        """The largest difference of any raw value."""
        return max(
            int(np.abs(one.astype(np.int32) - self.there[name]).max())
            for name, one in self.here.items()
        )

    def furthest_score(self, scores: Callable[[NDArray[Any]], NDArray[np.float32]]) -> float:
        """The largest difference of any score, 0–1."""
        return max(
            float(np.abs(scores(one) - scores(self.there[name])).max())
            for name, one in self.here.items()
        )

    @property
    def agreement(self) -> float:
        """The share with the same top class."""
        same = [one.argmax() == self.there[name].argmax() for name, one in self.here.items()]
        return float(np.mean(same))


def compare(pi: Userland, model: Path, shown: dict[str, Pixels], folder: Path) -> Compared:
    """Have this machine and that one answer."""
    np.savez(folder / "shown.npz", **shown)  # type: ignore[arg-type]
    script = folder / "answers.py"
    script.write_text(Path(answers.__file__).read_text())
    done = pi.run(script, model, folder / "shown.npz", folder / "out.npz")
    assert done.returncode == 0, done.stderr
    return Compared(answers.answer(model, shown), dict(np.load(folder / "out.npz")))
