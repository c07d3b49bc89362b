"""Checkpoints: whole, exact, and of one training only."""

from pathlib import Path

import numpy as np
import pytest

from galago.errors import UsageError
from galago.train.checkpoint import State, load, save

TRAINING = {"model": "cnn", "stages": ({"epochs": 3},), "pictures": "abc"}


def state() -> State:
    return State(
        stage=1,
        epoch=2,
        history=[{"val_loss": 0.1 + 0.2, "val_accuracy": 1.0}],
        best_epoch=0,
        best=[np.array([1.5, 2.5], np.float32)],
        variables=[np.arange(6, dtype=np.int64).reshape(2, 3) + index for index in range(12)],
        seconds=12.5,
    )


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    """To the last bit, in order, with shapes and dtypes."""
    save(tmp_path / "c", state(), TRAINING)
    found = load(tmp_path / "c", TRAINING)
    assert (found.stage, found.epoch, found.best_epoch, found.seconds) == (1, 2, 0, 12.5)
    assert found.history == state().history
    for ours, theirs in ((found.best, state().best), (found.variables, state().variables)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert a.dtype == b.dtype
            assert np.array_equal(a, b)


def test_another_training_is_refused_by_what_differs(tmp_path: Path) -> None:
    """The message names the option, then and now."""
    save(tmp_path / "c", state(), TRAINING)
    with pytest.raises(UsageError, match=r"model was 'cnn' and is now 'resnet8'.*--force"):
        load(tmp_path / "c", {**TRAINING, "model": "resnet8"})


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """Half of it, none of it, or something else."""
    save(tmp_path / "c", state(), TRAINING)
    whole = (tmp_path / "c").read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"something else"):
        (tmp_path / "c").write_bytes(damaged)
        with pytest.raises(UsageError, match="is damaged"):
            load(tmp_path / "c", TRAINING)
