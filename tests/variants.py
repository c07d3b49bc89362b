"""Model files made from a sound one: another of the same kind, and ones that fail."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from galago.bundle.golden import Golden
from galago.bundle.model_file import ModelFile


def another(path: Path, target: Path, name: str = "another") -> Path:
    """A model that is as good and answers alike, with a sha256 of its own for each name."""
    model = ModelFile.read(path)
    manifest = replace(model.manifest, provenance=model.manifest.provenance | {"variant": name})
    ModelFile.build(model.flatbuffer, manifest, model.golden).write(target)
    return target


def failing(path: Path, target: Path) -> Path:
    """A whole file whose golden frames do not say what the model answers."""
    model = ModelFile.read(path)
    golden = model.golden
    outputs = np.ascontiguousarray(golden.outputs[:, ::-1])
    _rebuild(model, replace(golden, outputs=outputs)).write(target)
    return target


def _rebuild(model: ModelFile, golden: Golden) -> ModelFile:
    return ModelFile.build(model.flatbuffer, model.manifest, golden)
