"""A verified model, loaded with as many threads as suit this machine."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from galago.bundle.classifier import Classifier
from galago.bundle.manifest import Manifest
from galago.bundle.verify import Verification, open_verified
from galago.edge.threads import threads_for


@dataclass(frozen=True, slots=True)
class Facts:
    """What the file says of its model, for people; a stranger's file may say nothing, or nonsense.

    `accuracy` on the test pictures, 0–1. `trained`: ISO 8601. `counts`: training pictures by label.
    """

    name: str = "model"
    accuracy: float | None = None
    trained: str | None = None
    counts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, manifest: Manifest) -> "Facts":
        """Those of a manifest; `name` is the file's."""
        accuracy = _inside(manifest.metrics, "converted", "accuracy")
        trained = manifest.provenance.get("trained")
        counts = _inside(manifest.provenance, "counts", "train")
        return cls(
            name,
            float(accuracy) if type(accuracy) in {int, float} else None,
            trained if isinstance(trained, str) else None,
            {
                label: counts[label]
                for label in (manifest.labels if isinstance(counts, dict) else ())
                if type(counts.get(label)) is int and counts[label] >= 0
            },
        )


@dataclass(frozen=True, slots=True, eq=False)
class Serving:
    """A model that may serve: its name, `sha256`, and what its golden frames showed here."""

    sha256: str
    classifier: Classifier
    verification: Verification
    facts: Facts = field(default_factory=Facts)


def open_serving(path: Path, threads: int | None = None) -> Serving:
    """Read, verify and load a model file; `threads` None is what `galago bench --save` has found.

    Raises:
        ModelFileError: it is damaged, or fails; the message names `path`.
    """
    model, verification = open_verified(path, threads=threads or 1)
    sha256 = model.sha256
    facts = Facts.of(path.name, model.manifest)
    # For months only the flatbuffer is needed; the file and its golden frames are as large again.
    model = replace(model, content=b"", golden_npz=b"")
    threads = threads or threads_for(sha256, verification.interpreter)
    return Serving(sha256, Classifier.open(model, threads), verification, facts)


def _inside(document: dict[str, Any], *keys: str) -> Any:
    """What is at the end of these keys, or None."""
    inner: Any = document
    for key in keys:
        inner = inner.get(key) if isinstance(inner, dict) else None
    return inner
