"""What several parts' tests need: pictures, one trained run, one model file, the command."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from galago.bundle.image import write_image
from galago.bundle.preprocess import Pixels
from galago.cli import main

LABELS = ("circle", "empty", "square")
SHARED = Path(__file__).parents[2] / "shared"


def draw(label: str, seed: int) -> Pixels:
    """A grey noisy picture, (60, 80, 3) uint8 RGB, with a red circle, a blue square, or neither."""
    random = np.random.default_rng(seed)
    picture = random.integers(90, 130, (60, 80, 3), np.uint8)
    x, y = (int(value) for value in random.integers(20, 40, 2))
    bright, dark = (int(value) for value in random.integers((190, 40), (256, 80)))
    if label == "circle":
        cv2.circle(picture, (x + 10, y), 14, (bright, dark, dark), cv2.FILLED)
    elif label == "square":
        cv2.rectangle(picture, (x, y - 12), (x + 24, y + 12), (dark, dark, bright), cv2.FILLED)
    return picture


def write_dataset(root: Path, labels: tuple[str, ...] = LABELS, each: int = 40) -> Path:
    """A folder per class with `each` drawn pictures."""
    for index, label in enumerate(labels):
        (root / label).mkdir(parents=True)
        for number in range(each):
            write_image(root / label / f"{number:03}.png", draw(label, 1000 * index + number))
    return root


def write_clip(path: Path, labels: tuple[str, ...], each: int) -> Path:
    """A video of 15 frames a second that shows each label's picture for `each` frames."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 15, (80, 60))
    for label in labels:
        picture = cv2.cvtColor(draw(label, seed=4321), cv2.COLOR_RGB2BGR)
        for _ in range(each):
            writer.write(picture)
    writer.release()
    return path


@dataclass(frozen=True)
class Outcome:
    """What a command left behind in a terminal."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line that a refused command says, less any progress before it."""
        lines = [line for line in self.err.splitlines() if line.startswith("galago: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Who gives tests to processes, where there are several."""
    from tests.sharing import Sharing

    return Sharing(config, log)


@pytest.fixture
def galago(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command in this process: `galago("inspect", path)`."""

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Outcome(code, out, err)

    return run


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or fills the user's cache of prepared pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GALAGO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of drawn shapes, without splits."""
    return write_dataset(tmp_path_factory.mktemp("data") / "shapes")


@pytest.fixture(scope="session")
def run_folder(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run trained on the shapes."""
    from galago.train.recipe import Settings
    from galago.train.training import train

    out = tmp_path_factory.mktemp("runs") / "run"
    train(dataset, out, Settings("cnn", epochs=6, batch_size=8))
    return out


@pytest.fixture(scope="session")
def model_path(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run, converted."""
    from galago.convert.convert import convert
    from galago.convert.origin import from_run

    out = tmp_path_factory.mktemp("models") / "shapes.tflite"
    assert convert(from_run(run_folder), out).passed
    return out


@pytest.fixture(scope="session")
def shared() -> Path:
    """Photographs and foreign models, which are not the project's to ship."""
    if not SHARED.is_dir():
        pytest.skip(f"the folder of photographs and foreign models is missing: {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def cats_dogs(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real photographs: train/ and test/ with cat/ and dog/, 1000 pictures each."""
    folder = tmp_path_factory.mktemp("photographs")
    with zipfile.ZipFile(shared / "data" / "cats-dogs.zip") as archive:
        archive.extractall(folder)
    return folder / "cats-dogs"
