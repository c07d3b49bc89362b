"""Golden frames: a model that answers otherwise here does not serve here."""

import hashlib
import json
import platform
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.golden import Golden
from galago.bundle.model_file import ModelFile
from galago.bundle.verify import as_text, try_out, verify
from galago.errors import ModelFileError
from tests.conftest import Outcome
from tests.fuzz.archives import Sample
from tests.fuzz.mutators import golden_bomb

ARM = ("aarch64", "arm64")


def rebuilt(model: ModelFile, **changes: object) -> ModelFile:
    return ModelFile.build(model.flatbuffer, model.manifest, replace(model.golden, **changes))  # type: ignore[arg-type]


def recorded_otherwise(model: ModelFile, **changes: object) -> ModelFile:
    golden = replace(model.manifest.golden, **changes)  # type: ignore[arg-type]
    return ModelFile.build(model.flatbuffer, replace(model.manifest, golden=golden), model.golden)


def test_a_sound_model_passes_bit_for_bit(model_path: Path, galago: Callable[..., Outcome]) -> None:
    """The machine that made the golden frames gets the very same answers."""
    answer = json.loads(galago("verify", model_path, "--json").out)
    assert answer["passed"] is True
    assert answer["exact"] is True
    assert answer["rule"] == "same bits"
    assert answer["same_pictures"] is True
    assert answer["agreement"] == 1.0
    assert answer["n"] == 33  # the same number of each of three classes, 32 at least
    assert answer["accelerated"] is True
    assert answer["interpreter"].startswith("ai-edge-litert ")


def test_golden_frames_cover_every_class(model_path: Path) -> None:
    """A class without a golden frame could be broken without being noticed."""
    golden = ModelFile.read(model_path).golden
    assert set(golden.outputs.argmax(axis=1)) == {0, 1, 2}
    assert len(golden.frames) >= 3


def test_where_the_bits_must_be_the_same_one_step_is_too_much(model_path: Path) -> None:
    """An integer model on the interpreter that recorded it: no tolerance, and figures."""
    model = ModelFile.read(model_path)
    outputs = model.golden.outputs.copy()
    outputs[5, 0] ^= 1
    message = r"answers otherwise: 1 of 33 answers differ, a score by 0\.00.*expected the same bits"
    with pytest.raises(ModelFileError, match=message):
        verify(rebuilt(model, outputs=outputs))


@pytest.mark.parametrize("machine", ["x86_64" if platform.machine() in ARM else "aarch64", ""])
def test_from_another_kind_of_processor_one_step_is_allowed(model_path: Path, machine: str) -> None:
    """SOFTMAX has other tables on Arm; two steps, or one on the same kind, are a fault anywhere."""
    model = recorded_otherwise(ModelFile.read(model_path), machine=machine)
    outputs = model.golden.outputs.astype(np.int16)
    outputs[5, 0] += 1 if outputs[5, 0] < 128 else -1
    verification = verify(rebuilt(model, outputs=outputs.astype(np.uint8)))
    assert (verification.rule, verification.exact) == ("one step", False)
    assert "(asked: one step)" in as_text(verification)
    outputs[5, 0] += 1 if outputs[5, 0] < 128 else -1
    with pytest.raises(ModelFileError, match=r"1 of 33 answers differ.*expected one step at most"):
        verify(rebuilt(model, outputs=outputs.astype(np.uint8)))


@pytest.mark.parametrize("change", [{"interpreter": "another 1.0"}, {"exact": False}])
def test_elsewhere_a_score_may_differ_by_the_recorded_tolerance(
    model_path: Path, change: dict[str, object]
) -> None:
    """Another interpreter, or a float model, cannot be asked for the same bits."""
    model = ModelFile.read(model_path)
    outputs = model.golden.outputs.copy()
    outputs[5, 0] ^= 1
    off = recorded_otherwise(rebuilt(model, outputs=outputs), **change)
    verification = verify(off)
    assert verification.rule == "within tolerance"
    assert not verification.exact
    assert 0 < verification.worst_steps <= 2
    assert "as recorded within 0.062 (asked: within 0.062)" in as_text(verification)
    with pytest.raises(ModelFileError, match=r"1 of 33 answers differ.*at most 0\.001"):
        verify(recorded_otherwise(off, tolerance=0.001))


