"""Golden frames: a model that answers otherwise here does not serve here."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.golden import Golden
from galago.bundle.model_file import ModelFile
from galago.bundle.verify import verify
from galago.errors import ModelFileError
from tests.conftest import Outcome


def rebuilt(model: ModelFile, **changes: object) -> ModelFile:
    return ModelFile.build(model.flatbuffer, model.manifest, replace(model.golden, **changes))  # type: ignore[arg-type]


def test_a_sound_model_passes_bit_for_bit(model_path: Path, galago: Callable[..., Outcome]) -> None:
    """The machine that made the golden frames gets the very same answers."""
    answer = json.loads(galago("verify", model_path, "--json").out)
    assert answer["passed"] is True
    assert answer["exact"] is True
    assert answer["agreement"] == 1.0
    assert answer["n"] == 32
    assert answer["accelerated"] is True
    assert answer["interpreter"].startswith("ai-edge-litert ")


def test_golden_frames_cover_every_class(model_path: Path) -> None:
    """A class without a golden frame could be broken without being noticed."""
    golden = ModelFile.read(model_path).golden
    assert set(golden.outputs.argmax(axis=1)) == {0, 1, 2}
    assert len(golden.frames) >= 3


def test_other_answers_fail(model_path: Path) -> None:
    """Recorded answers that this machine does not give are a failure with figures."""
    model = ModelFile.read(model_path)
    turned = rebuilt(model, outputs=np.roll(model.golden.outputs, 1, axis=1))
    with pytest.raises(ModelFileError, match="answers are the recorded ones, a score is off by"):
        verify(turned)


def test_other_preprocessing_fails_by_name(model_path: Path) -> None:
    """When pictures come out differently here, the message says that it is the preprocessing."""
    model = ModelFile.read(model_path)
    mirrored = tuple(np.ascontiguousarray(frame[:, ::-1]) for frame in model.golden.frames)
    with pytest.raises(ModelFileError, match="preprocessing gives pictures that differ by"):
        verify(rebuilt(model, frames=mirrored))


def test_swapped_colours_fail(model_path: Path) -> None:
    """Red and blue exchanged, the field's classic, do not pass."""
    model = ModelFile.read(model_path)
    spec = replace(model.manifest.preprocess, colour="bgr")
    with pytest.raises(ModelFileError, match="preprocessing gives pictures"):
        verify(
            ModelFile.build(
                model.flatbuffer, replace(model.manifest, preprocess=spec), model.golden
            )
        )


def test_a_model_that_does_not_finish_is_stopped(model_path: Path) -> None:
    """The deadline ends the child process."""
    with pytest.raises(ModelFileError, match=r"did not finish its golden frames within 0\.001 s"):
        verify(ModelFile.read(model_path), deadline_s=0.001)


def test_a_hostile_flatbuffer_cannot_take_the_parent_down(model_path: Path) -> None:
    """Whatever garbage in the model does to the interpreter, it is an error here, no crash."""
    model = ModelFile.read(model_path)
    random = np.random.default_rng(0)
    for _ in range(8):
        garbage = bytearray(model.flatbuffer)
        for position in random.integers(8, 4000, 40):  # the tables, not the weights
            garbage[position] = int(random.integers(0, 256))
        digest = hashlib.sha256(garbage).hexdigest()
        manifest = replace(model.manifest, flatbuffer_sha256=digest)
        with pytest.raises(ModelFileError):
            verify(ModelFile.build(bytes(garbage), manifest, model.golden))


def test_a_broken_model_in_a_sound_file_fails(
    shared: Path, model_path: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """A flatbuffer that loads and cannot be run: one line that names the file, exit 3."""
    model = ModelFile.read(model_path)
    broken = (shared / "models" / "broken_invoke.tflite").read_bytes()
    manifest = replace(model.manifest, flatbuffer_sha256=hashlib.sha256(broken).hexdigest())
    path = tmp_path / "broken.tflite"
    ModelFile.build(broken, manifest, model.golden).write(path)
    for verb in (["verify", path], ["run", "--model", path, "--camera", "fake:bars*3"]):
        outcome = galago(*verb)
        assert outcome.code == 3
        assert outcome.complaint.startswith(f"galago: {path}: ai-edge-litert")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no", b"\x93NUMPY"])
def test_unreadable_golden_frames_are_refused(content: bytes) -> None:
    """Damage inside the archive's parts has a message too."""
    with pytest.raises(ModelFileError, match="golden frames cannot be read"):
        Golden.from_bytes(content)


def test_golden_frames_must_fit_together(model_path: Path) -> None:
    """Fewer answers than pictures is damage."""
    golden = ModelFile.read(model_path).golden
    with pytest.raises(ModelFileError, match="golden frames are incomplete"):
        Golden.from_bytes(replace(golden, outputs=golden.outputs[:3]).to_bytes())
