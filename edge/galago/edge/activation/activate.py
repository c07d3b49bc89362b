"""From a model file that somebody brings to the active one: staged, verified, on probation.

- Nothing changes for whoever serves until the new file lies on the disk, whole, and has answered
  its golden frames from there, in a child process, fast enough, on this machine.
- A model that has failed here is refused at once when it comes again.
- Interrupted at any point, the old model is active or the new one, and the same call completes it.

    outcome = activate(Path("porch.tflite"), Models(folder), Limits(max_ms=50))
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from galago.bundle.model_file import ModelFile
from galago.bundle.verify import verify
from galago.edge.activation.models import DAMAGED, Models
from galago.edge.config.read import read_config
from galago.errors import ModelFileError


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model must keep to. `max_ms`: median time of one inference, None: as long as it likes.

    `threads`: of the interpreter, as the daemon will have.
    """

    max_ms: float | None = None
    threads: int = 1

    @classmethod
    def of(cls, path: Path | None) -> Self:
        """Those of the daemon's configuration; without one, there is none but the golden frames.

        Raises:
            UsageError: there is a mistake in the file.
        """
        section = read_config(path).config.model
        return cls(section.max_ms, section.threads or 1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has come of it; `reason` says why a model was refused.

    `previous`: sha256 of the one that comes back if this one fails, None if there is none.
    """

    state: Literal["activated", "unchanged", "refused"]
    sha256: str
    previous: str | None
    probation: bool
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The document that `galago activate --json` prints."""
        return asdict(self)


def activate(path: Path, models: Models, limits: Limits, *, again: bool = False) -> Outcome:
    """Make the model of a file the active one, on probation, if it may be.

    `again`: also one that has failed here before.

    Raises:
        ModelFileError: it is no model file.
        OSError: there is no room, or the disk fails; the active model is as before.
    """
    model = ModelFile.read(path)
    sha256 = model.sha256
    models.make()
    with models.turn() as ledger:
        if models.active == sha256 and models.is_whole(sha256):
            return _outcome("unchanged", sha256, models)
        why = ledger.refused.get(sha256, DAMAGED)
        if why != DAMAGED and not again:
            return _outcome("refused", sha256, models, f"it has failed: {why}")
        models.discard()
        staged = models.stage(sha256, model.content)
    try:
        check(ModelFile.read(staged), limits)
    except ModelFileError as error:
        with models.turn():
            models.discard()  # and not the file itself: it may be the one to go back to
            return _outcome("refused", sha256, models, str(error))
    with models.turn():
        if not models.is_whole(sha256):  # another activation meanwhile has discarded it
            models.stage(sha256, model.content)
        models.try_out(sha256)
        return _outcome("activated", sha256, models)


def check(model: ModelFile, limits: Limits) -> None:
    """See whether a model may serve on this machine.

    Raises:
        ModelFileError: it fails its golden frames, says the same of each of them, or is too slow.
    """
    verification = verify(model, threads=limits.threads)
    answers = model.golden.outputs
    if len(answers) > 1 and np.all(answers == answers[0]):
        raise ModelFileError(
            "it gives the same answer to every golden frame: train and convert it anew"
        )
    took_ms = verification.median_us / 1000
    if limits.max_ms is not None and took_ms > limits.max_ms:
        raise ModelFileError(
            f"it takes {took_ms:.1f} ms per picture here, expected {limits.max_ms:g} ms at most "
            "(model.max_ms): take a smaller network, or allow more"
        )


def _outcome(
    state: Literal["activated", "unchanged", "refused"],
    sha256: str,
    models: Models,
    reason: str | None = None,
) -> Outcome:
    ledger = models.ledger
    trial = ledger.trial
    previous = trial.previous if trial else ledger.previous
    return Outcome(state, sha256, previous, trial is not None and state != "refused", reason)
