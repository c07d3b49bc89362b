"""A Pi's userlands, only where they are asked for, and the models that are tried in them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from galago.bundle.preprocess import Pixels
from tests.arm64 import material
from tests.arm64.root import Release, build, missing
from tests.arm64.userland import Processor, Userland
from tests.house.environments import build_wheel

ASKED_FOR = "GALAGO_ARM64"

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
    """Two classifiers that others have trained and quantized."""
    return material.adopt(shared, tmp_path_factory.mktemp("adopted"))


@pytest.fixture(scope="session", params=["shapes", "resnet8", "mobilenet"])
def model(request: pytest.FixtureRequest) -> Path:
    """A small convolutional network of ours, an int8 ResNet, a MobileNet that computes in bytes."""
    if request.param == "shapes":
        path: Path = request.getfixturevalue("model_path")
        return path
    adopted: dict[str, Path] = request.getfixturevalue("adopted")
    return adopted[request.param]


@pytest.fixture(scope="session")
def photographs(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Pixels]:
    """Cats, dogs, and two large ones."""
    return material.photographs(shared, tmp_path_factory.mktemp("photographs"))


@pytest.fixture
def shown(model: Path, photographs: list[Pixels]) -> dict[str, Pixels]:
    """Frames and prepared pictures; not the golden ones only."""
    return material.shown_to(model, photographs)
