"""Training: the network, the run, and what is left when it goes wrong."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.preprocess import PreprocessSpec
from galago.errors import UsageError
from galago.train.run_folder import Run
from tests.conftest import LABELS, Outcome

TUTORIAL = [
    ("Rescaling", None),
    ("Conv2D", (32, (3, 3), "relu")),
    ("MaxPooling2D", (2, 2)),
    ("Conv2D", (64, (3, 3), "relu")),
    ("MaxPooling2D", (2, 2)),
    ("Flatten", None),
    ("Dense", (64, "relu")),
]


def anatomy(model: object) -> list[tuple[str, object]]:
    described: list[tuple[str, object]] = []
    for layer in model.layers:  # type: ignore[attr-defined]
        kind = type(layer).__name__
        detail: object = None
        if kind == "Conv2D":
            detail = (layer.filters, layer.kernel_size, layer.activation.__name__)
        elif kind == "MaxPooling2D":
            detail = layer.pool_size
        elif kind == "Dense":
            detail = (layer.units, layer.activation.__name__)
        described.append((kind, detail))
    return described


@pytest.mark.parametrize(
    ("classes", "head", "loss"),
    [(2, (1, "sigmoid"), "binary_crossentropy"), (3, (3, "softmax"), "categorical_crossentropy")],
)
def test_cnn_is_the_tutorials_network(classes: int, head: tuple[int, str], loss: str) -> None:
    """Layer for layer, with Adam, its loss, and pixel values normalised inside."""
    from galago.train.models import build

    model = build("cnn", 64, 64, classes)
    assert model.input_shape == (None, 64, 64, 3)
    assert anatomy(model) == [*TUTORIAL, ("Dense", head)]
    assert model.layers[0].scale == pytest.approx(1 / 255)
    assert (type(model.optimizer).__name__, model.loss) == ("Adam", loss)


def test_defaults_are_the_tutorials_settings() -> None:
    """10 epochs, batches of 32, 64 × 64 pixels."""
    from galago.train.fit import Settings

    chosen = Settings()
    assert (chosen.epochs, chosen.batch_size, chosen.height, chosen.width) == (10, 32, 64, 64)


def test_unknown_networks_are_refused(
    dataset: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """With the names of those that there are."""
    outcome = galago("train", dataset, "--out", tmp_path / "run", "--model", "resnet")
    assert outcome.code == 2
    assert "no model is called 'resnet': expected one of cnn" in outcome.complaint
    assert list(tmp_path.iterdir()) == []


def test_a_run_holds_what_later_steps_need(run_folder: Path) -> None:
    """Model, description, history, figures and report; nothing temporary."""
    assert sorted(path.name for path in run_folder.iterdir()) == [
        "history.csv",
        "metrics.json",
        "model.keras",
        "report.html",
        "run.json",
    ]
    run = Run.read(run_folder)
    assert run.labels == LABELS
    assert run.made == ("val", "test")
    with (run_folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 7))


def test_kept_weights_are_those_of_the_best_epoch(run_folder: Path) -> None:
    """The saved model has the val figures of the best row of the history."""
    from galago.train.data.dataset import Dataset
    from galago.train.metrics import measure
    from galago.train.predict import predict_keras

    run = Run.read(run_folder)
    with (run_folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    best = max(rows, key=lambda row: (float(row["val_accuracy"]), -float(row["val_loss"])))
    val = Dataset.open(run.data, run.preprocess, seed=run.seed).splits["val"]
    metrics = measure(predict_keras(run.load_model(), val.pixels), val.labels, run.labels)
    assert metrics.accuracy == pytest.approx(float(best["val_accuracy"]))
    assert metrics.loss == pytest.approx(float(best["val_loss"]), rel=1e-4)


def test_a_later_epoch_replaces_only_a_worse_one(tmp_path: Path) -> None:
    """Higher val accuracy wins; of equal ones the lower val loss; a worse one changes nothing."""
    from galago.train.fit import _KeepBest
    from galago.train.models import build
    from galago.train.run_folder import load_keras

    model = build("cnn", 10, 10, 2)
    model.optimizer.build(model.trainable_variables)  # as in training, before the first batch
    keep = _KeepBest(tmp_path / "model.keras")
    keep.set_model(model)
    epochs = [(0.5, 0.7), (0.9, 0.4), (0.9, 0.3), (0.9, 0.35), (0.8, 0.1)]
    for number, (accuracy, loss) in enumerate(epochs):
        model.layers[-1].bias.assign([number])
        keep.on_epoch_end(number, {"val_accuracy": accuracy, "val_loss": loss})
    assert load_keras(tmp_path / "model.keras").layers[-1].bias.numpy() == [2]


def test_the_same_seed_gives_the_same_model(
    dataset: Path, run_folder: Path, tmp_path: Path
) -> None:
    """Weights equal to the last bit, so that a figure can be reproduced."""
    from galago.train.fit import Settings, train

    again, _ = train(dataset, tmp_path / "again", Settings(epochs=6, batch_size=8))
    first = Run.read(run_folder).load_model().get_weights()
    second = again.load_model().get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_report_fetches_nothing(run_folder: Path) -> None:
    """One file that can be mailed: no address in it, every class named."""
    page = (run_folder / "report.html").read_text(encoding="utf-8")
    assert "http" not in page
    assert "src=" not in page
    assert all(label in page for label in LABELS)


def test_class_names_cannot_inject_into_the_report(tmp_path: Path) -> None:
    """A folder called like a tag is text, not a tag."""
    from galago.train.metrics import measure
    from galago.train.report import write_report

    labels = ("<script>alert(1)</script>", "b")
    metrics = measure(np.eye(2, dtype=np.float32), np.array([0, 1]), labels)
    counts = dict.fromkeys(labels, 1)
    run = Run(
        tmp_path, labels, PreprocessSpec(64, 64), "cnn", 0, 1, 1, tmp_path,
        {"train": counts, "val": counts, "test": counts}, (), 0, 0.05, "", "now",
    )  # fmt: skip
    row = {"accuracy": 1.0, "val_accuracy": 1.0, "loss": 0.1, "val_loss": 0.1}
    write_report(tmp_path / "report.html", run, [row], 0, metrics)
    assert "<script>" not in (tmp_path / "report.html").read_text()


def test_an_existing_run_is_not_overwritten(
    dataset: Path, run_folder: Path, galago: Callable[..., Outcome]
) -> None:
    """Without --force the old run stays, byte for byte."""
    before = (run_folder / "model.keras").read_bytes()
    outcome = galago("train", dataset, "--out", run_folder)
    assert outcome.code == 2
    assert "already exists" in outcome.complaint
    assert (run_folder / "model.keras").read_bytes() == before


def test_force_replaces_a_run(dataset: Path, run_folder: Path, tmp_path: Path) -> None:
    """The new one takes the name, and no trace of the old is left beside it."""
    from galago.train.fit import Settings, train

    shutil.copytree(run_folder, tmp_path / "run")
    train(dataset, tmp_path / "run", Settings(epochs=1), replace=True)
    assert Run.read(tmp_path / "run").epochs == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


FULL_DISK = """
mount -t tmpfs -o size={size} tmpfs {disk} || exit 77
{python} -P -m galago.cli train {data} --out {disk}/run --epochs 1
code=$?
ls -A {disk}
exit $code
"""


@pytest.mark.parametrize("size", ["64k", "6m"])
def test_a_full_disk_leaves_nothing_half_written(dataset: Path, tmp_path: Path, size: str) -> None:
    """A real file system that is too small: one line, exit 1, an empty folder as before."""
    if (unshare := shutil.which("unshare")) is None:
        pytest.skip("unshare (util-linux) is missing: no small file system can be made")
    script = FULL_DISK.format(size=size, disk=tmp_path, python=sys.executable, data=dataset)
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    child = subprocess.run(
        [unshare, "--mount", *user, "sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if child.returncode == 77 or "unshare" in child.stderr:
        pytest.skip(f"a small file system cannot be mounted here: {child.stderr.strip()}")
    assert child.returncode == 1, child.stderr
    complaints = [line for line in child.stderr.splitlines() if line.startswith("galago: ")]
    assert len(complaints) == 1
    assert "No space left" in complaints[0]
    assert "Traceback" not in child.stderr
    assert child.stdout == ""


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    """The message says what makes a run."""
    with pytest.raises(UsageError, match=r"not the folder of a run: expected run\.json in it"):
        Run.read(tmp_path)


def test_a_damaged_run_is_refused(run_folder: Path, tmp_path: Path) -> None:
    """Half a run.json is not guessed at."""
    text = (run_folder / "run.json").read_text()
    document = json.loads(text)
    del document["labels"]
    for damaged in (text[:50], json.dumps(document)):
        (tmp_path / "run.json").write_text(damaged)
        with pytest.raises(UsageError, match=r"run\.json is damaged"):
            Run.read(tmp_path)
