"""The models of a camera, for people and programs."""

from typing import Any

from galago.edge.activation.activate import Outcome
from galago.edge.activation.models import Models

_SHORT = 12


def as_text(outcome: Outcome) -> str:
    """What has come of an activation, a line; nothing of one that was refused."""
    name = outcome.sha256[:_SHORT]
    if outcome.state == "refused":
        return f"{name}: refused"
    if outcome.state == "unchanged":
        return f"{name}: active already, nothing to do"
    back = f", {outcome.previous[:_SHORT]} comes back if it fails" if outcome.previous else ""
    return f"{name}: active, on probation{back}"


def to_dict(models: Models) -> dict[str, Any]:
    """The document of `galago models --json`."""
    ledger = models.ledger
    trial = ledger.trial
    return {
        "active": models.active,
        "previous": trial.previous if trial else ledger.previous,
        "probation": None if trial is None else {"since": trial.since, "deaths": trial.deaths},
        "models": [{"sha256": name, "path": str(models.path(name))} for name in models.names()],
        "refused": ledger.refused,
    }


def listing(models: Models) -> str:
    """A line for each model that is there, and for each that has failed."""
    document = to_dict(models)
    lines = [f"{name[:_SHORT]}  {_role(name, document)}" for name in models.names()]
    failed = [
        f"{name[:_SHORT]}  failed: {why}"
        for name, why in models.ledger.refused.items()
        if name not in models.names()
    ]
    return "\n".join([*lines, *failed]) or "no models"


def _role(name: str, document: dict[str, Any]) -> str:
    if name == document["active"]:
        trial = document["probation"]
        return "active" if trial is None else f"active, on probation since {trial['since']}"
    if name == document["previous"]:
        return "the one before"
    why = document["refused"].get(name)
    return f"failed: {why}" if why else "not used"
