"""A verified model, loaded with as many threads as suit this machine."""

from dataclasses import dataclass
from pathlib import Path

from galago.bundle.classifier import Classifier
from galago.bundle.model_file import ModelFile
from galago.bundle.verify import Verification, open_verified
from galago.edge.threads import threads_for


@dataclass(frozen=True, slots=True, eq=False)
class Serving:
    """A model that may serve, and what its golden frames showed here."""

    model: ModelFile
    classifier: Classifier
    verification: Verification


def open_serving(path: Path, threads: int | None = None) -> Serving:
    """Read, verify and load a model file; `threads` None is what `galago bench --save` has found.

    Raises:
        ModelFileError: it is damaged, or fails; the message names `path`.
    """
    model, verification = open_verified(path, threads=threads or 1)
    threads = threads or threads_for(model.sha256, verification.interpreter)
    return Serving(model, Classifier.open(model, threads), verification)
