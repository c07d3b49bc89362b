"""A Pi's userlands, only where they are asked for, and the models that are tried in them."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.image import read_image
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import Pixels, preprocess
from galago.cli import main
from tests.arm64.root import Release, build, missing
from tests.arm64.userland import Processor, Userland
from tests.conftest import LABELS, draw
from tests.house.environments import build_wheel

ASKED_FOR = "GALAGO_ARM64"
CIFAR_10 = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n"
PHOTOGRAPHS, DRAWN, NOISE = 40, 12, 40

Enter = Callable[[Release, Processor], Userland]


@pytest.fixture(scope="session")
def enter(tmp_path_factory: pytest.TempPathFactory) -> Enter:
    """`enter(TRIXIE, PI_4)`: that system on that processor, which sees the tests' own files."""
    if lacking := missing():
        pytest.skip(f"no Pi's userland can be made here: {lacking}")
    if not os.environ.get(ASKED_FOR):
        pytest.skip("an emulated Pi takes minutes: run make test-arm64")
    folder = tmp_path_factory.getbasetemp()
    wheel = build_wheel(tmp_path_factory.mktemp("wheel"))
    return lambda release, pi: Userland(build(release), release, pi, wheel, folder)


@pytest.fixture(scope="session")
def adopted(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two classifiers that others have trained and quantized, as model files."""
    folder = tmp_path_factory.mktemp("adopted")
    (folder / "cifar.txt").write_text(CIFAR_10)
    guests = {
        "mobilenet": ("mobilenet_v1_0.25_128_quant", shared / "models/imagenet_labels.txt"),
        "resnet8": ("mlperf_tiny_resnet8_int8", folder / "cifar.txt"),
    }
    made = {}
    for name, (guest, labels) in guests.items():
        made[name] = folder / f"{name}.tflite"
        words = ("--labels", labels, "--images", shared / "models", "--out", made[name])
        assert main(["adopt", *map(str, (shared / f"models/{guest}.tflite", *words))]) == 0
    return made


@pytest.fixture(params=["shapes", "mobilenet", "resnet8"])
def model(request: pytest.FixtureRequest) -> Path:
    """A small convolutional network of ours, a uint8 MobileNet v1, an int8 ResNet."""
    if request.param == "shapes":
        path: Path = request.getfixturevalue("model_path")
        return path
    adopted: dict[str, Path] = request.getfixturevalue("adopted")
    return adopted[request.param]


@pytest.fixture(scope="session")
def photographs(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Pixels]:
    """Cats, dogs, and two large ones."""
    folder = tmp_path_factory.mktemp("photographs")
    with zipfile.ZipFile(shared / "data" / "cats-dogs.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        taken = names[:: len(names) // PHOTOGRAPHS]
        paths = [Path(archive.extract(name, folder)) for name in taken]
    return [read_image(path) for path in (*sorted((shared / "models").glob("*.jpg")), *paths)]


@pytest.fixture
def shown(model: Path, photographs: list[Pixels]) -> dict[str, Pixels]:
    """Photographs and drawings as frames; the same prepared for the model; noise; black, white."""
    spec = ModelFile.read(model).manifest.preprocess
    random = np.random.default_rng(20)
    frames = [*photographs, *(draw(LABELS[seed % 3], seed) for seed in range(DRAWN))]
    size = (spec.height, spec.width, 3)
    pictures = [preprocess(frame, spec) for frame in frames]
    pictures += [random.integers(0, 256, size, np.uint8) for _ in range(NOISE)]
    pictures += [np.full(size, level, np.uint8) for level in (0, 255)]
    return {
        f"{name}{number}": pixels
        for name, those in (("frame", frames), ("picture", pictures))
        for number, pixels in enumerate(those)
    }
