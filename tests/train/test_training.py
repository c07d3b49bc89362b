"""`galago train`: what it leaves behind, and what is left when it is stopped or goes wrong."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galago.bundle.preprocess import PreprocessSpec
from galago.errors import UsageError
from galago.train.data.dataset import Dataset
from galago.train.fit import Course, Lesson, fit
from galago.train.recipe import Facts, Settings, choose
from galago.train.run_folder import Run
from galago.train.training import seconds, train
from tests.conftest import LABELS, Outcome

GALAGO = [sys.executable, "-P", "-m", "galago.cli"]
SHORT = Settings("cnn", size=16, epochs=3, batch_size=16, augment="medium")
SHORT_OPTIONS = ["--model", "cnn", "--size", "16", "--batch-size", "16", "--augment", "medium"]


def lesson(data: Path, settings: Settings = SHORT) -> Lesson:
    recipe, _ = choose(settings, Facts(40, 40, 60))
    opened = Dataset.open(data, recipe.preprocess)
    return Lesson(opened.splits, len(opened.labels), opened.fingerprint, recipe)


def same(first: Any, second: Any) -> bool:
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def figures(run: Path) -> Any:
    return json.loads((run / "metrics.json").read_text())


def start(data: Path, out: Path, *options: object) -> subprocess.Popen[str]:
    command = [*GALAGO, "train", data, "--out", out, *SHORT_OPTIONS, *options]
    return subprocess.Popen(
        [str(part) for part in command], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def wait_for(path: Path, child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert child.poll() is None, child.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_run_holds_what_later_steps_need(run_folder: Path) -> None:
    """Model, description, history, figures and report; nothing temporary."""
    assert sorted(path.name for path in run_folder.iterdir()) == [
        "history.csv",
        "metrics.json",
        "model.keras",
        "report.html",
        "run.json",
    ]
    assert [path.name for path in run_folder.parent.iterdir()] == [run_folder.name]
    run = Run.read(run_folder)
    assert run.labels == LABELS
    assert run.made == ("val", "test")
    assert set(run.thresholds) == set(LABELS)
    assert run.temperature == figures(run_folder)["calibration"]["temperature"]
    with (run_folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 7))


def test_kept_weights_are_those_of_the_best_epoch(run_folder: Path) -> None:
    """The saved model has the val figures of the best row of the history."""
    from galago.train.metrics import measure
    from galago.train.predict import predict_keras

    run = Run.read(run_folder)
    with (run_folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    best = max(rows, key=lambda row: (float(row["val_accuracy"]), -float(row["val_loss"])))
    assert int(best["epoch"]) == run.best_epoch
    val = Dataset.open(run.data, run.preprocess, seed=run.seed).splits["val"]
    metrics = measure(predict_keras(run.load_model(), val), val.labels, run.labels)
    assert metrics.accuracy == pytest.approx(float(best["val_accuracy"]))
    assert metrics.loss == pytest.approx(float(best["val_loss"]), rel=1e-4)


def test_the_same_seed_gives_the_same_model(dataset: Path, tmp_path: Path) -> None:
    """Weights equal to the last bit, so that a figure can be reproduced; another seed differs."""
    first = fit(lesson(dataset), tmp_path / "a", Course()).model
    again = fit(lesson(dataset), tmp_path / "b", Course()).model
    other = Settings("cnn", size=16, epochs=3, batch_size=16, augment="medium", seed=1)
    assert same(first, again)
    assert not same(first, fit(lesson(dataset, other), tmp_path / "c", Course()).model)


def test_augmentation_stays_out_of_the_model(dataset: Path, tmp_path: Path) -> None:
    """The graph that is kept is the network's own, layer for layer."""
    from galago.train.models import build

    fitted = fit(lesson(dataset), tmp_path / "c", Course()).model
    fresh = build("cnn", (16, 16), 3).model
    assert [type(layer) for layer in fitted.layers] == [type(layer) for layer in fresh.layers]


