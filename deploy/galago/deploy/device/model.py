"""The model, handed to the release's own `galago activate`, which verifies it on this machine."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from galago.deploy.device.places import Places
from galago.deploy.device.running import ended, last_line
from galago.errors import DeviceError

_VERIFY_S = 600.0  # golden frames on a Zero 2 W, from a cold card
_REFUSED = 3


@dataclass(frozen=True)
class Activation:
    """What `galago activate` has said. `state`: activated, unchanged or refused."""

    state: str
    sha256: str
    reason: str | None

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """From its JSON document."""
        return cls(document["state"], document["sha256"], document["reason"])


def active(places: Places) -> str | None:
    """The sha256 of the model in use."""
    if not places.active_model.is_symlink():
        return None
    return places.active_model.readlink().name.partition(".")[0]


def activate(file: Path, release: str, places: Places, *, again: bool) -> Activation:
    """Verify a model and put it to use, on probation.

    Raises:
        DeviceError: it could not be tried; a model that was tried and refused is no error.
    """
    _make_state(places)
    command: list[str | Path] = [places.releases / release / "bin/galago", "activate", file]
    command += ["--state", places.state, "--config", places.configuration, "--json"]
    command += ["--again"] if again else []
    done = ended(*command, timeout_s=_VERIFY_S)
    try:
        return Activation.of(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError) as error:
        if done.returncode == _REFUSED:  # no model file at all
            return Activation("refused", "", last_line(done.stderr).removeprefix("galago: "))
        why = last_line(done.stderr).removeprefix("galago: ")
        raise DeviceError(f"the model could not be tried: {why}") from error


def bring_back(sha256: str, release: str, places: Places) -> None:
    """Have an earlier model look again, and the one that took its place remembered as bad.

    One that was still new itself is nothing that `galago rollback` goes back to; here it is.

    Raises:
        DeviceError: it is not there any more, or is refused.
    """
    command = places.releases / release / "bin/galago"
    ended(command, "rollback", "--state", places.state, timeout_s=_VERIFY_S)
    if active(places) == sha256:
        return
    outcome = activate(places.state / "models" / f"{sha256}.tflite", release, places, again=True)
    if outcome.state == "refused":
        raise DeviceError(f"the model {sha256[:12]} cannot be brought back: {outcome.reason}")


def _make_state(places: Places) -> None:
    """The folder as systemd makes it for a DynamicUser, which takes it over at the first start."""
    if places.state.exists() or places.state_link.exists():
        return
    places.state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    places.state.mkdir(mode=0o700)
    places.state_link.symlink_to("private/galago")
