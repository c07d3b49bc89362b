"""Model files that answer alike and are not the same, and one that may not serve."""

from dataclasses import dataclass
from pathlib import Path

from galago.bundle.model_file import ModelFile
from galago.bundle.verify import judge
from tests.variants import another, failing

NAMES = ("first", "second", "third")


@dataclass(frozen=True)
class Relatives:
    """`paths` of model files by name; `verified`: names by sha256, of those that may serve."""

    paths: dict[str, Path]
    verified: dict[str, str]

    @property
    def sha256(self) -> dict[str, str]:
        """Digests by name."""
        return {name: sha256 for sha256, name in self.verified.items()}


def relatives(model: Path, folder: Path) -> Relatives:
    """Make NAMES and "bad" from one model; the golden frames of the former are seen to pass."""
    paths = {name: another(model, folder / f"{name}.tflite", name) for name in NAMES}
    files = {name: ModelFile.read(path) for name, path in paths.items()}
    for file in files.values():
        judge(file)
    bad = failing(model, folder / "bad.tflite")
    return Relatives(paths | {"bad": bad}, {file.sha256: name for name, file in files.items()})
