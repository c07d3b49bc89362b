"""The model that serves: where it comes from, whether it answers here as it should, what failed."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from galago.edge.activation.ledger import Ledger
from galago.edge.doctor.commands import as_root
from galago.edge.doctor.finding import Finding, error, note, ok, warning
from galago.edge.doctor.patient import Patient
from galago.edge.state import models_folder
from galago.errors import GalagoError

_SHORT = 12
_DROP = 0.02  # of the accuracy, by the conversion to integers


def look(patient: Patient) -> Iterator[Finding]:
    """The configured file, else the active one of those that were activated."""
    if not may_look(patient):
        yield note(
            "model",
            f"{models_folder(patient.state)} may not be looked into by {patient.user}"
            + _by_status(patient),
            as_root(),
        )
        return
    path = active(patient)
    if path is None:
        yield _none(patient)
        return
    yield from _file(path)
    if patient.settings.model.file is None:
        yield from judge_ledger(patient.models.ledger, patient.models.active)


def active(patient: Patient) -> Path | None:
    """The file that serves, or would; None if there is none."""
    if (configured := patient.settings.model.file) is not None:
        return configured
    sha256 = patient.models.active
    return patient.models.path(sha256) if sha256 else None


def may_look(patient: Patient) -> bool:
    """Whether this user can see if there is a model."""
    if patient.settings.model.file is not None:
        return True
    try:
        models_folder(patient.state).stat()
    except PermissionError:
        return False
    except OSError:
        pass
    return True


def _by_status(patient: Patient) -> str:
    served = (patient.status or {}).get("model", {})
    return f"; the service runs {served['sha256'][:_SHORT]}" if served.get("sha256") else ""


def _none(patient: Patient) -> Finding:
    if patient.problems:
        return note("model", "which model is configured is not known: see the configuration")
    if patient.is_installed:
        return error("model", "there is no model to serve", "sudo galago activate FILE.tflite")
    return note("model", "no model was activated on this machine, and none is configured")


def _file(path: Path) -> Iterator[Finding]:
    # Needs numpy and OpenCV, which may be what is wrong.
    from galago.bundle.model_file import ModelFile  # noqa: PLC0415
    from galago.bundle.verify import verify  # noqa: PLC0415

    try:
        model = ModelFile.read(path)
    except (OSError, GalagoError) as problem:
        yield error("model", f"{path}: {problem}", "galago activate a model that is whole")
        return
    yield ok("model", described(path.name, model.sha256, model.manifest.provenance))
    yield from judge_accuracy(model.manifest.metrics)
    try:
        found = verify(model)
    except GalagoError as problem:
        yield error("golden-frames", str(problem), "sudo galago rollback, or activate another")
        return
    slow = "" if found.accelerated else ", WITHOUT acceleration"
    yield ok(
        "golden-frames",
        f"{found.n} golden frames passed, {found.median_us / 1000:.1f} ms each{slow}",
    )


def described(name: str, sha256: str, provenance: dict[str, Any]) -> str:
    """Which model it is, and when it was trained."""
    name = "" if sha256 in name else f"{name}, "
    trained = provenance.get("trained")
    return f"{name}{sha256[:_SHORT]}, trained {_day(trained)}"


def _day(time: object) -> str:
    try:
        return f"{datetime.fromisoformat(str(time)):%Y-%m-%d}"
    except ValueError:
        return "nobody knows when"


def judge_accuracy(metrics: dict[str, Any]) -> Iterator[Finding]:
    """How good it was on its test pictures, and what its conversion cost."""
    before, after = (_accuracy(metrics, name) for name in ("float", "converted"))
    if after is None:
        yield note("accuracy", "the model's file does not say how good it is", "")
    elif before is not None and before - after > _DROP:
        yield warning(
            "accuracy",
            f"{after:.1%} of its test pictures right, {before:.1%} before it was converted",
            "more pictures for galago convert, or another --base for galago train",
        )
    else:
        yield ok("accuracy", f"{after:.1%} of its test pictures right")


def _accuracy(metrics: dict[str, Any], name: str) -> float | None:
    inner = metrics.get(name)
    value = inner.get("accuracy") if isinstance(inner, dict) else None
    return float(value) if isinstance(value, int | float) else None


def judge_ledger(ledger: Ledger, serves: str | None) -> Iterator[Finding]:
    """What is on probation, and what has failed."""
    if ledger.returned is not None:
        yield warning(
            "model-returned",
            f"the model {ledger.returned[:_SHORT]} has failed here and was taken back: "
            f"{ledger.refused.get(ledger.returned, 'nobody knows why')}",
            "train or convert anew, then galago deploy; galago models lists all",
        )
    if ledger.trial is not None and ledger.trial.sha256 == serves:
        yield note(
            "model-probation",
            f"on probation since {ledger.trial.since}, {ledger.trial.deaths} starts with it have "
            "not ended well or go on",
        )
    for sha256, why in ledger.refused.items():
        if sha256 != ledger.returned:
            yield note(f"model-refused-{sha256[:_SHORT]}", f"refused: {why}")
