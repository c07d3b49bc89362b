"""Single pictures through the camera's classifier."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from galago.bundle.image import write_image
from tests.conftest import LABELS, Outcome, draw


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """One picture of each shape."""
    for label in LABELS:
        write_image(tmp_path / f"{label}.png", draw(label, seed=4321))
    return tmp_path


def test_json_has_the_documented_keys(
    model_path: Path, pictures: Path, galago: Callable[..., Outcome]
) -> None:
    """A row per picture, its classes best first."""
    rows = json.loads(galago("classify", model_path, pictures, "--json").out)
    assert [row["label"] for row in rows] == list(LABELS)
    for row in rows:
        assert row["top"][0] == [row["label"], row["score"]]
        shares = [share for _, share in row["top"]]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1, abs=0.001)


def test_it_agrees_with_evaluate(
    model_path: Path, dataset: Path, galago: Callable[..., Outcome]
) -> None:
    """The same pictures, one by one and as a test set, give the same confusion matrix."""
    from galago.bundle.model_file import ModelFile
    from galago.train.data.dataset import Dataset

    document = json.loads(galago("evaluate", model_path, dataset, "--json").out)
    spec = ModelFile.read(model_path).manifest.preprocess
    test = Dataset.open(dataset, spec).splits["test"]
    rows = json.loads(galago("classify", model_path, *test.paths, "--json").out)
    confusion = [[0] * 3 for _ in LABELS]
    for label, row in zip(test.labels, rows, strict=True):
        confusion[label][LABELS.index(row["label"])] += 1
    assert confusion == document["confusion"]


def test_folders_and_patterns_work(
    model_path: Path, pictures: Path, galago: Callable[..., Outcome]
) -> None:
    """A quoted pattern is expanded here, where the shell has not."""
    (pictures / "notes.txt").write_text("no picture")
    for argument in (pictures, f"{pictures}/*.png"):
        assert len(galago("classify", model_path, argument).out.splitlines()) == 3


@pytest.mark.parametrize("argument", ["nothing.png", "*.gif", "."])
def test_what_names_no_picture_is_refused(
    model_path: Path,
    tmp_path: Path,
    galago: Callable[..., Outcome],
    argument: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line, exit 2."""
    monkeypatch.chdir(tmp_path)
    outcome = galago("classify", model_path, argument)
    assert outcome.code == 2
    assert f"{argument}: no picture there" in outcome.complaint


def test_a_broken_picture_is_named(
    model_path: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """One line, exit 2."""
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    outcome = galago("classify", model_path, tmp_path / "broken.jpg")
    assert outcome.code == 2
    assert "broken.jpg cannot be read as an image" in outcome.complaint
