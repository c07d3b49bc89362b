"""Single pictures through the same classifier as the camera's."""

import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galago.bundle.classifier import Classifier, best_first
from galago.bundle.image import is_image, read_image
from galago.errors import UsageError

TOP = 5


@dataclass(frozen=True, slots=True)
class Classified:
    """A picture and its best classes, best first, with scores 0–1."""

    path: Path
    top: tuple[tuple[str, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """One element of the document that `galago classify --json` prints."""
        label, score = self.top[0]
        return {"path": str(self.path), "label": label, "score": score, "top": self.top}


def classify(classifier: Classifier, paths: Iterable[Path]) -> Iterator[Classified]:
    """Classify image files.

    Raises:
        DataError: a file is not an image.
    """
    for path in paths:
        scores = classifier(read_image(path))
        order = best_first(scores)[:TOP]
        top = tuple((classifier.labels[index], round(float(scores[index]), 4)) for index in order)
        yield Classified(path, top)


def as_text(results: list[Classified]) -> str:
    """One line per picture: its best class, then the others."""
    lines = []
    for result in results:
        (label, score), *others = result.top
        rest = ", ".join(f"{other} {share:.1%}" for other, share in others)
        lines.append(f"{result.path}: {label} {score:.1%}  ({rest})")
    return "\n".join(lines)


def find_images(arguments: Iterable[str]) -> list[Path]:
    """Files as they are, folders and globs as the pictures in them.

    Raises:
        UsageError: an argument names nothing, or no picture.
    """
    return [path for argument in arguments for path in _expand(argument)]


def _expand(argument: str) -> list[Path]:
    path = Path(argument)
    if path.is_dir():
        found = sorted(child for child in path.rglob("*") if is_image(child))
    elif path.exists():
        found = [path]
    else:
        matches = map(Path, glob.glob(argument, recursive=True))  # noqa: PTH207 - absolute ones too
        found = sorted(match for match in matches if match.is_file())
    if not found:
        raise UsageError(f"{argument}: no picture there; expected a file, a folder or a pattern")
    return found