def test_other_answers_fail(model_path: Path) -> None:
    """Recorded answers far from what this machine gives fail under either rule."""
    model = ModelFile.read(model_path)
    turned = rebuilt(model, outputs=np.roll(model.golden.outputs, 1, axis=1))
    for file in (turned, recorded_otherwise(turned, exact=False)):
        with pytest.raises(ModelFileError, match="the pictures are prepared as recorded"):
            verify(file)


def test_other_preprocessing_fails_by_name(model_path: Path) -> None:
    """When pictures come out differently here, the message says that it is the preprocessing."""
    model = ModelFile.read(model_path)
    mirrored = tuple(np.ascontiguousarray(frame[:, ::-1]) for frame in model.golden.frames)
    message = (
        r"preprocessing differs for 33 of 33 pictures, by up to \d+.*recorded pictures are right"
    )
    with pytest.raises(ModelFileError, match=message):
        verify(rebuilt(model, frames=mirrored))


def test_both_steps_are_named_when_both_differ(model_path: Path) -> None:
    """Preprocessing first: it may be the cause."""
    model = ModelFile.read(model_path)
    mirrored = tuple(np.ascontiguousarray(frame[:, ::-1]) for frame in model.golden.frames)
    turned = np.roll(model.golden.outputs, 1, axis=1)
    with pytest.raises(
        ModelFileError, match=r"preprocessing differs for .*33 of 33 answers differ"
    ):
        verify(rebuilt(model, frames=mirrored, outputs=turned))


def test_swapped_colours_fail(model_path: Path) -> None:
    """Red and blue exchanged, the field's classic, do not pass."""
    model = ModelFile.read(model_path)
    spec = replace(model.manifest.preprocess, colour="bgr")
    manifest = replace(model.manifest, preprocess=spec)
    with pytest.raises(ModelFileError, match="preprocessing differs for 33 of 33"):
        verify(ModelFile.build(model.flatbuffer, manifest, model.golden))


def test_golden_frames_of_another_model_are_refused(model_path: Path) -> None:
    """Answers of another form are damage, not a wrong answer."""
    model = ModelFile.read(model_path)
    golden = model.golden
    for changes, message in (
        ({"outputs": golden.outputs[:, :2]}, r"answers \(33, 2\) uint8, the model gives \(33, 3\)"),
        ({"outputs": golden.outputs.astype(np.float32)}, "answers .* float32, the model gives"),
        ({"inputs": np.ascontiguousarray(golden.inputs[:, :9])}, "the model needs"),
        ({"frames": golden.frames[:7]}, "damaged: 7 golden frames, galago.json names 33"),
    ):
        with pytest.raises(ModelFileError, match=message):
            verify(rebuilt(model, **changes))


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


def test_a_strangers_model_is_tried_out_in_a_child(model_path: Path) -> None:
    """Sound graphs pass in silence; garbage in the tables is an error here, no crash."""
    flatbuffer = ModelFile.read(model_path).flatbuffer
    try_out(flatbuffer)
    random = np.random.default_rng(1)
    for _ in range(4):
        garbage = bytearray(flatbuffer)
        for position in random.integers(8, 4000, 40):
            garbage[position] = int(random.integers(0, 256))
        with pytest.raises(ModelFileError):
            try_out(bytes(garbage))
    with pytest.raises(ModelFileError, match=r"did not finish a single picture within 0\.001 s"):
        try_out(flatbuffer, deadline_s=0.001)


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


def test_golden_frames_that_unpack_to_half_a_gigabyte_are_refused(model_path: Path) -> None:
    """The child gets so much memory and no more; its message says what asked for it."""
    bomb = golden_bomb(Sample.read(model_path), "inputs")
    with pytest.raises(ModelFileError, match=r"cannot be read \(Unable to allocate 512"):
        verify(ModelFile.parse(bomb))


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
