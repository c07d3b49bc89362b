"""A model becomes the active one only if it may, and the old one is there until then."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from galago.bundle.model_file import ModelFile
from galago.edge.activation.activate import Limits, activate
from galago.edge.activation.ledger import Ledger, Trial
from galago.edge.activation.models import Models
from galago.errors import ModelFileError, UsageError
from tests.conftest import Outcome
from tests.variants import another, failing


@pytest.fixture
def models(tmp_path: Path) -> Models:
    """A folder with no model in it."""
    return Models(tmp_path / "state" / "models")


def digest(path: Path) -> str:
    return ModelFile.read(path).sha256


def test_the_first_model_becomes_active(models: Models, model_path: Path) -> None:
    """It is the file that was brought, byte for byte, and nothing comes back if it fails."""
    outcome = activate(model_path, models, Limits())
    assert (outcome.state, outcome.previous, outcome.probation) == ("activated", None, True)
    assert models.active == digest(model_path)
    assert models.path(digest(model_path)).read_bytes() == model_path.read_bytes()


def test_the_same_model_again_changes_nothing(
    models: Models, model_path: Path, tmp_path: Path
) -> None:
    """Not one byte, not one time stamp."""
    activate(model_path, models, Limits())
    before = {path: path.lstat().st_mtime_ns for path in (tmp_path / "state").rglob("*")}
    assert activate(model_path, models, Limits()).state == "unchanged"
    assert {path: path.lstat().st_mtime_ns for path in (tmp_path / "state").rglob("*")} == before


def test_a_second_model_keeps_the_first(models: Models, model_path: Path, tmp_path: Path) -> None:
    """While the second is new, the first is the one that comes back."""
    second = another(model_path, tmp_path / "second.tflite")
    activate(model_path, models, Limits())
    models.confirm()
    outcome = activate(second, models, Limits())
    assert (models.active, outcome.previous) == (digest(second), digest(model_path))


def test_what_is_tried_itself_is_nothing_to_go_back_to(
    models: Models, model_path: Path, tmp_path: Path
) -> None:
    """A third model, while the second is on probation, has the first behind it."""
    activate(model_path, models, Limits())
    models.confirm()
    activate(another(model_path, tmp_path / "2.tflite", "2"), models, Limits())
    outcome = activate(another(model_path, tmp_path / "3.tflite", "3"), models, Limits())
    assert outcome.previous == digest(model_path)
    with models.turn():
        models.discard()
    assert models.names() == sorted([digest(model_path), digest(tmp_path / "3.tflite")])


def test_where_all_are_new_the_one_before_is_better_than_none(
    models: Models, model_path: Path, tmp_path: Path
) -> None:
    """A second model, while the first is on probation, has the first behind it."""
    activate(model_path, models, Limits())
    outcome = activate(another(model_path, tmp_path / "2.tflite"), models, Limits())
    assert outcome.previous == digest(model_path)


def test_a_model_that_fails_its_golden_frames_is_refused(
    models: Models, model_path: Path, tmp_path: Path
) -> None:
    """The old one is active, and nothing of the other is left."""
    activate(model_path, models, Limits())
    outcome = activate(failing(model_path, tmp_path / "bad.tflite"), models, Limits())
    assert outcome.state == "refused"
    assert models.active == digest(model_path)
    assert models.names() == [digest(model_path)]


def test_a_slow_model_is_refused(models: Models, model_path: Path) -> None:
    """The message has what it takes, what it may take, and where that is set."""
    outcome = activate(model_path, models, Limits(max_ms=1e-6))
    assert re.search(r"takes \d+\.\d ms .* 1e-06 ms at most \(model.max_ms\)", str(outcome.reason))
    assert (outcome.state, models.active) == ("refused", None)


def test_a_damaged_file_is_no_model(models: Models, model_path: Path, tmp_path: Path) -> None:
    """It is not even brought into the folder."""
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(model_path.read_bytes()[:1000])
    with pytest.raises(ModelFileError, match=r"damaged\.tflite"):
        activate(damaged, models, Limits())
    assert not (tmp_path / "state").exists()


def test_a_model_that_was_taken_back_is_remembered(
    models: Models, model_path: Path, tmp_path: Path
) -> None:
    """It is refused when it comes again, unless that is asked for."""
    second = another(model_path, tmp_path / "second.tflite")
    activate(model_path, models, Limits())
    models.confirm()
    activate(second, models, Limits())
    with models.turn():
        models.take_back("it is bad")
    assert models.active == digest(model_path)
    outcome = activate(second, models, Limits())
    assert (outcome.state, outcome.reason) == ("refused", "it has failed: it is bad")
    assert activate(second, models, Limits(), again=True).state == "activated"
    assert models.ledger.refused == {}


def test_what_changed_on_the_disk_is_brought_anew(models: Models, model_path: Path) -> None:
    """The active file, if a dying card has damaged it, is replaced by the same model."""
    activate(model_path, models, Limits())
    models.confirm()
    models.path(digest(model_path)).write_bytes(b"rust")
    assert activate(model_path, models, Limits()).state == "activated"
    assert models.path(digest(model_path)).read_bytes() == model_path.read_bytes()


def test_a_state_file_that_cannot_be_read_is_as_none(
    models: Models, model_path: Path, tmp_path: Path
) -> None:
    """The active model stays, and the next step writes the file anew."""
    activate(model_path, models, Limits())
    (tmp_path / "state" / "models" / "state.json").write_text('{"schema": 1, "trial": 7}')
    assert models.ledger == Ledger()
    second = another(model_path, tmp_path / "second.tflite")
    assert activate(second, models, Limits()).previous == digest(model_path)


def test_a_trial_that_never_became_active_is_none(
    models: Models, model_path: Path, tmp_path: Path
) -> None:
    """Interrupted before the switch: the model before it is as before, and has nobody behind it."""
    activate(model_path, models, Limits())
    models.confirm()
    trial = Trial("f" * 64, previous=models.active, since="2026-11-25T12:00:00+00:00", deaths=3)
    Ledger(trial=trial).write(tmp_path / "state" / "models" / "state.json")
    with models.turn() as ledger:
        assert ledger == Ledger()
    assert models.active == digest(model_path)


def test_without_a_model_before_it_none_is_taken_back(models: Models, model_path: Path) -> None:
    """A camera without a model would be worse."""
    activate(model_path, models, Limits())
    with pytest.raises(UsageError, match="no previous model"), models.turn():
        models.take_back("it is bad")
    assert models.active == digest(model_path)


def test_the_verbs_say_what_they_have_done(
    galago: Callable[..., Outcome], model_path: Path, tmp_path: Path
) -> None:
    """Activate, list, go back: in JSON, and with exit code 3 where a model is refused."""
    second = another(model_path, tmp_path / "second.tflite")
    state = ("--state", tmp_path)
    assert galago("activate", model_path, *state).code == 0
    Models(tmp_path / "models").confirm()
    document = json.loads(galago("activate", second, *state, "--json").out)
    assert (document["state"], document["previous"]) == ("activated", digest(model_path))
    listed = json.loads(galago("models", *state, "--json").out)
    assert (listed["active"], listed["probation"]["deaths"]) == (digest(second), 0)
    assert json.loads(galago("rollback", *state, "--json").out)["active"] == digest(model_path)
    refused = galago("activate", second, *state)
    assert refused.code == 3
    assert refused.complaint.endswith("all is as before: it has failed: taken back by hand")
    assert galago("rollback", *state).code == 2
