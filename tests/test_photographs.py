"""The whole way on real photographs, cut down; bench/cats_dogs.py does it in full."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Outcome

TRAINING_EACH, TEST_EACH = 500, 250


@pytest.fixture(scope="module")
def photographs(cats_dogs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first few hundred of each split and class."""
    root = tmp_path_factory.mktemp("cut") / "cats-dogs"
    for split, each in (("train", TRAINING_EACH), ("test", TEST_EACH)):
        for label in ("cat", "dog"):
            folder = root / split / label
            folder.mkdir(parents=True)
            for path in sorted((cats_dogs / split / label).iterdir())[:each]:
                shutil.copy(path, folder)
    return root


def test_from_photographs_to_single_answers(
    photographs: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """It learns, int8 costs half a point at most, classify agrees with evaluate in every one."""
    run, model = tmp_path / "run", tmp_path / "cats.tflite"
    trained = json.loads(
        galago("train", photographs, "--out", run, "--model", "cnn", "--epochs", 6, "--json").out
    )
    converted = json.loads(galago("convert", run, "--out", model, "--json").out)
    evaluated = json.loads(galago("evaluate", model, photographs, "--json").out)
    rows = json.loads(galago("classify", model, photographs / "test", "--json").out)

    assert trained["n"] == len(rows) == 2 * TEST_EACH
    assert trained["accuracy"] > 0.55  # guessing is 0.5 ± 0.02
    assert converted["float"]["accuracy"] == trained["accuracy"]
    assert converted["converted"]["accuracy"] >= trained["accuracy"] - 0.005
    assert converted["agreement"] >= 0.97
    assert evaluated["accuracy"] == converted["converted"]["accuracy"]
    labels = evaluated["labels"]
    confusion = [[0, 0], [0, 0]]
    for row in rows:
        truth = labels.index(Path(row["path"]).parent.name)
        confusion[truth][labels.index(row["label"])] += 1
    assert confusion == evaluated["confusion"]
