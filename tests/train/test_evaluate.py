"""Figures: the same for a run, its .keras and its .tflite, and the same that Keras gives."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from galago.train.metrics import measure
from tests.conftest import LABELS, Outcome, write_dataset


def test_metrics_by_hand() -> None:
    """Four pictures whose figures can be counted on one's fingers."""
    scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]], np.float32)
    metrics = measure(scores, np.array([0, 0, 1, 1]), ("cat", "dog"))
    assert metrics.accuracy == 0.75
    assert metrics.confusion == [[1, 1], [0, 2]]
    assert metrics.loss == pytest.approx(-np.log([0.9, 0.4, 0.8, 0.7]).mean(), rel=1e-6)
    dog = metrics.per_class["dog"]
    assert dog.precision == pytest.approx(2 / 3)
    assert (dog.recall, dog.support) == (1.0, 2)
    assert dog.f1 == pytest.approx(0.8)


def test_a_class_that_is_never_predicted_has_precision_zero() -> None:
    """Not a warning, not NaN."""
    scores = np.array([[1.0, 0.0], [1.0, 0.0]], np.float32)
    metrics = measure(scores, np.array([0, 1]), ("cat", "dog"))
    assert metrics.per_class["dog"].precision == 0.0
    assert np.isfinite(metrics.loss)


def test_json_has_the_documented_keys(
    run_folder: Path, dataset: Path, galago: Callable[..., Outcome]
) -> None:
    """Other programs rely on these names; nothing but the document is on standard output."""
    document = json.loads(galago("evaluate", run_folder, dataset, "--json").out)
    assert document["labels"] == list(LABELS)
    assert document["n"] == 18
    assert np.sum(document["confusion"]) == 18
    assert set(document["per_class"]["circle"]) == {"precision", "recall", "f1", "support"}
    assert document["accuracy"] >= 0.8
    assert document["loss"] > 0


def test_a_run_its_keras_and_its_tflite_agree(
    run_folder: Path, model_path: Path, dataset: Path, galago: Callable[..., Outcome]
) -> None:
    """All three know their labels, their preprocessing and their split."""
    run, keras, tflite = (
        json.loads(galago("evaluate", model, dataset, "--json").out)
        for model in (run_folder, run_folder / "model.keras", model_path)
    )
    assert run == keras
    assert tflite["n"] == run["n"]
    assert tflite["accuracy"] == pytest.approx(run["accuracy"], abs=0.06)


def test_loss_and_accuracy_are_keras_own(run_folder: Path, dataset: Path) -> None:
    """What model.evaluate says of the same pictures."""
    from galago.train.data.dataset import Dataset
    from galago.train.data.images import one_hot
    from galago.train.evaluate import evaluate
    from galago.train.run_folder import Run

    run = Run.read(run_folder)
    test = Dataset.open(dataset, run.preprocess, seed=run.seed).splits["test"]
    model = run.load_model()
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = model.evaluate(test.pixels, one_hot(test.labels, 3), verbose=0)
    metrics = evaluate(run_folder, dataset)
    assert metrics.accuracy == pytest.approx(accuracy)
    # A score near 1 is known to 6e-8, the step of float32, and so is its logarithm.
    assert metrics.loss == pytest.approx(loss, rel=1e-4, abs=6e-8)


def test_the_whole_of_a_new_folder_can_be_scored(
    run_folder: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """--split all takes every picture."""
    data = write_dataset(tmp_path / "new", each=8)
    document = json.loads(galago("evaluate", run_folder, data, "--split", "all", "--json").out)
    assert document["n"] == 24


def test_other_labels_are_refused(
    run_folder: Path, model_path: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Figures for another set of classes would be nonsense."""
    data = write_dataset(tmp_path / "other", ("circle", "square"), each=8)
    for model in (run_folder, model_path):
        outcome = galago("evaluate", model, data)
        assert outcome.code == 2
        assert "the model knows circle, empty, square, but" in outcome.complaint


def test_other_labels_are_refused_before_any_picture_is_prepared(
    run_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    galago: Callable[..., Outcome],
) -> None:
    """Folder names tell them: nobody waits for nothing, and no cache is filled."""
    data = write_dataset(tmp_path / "other", ("circle", "square"), each=8)
    monkeypatch.setenv("GALAGO_CACHE", str(tmp_path / "cache"))
    converted = ("--data", data, "--out", tmp_path / "x.tflite")
    for words in (("evaluate", run_folder, data), ("convert", run_folder, *converted)):
        assert "the model knows" in galago(*words).complaint
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", ["missing", "missing.keras", "missing.tflite", "text.keras"])
def test_what_is_no_model_is_one_line(
    dataset: Path, tmp_path: Path, galago: Callable[..., Outcome], name: str
) -> None:
    """Whatever kind of model the name promises."""
    (tmp_path / "text.keras").write_text("not a model")
    outcome = galago("evaluate", tmp_path / name, dataset)
    assert outcome.code in {1, 2}
    assert name in outcome.complaint


def test_unknown_splits_are_refused(
    run_folder: Path, dataset: Path, galago: Callable[..., Outcome]
) -> None:
    """With the names of those that there are."""
    outcome = galago("evaluate", run_folder, dataset, "--split", "tets")
    assert outcome.code == 2
    assert "no split is called 'tets': expected train, val, test or all" in outcome.complaint
