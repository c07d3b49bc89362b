"""A verified model, loaded with as many threads as suit this machine."""

from dataclasses import dataclass, replace
from pathlib import Path

from galago.bundle.classifier import Classifier
from galago.bundle.verify import Verification, open_verified
from galago.edge.threads import threads_for


@dataclass(frozen=True, slots=True, eq=False)
class Serving:
    """A model that may serve: its name, `sha256`, and what its golden frames showed here."""

    sha256: str
    classifier: Classifier
    verification: Verification


def open_serving(path: Path, threads: int | None = None) -> Serving:
    """Read, verify and load a model file; `threads` None is what `galago bench --save` has found.

    Raises:
        ModelFileError: it is damaged, or fails; the message names `path`.
    """
    model, verification = open_verified(path, threads=threads or 1)
    sha256 = model.sha256
    # For months only the flatbuffer is needed; the file and its golden frames are as large again.
    model = replace(model, content=b"", golden_npz=b"")
    threads = threads or threads_for(sha256, verification.interpreter)
    return Serving(sha256, Classifier.open(model, threads), verification)