def test_killed_and_resumed_is_as_never_killed(dataset: Path, tmp_path: Path) -> None:
    """SIGKILL after the first epoch, then --resume: the same figures, and nothing left beside."""
    child = start(dataset, tmp_path / "killed", "--epochs", 6)
    wait_for(tmp_path / "killed.checkpoint", child)
    child.kill()
    child.wait()
    child.communicate()
    assert not (tmp_path / "killed").exists()

    resumed = start(dataset, tmp_path / "killed", "--epochs", 6, "--resume")
    assert resumed.wait(timeout=200) == 0, resumed.communicate()[1]
    assert "Epoch 1/6" not in resumed.communicate()[1]
    settings = Settings("cnn", size=16, epochs=6, batch_size=16, augment="medium")
    whole, _ = train(dataset, tmp_path / "whole", settings)
    assert figures(tmp_path / "killed") == figures(tmp_path / "whole")
    assert same(Run.read(tmp_path / "killed").load_model(), whole.load_model())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed", "whole"]


def test_ctrl_c_keeps_the_best_so_far(dataset: Path, tmp_path: Path) -> None:
    """The run is there and whole, the exit code says that it was interrupted, --resume goes on."""
    child = start(dataset, tmp_path / "run", "--epochs", 500, "--patience", 500)
    wait_for(tmp_path / "run.checkpoint", child)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=200)
    assert child.returncode == 130
    assert "galago: interrupted after" in errors
    assert "Traceback" not in errors
    run = Run.read(tmp_path / "run")
    assert run.interrupted
    assert run.epochs < 500
    run.load_model()
    assert (tmp_path / "run.checkpoint").exists()

    again = start(dataset, tmp_path / "run", "--epochs", 500, "--patience", 1, "--resume")
    assert again.wait(timeout=200) == 2  # other options: refused, nothing touched
    assert "patience was 500 and is now 1" in again.communicate()[1]
    assert Run.read(tmp_path / "run") == run


def test_an_unfinished_training_is_not_thrown_away(dataset: Path, tmp_path: Path) -> None:
    """Without --resume or --force its checkpoint stays, and the message says what to do."""
    (tmp_path / "run.checkpoint").write_bytes(b"hours of work")
    with pytest.raises(UsageError, match="go on with --resume, or begin anew with --force"):
        train(dataset, tmp_path / "run", SHORT)
    assert (tmp_path / "run.checkpoint").read_bytes() == b"hours of work"


def test_a_finished_run_cannot_be_resumed(
    dataset: Path, run_folder: Path, galago: Callable[..., Outcome]
) -> None:
    """It is left as it is."""
    before = (run_folder / "model.keras").read_bytes()
    outcome = galago("train", dataset, "--out", run_folder, "--resume")
    assert outcome.code == 2
    assert "nothing to resume" in outcome.complaint
    assert (run_folder / "model.keras").read_bytes() == before


def test_a_stalled_training_ends_early(dataset: Path, tmp_path: Path) -> None:
    """After `patience` epochs without a lower validation loss."""
    settings = Settings("cnn", size=16, epochs=40, learning_rate=0.0, patience=2)
    fitted = fit(lesson(dataset, settings), tmp_path / "c", Course())
    assert len(fitted.history) == 3


def test_a_time_budget_is_kept(dataset: Path, tmp_path: Path) -> None:
    """Of thousands of epochs those are done that fit, and the learning rate still comes down."""
    settings = Settings("cnn", size=16, epochs=5000, schedule="cosine", patience=5000)
    fitted = fit(lesson(dataset, settings), tmp_path / "c", Course(budget_s=4))
    assert 1 < len(fitted.history) < 5000
    rates = [row["learning_rate"] for row in fitted.history]
    assert rates[-1] < 0.5 * rates[0]


