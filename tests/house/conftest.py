"""The wheel, and the environments that it is tried in."""

import sys
from pathlib import Path

import pytest

from galago.bundle.image import write_image
from galago.bundle.model_file import ModelFile
from tests.house.environments import Environment, bare, build_wheel, find_python, locked


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, built."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def workstation() -> Environment:
    """The environment that the tests themselves run in."""
    return Environment(Path(sys.executable))


@pytest.fixture(scope="session")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel and nothing else; tests lend it packages through PYTHONPATH."""
    return bare(tmp_path_factory.mktemp("environments") / "fresh", wheel)


@pytest.fixture(scope="session")
def edge(wheel: Path) -> Environment:
    """A camera's environment."""
    return locked("edge", Path(sys.executable), wheel)


@pytest.fixture(scope="session")
def tflite_runtime(wheel: Path) -> Environment:
    """A camera's environment with the fallback interpreter, which ends with Python 3.11."""
    return locked("tflite-runtime", find_python("3.11"), wheel)


@pytest.fixture(scope="session")
def bookworm(wheel: Path) -> Environment:
    """That of a Pi with Debian 12, where numpy is older than 2."""
    return locked("bookworm", find_python("3.11"), wheel)


@pytest.fixture(scope="session")
def trixie(wheel: Path) -> Environment:
    """That of a Pi with Debian 13."""
    return locked("edge", find_python("3.13"), wheel)


@pytest.fixture(scope="session")
def mediapipe(wheel: Path) -> Environment:
    """The environment of someone who uses MediaPipe."""
    return locked("mediapipe", Path(sys.executable), wheel)


@pytest.fixture(scope="session", params=["bookworm", "trixie"])
def pi(request: pytest.FixtureRequest) -> Environment:
    """LiteRT as Pis have it: on Python 3.11 and on 3.13."""
    environment: Environment = request.getfixturevalue(request.param)
    return environment


@pytest.fixture(scope="session", params=["bookworm", "trixie", "tflite_runtime"])
def device(request: pytest.FixtureRequest) -> Environment:
    """Each of a camera's environments in turn."""
    environment: Environment = request.getfixturevalue(request.param)
    return environment


@pytest.fixture(scope="session")
def pictures(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the camera frames that the model was tried on, as image files."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, frame in enumerate(ModelFile.read(model_path).golden.frames):
        write_image(folder / f"{number:03}.png", frame)
    return folder