def test_transfer_changes_the_head_first_then_the_top(dataset: Path, tmp_path: Path) -> None:
    """The bottom and every batch statistic of the backbone stay as the weights brought them."""
    from galago.train.models import build

    donor = build("mobilenet_v2", (32, 32), 3, width=0.35).backbone.layers[-1]
    donor.save_weights(tmp_path / "donor.weights.h5")
    settings = Settings(
        "mobilenet_v2", size=32, epochs=2, weights=str(tmp_path / "donor.weights.h5")
    )
    fitted = fit(lesson(dataset, settings), tmp_path / "c", Course())
    assert [row["stage"] for row in fitted.history] == [0, 1]
    backbone = fitted.model.layers[1].layers[-1]

    def changed(name: str) -> list[bool]:
        pairs = zip(
            backbone.get_layer(name).get_weights(),
            donor.get_layer(name).get_weights(),
            strict=True,
        )
        return [not np.array_equal(a, b) for a, b in pairs]

    assert changed("Conv1") == [False]
    assert not any(changed("bn_Conv1"))
    assert not any(changed("Conv_1_bn"))
    if fitted.best_epoch == 1:  # the epoch of the second stage was the better one
        assert changed("Conv_1") == [True]


def test_half_precision_leaves_a_model_in_full_precision(dataset: Path, tmp_path: Path) -> None:
    """What graphics cards train in float16 is kept in float32, which the converter needs."""
    from galago.train.tensorflow import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        fitted = fit(lesson(dataset), tmp_path / "c", Course())
    finally:
        keras.config.set_dtype_policy(before)
    layers = fitted.model._flatten_layers()
    assert {layer.dtype_policy.name for layer in layers} == {"float32"}
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]


MIRRORED = """
import sys
from pathlib import Path
from galago.train.tensorflow import tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from galago.train.training import Course, train
from galago.train.recipe import Settings
settings = Settings("resnet8", size=16, epochs=8, batch_size=16, augment="light")
out = Path(sys.argv[2])
_, assessment = train(Path(sys.argv[1]), out, settings, Course(devices=("CPU:0", "CPU:1")))
print(assessment.metrics.accuracy)
"""


def test_several_devices_train_together(dataset: Path, tmp_path: Path) -> None:
    """TensorFlow's mirrored strategy, here on two logical processors: it learns, and is kept."""
    child = subprocess.run(
        [sys.executable, "-c", MIRRORED, dataset, tmp_path / "run"],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    assert float(child.stdout) > 0.6  # guessing is 0.33
    assert Run.read(tmp_path / "run").epochs == 8


def test_a_device_that_is_not_there_is_refused(dataset: Path, tmp_path: Path) -> None:
    """With those that are."""
    with pytest.raises(UsageError, match=r"no device is called TPU:7: expected some of CPU:0"):
        fit(lesson(dataset), tmp_path / "c", Course(devices=("TPU:7",)))


def test_tensorboard_gets_its_logs(dataset: Path, tmp_path: Path) -> None:
    """In the folder that was named."""
    fit(lesson(dataset), tmp_path / "c", Course(tensorboard=tmp_path / "logs"))
    assert list((tmp_path / "logs").rglob("events.out.tfevents.*"))


@pytest.mark.parametrize(
    ("text", "expected"), [("40m", 2400), ("1h30m", 5400), ("90s", 90), ("1h", 3600)]
)
def test_durations_are_read(text: str, expected: float) -> None:
    """As people write them."""
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["40", "", "0s", "half an hour"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Not guessed at."""
    with pytest.raises(UsageError, match="expected 40m, 1h30m or 90s"):
        seconds(text)


def test_the_network_sees_what_the_camera_will_see(run_folder: Path) -> None:
    """The preprocessing that trained it is written into the run."""
    assert Run.read(run_folder).preprocess == PreprocessSpec(64, 64)


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
    shutil.copytree(run_folder, tmp_path / "run")
    train(dataset, tmp_path / "run", SHORT, Course(replace=True))
    assert Run.read(tmp_path / "run").epochs == 3
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


FULL_DISK = """
mount -t tmpfs -o size={size} tmpfs {disk} || exit 77
{python} -P -m galago.cli train {data} --out {disk}/run --model cnn --epochs 1
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
