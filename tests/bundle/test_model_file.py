"""The one file that crosses: whole, or refused with a reason."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from galago.bundle import container
from galago.bundle.interpreter import Interpreter
from galago.bundle.manifest import Manifest
from galago.bundle.model_file import ModelFile
from galago.errors import ModelFileError
from tests.conftest import LABELS, Outcome


def test_any_zip_program_lists_what_is_inside(model_path: Path) -> None:
    """The archive is a plain zip behind the flatbuffer."""
    with zipfile.ZipFile(model_path) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {"galago.json", "labels.txt", "golden.npz"}
        assert archive.read("labels.txt").decode().split() == list(LABELS)


def test_any_tflite_program_opens_it(model_path: Path) -> None:
    """The interpreter takes the file as it is, archive and all, with the same answers."""
    model = ModelFile.read(model_path)
    answers = []
    for content in (model.content, model.flatbuffer):
        interpreter = Interpreter(content)
        interpreter.write(model.golden.inputs[0])
        answers.append(interpreter.invoke())
    assert np.array_equal(answers[0], answers[1])


def test_same_parts_give_the_same_bytes(model_path: Path) -> None:
    """Taken apart and built again, the file is identical."""
    model = ModelFile.read(model_path)
    again = ModelFile.build(model.flatbuffer, model.manifest, model.golden)
    assert again.content == model.content


def test_reading_gives_back_what_was_built(model_path: Path, tmp_path: Path) -> None:
    """Labels with spaces and letters of other scripts survive the way through the file."""
    model = ModelFile.read(model_path)
    labels = ("blue tit", "빈 둥지", "Eichhörnchen")
    thresholds = {"blue tit": 0.9, "빈 둥지": None, "Eichhörnchen": 1.0}
    manifest = replace(model.manifest, labels=labels, thresholds=thresholds)
    ModelFile.build(model.flatbuffer, manifest, model.golden).write(tmp_path / "other.tflite")
    assert ModelFile.read(tmp_path / "other.tflite").manifest == manifest


def test_flatbuffer_with_foreign_attachments_is_a_model_without_our_part(model_path: Path) -> None:
    """TFLite's own associated files are passed over, not mistaken for ours."""
    flatbuffer = ModelFile.read(model_path).flatbuffer
    foreign = container.join(flatbuffer, {"other_labels.txt": b"a\nb\n"})
    assert container.split(foreign) == (flatbuffer, {})


def test_duplicate_entries_are_refused(model_path: Path) -> None:
    """Two manifests in one file would mean two truths."""
    buffer = io.BytesIO(model_path.read_bytes())
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("labels.txt", "x\n")
    with pytest.raises(ModelFileError, match=r"labels\.txt is in it twice"):
        ModelFile.parse(buffer.getvalue())


def test_an_entry_that_unpacks_to_too_much_is_refused(model_path: Path) -> None:
    """A bomb of zeros is noticed at the limit, not after it has filled the memory."""
    model = ModelFile.read(model_path)
    bomb = container.join(model.flatbuffer, {"galago.json": b"\0" * (2 << 20)})
    with pytest.raises(ModelFileError, match=r"galago\.json is larger than 1048576 bytes"):
        ModelFile.parse(bomb)


def with_manifest(model: ModelFile, change: Callable[[dict[str, object]], object]) -> bytes:
    document = json.loads(model.manifest.to_json())
    change(document)
    _, entries = container.split(model.content)
    entries["galago.json"] = json.dumps(document).encode()
    return container.join(model.flatbuffer, entries)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("schema", 3, "made for a newer Galago: its schema is 3, this version reads up to 2"),
        ("schema", "1", "has schema '1'"),
        ("labels", ["a"], "two or more different labels"),
        ("labels", ["a", "b", "a"], "two or more different labels"),
        ("labels", ["circle", "square", "empty"], "name different labels"),
        ("head", "logits", "has head 'logits'"),
        ("flatbuffer_sha256", "00", "differs from the one that was described"),
        ("preprocess", {"height": 0, "width": 64}, "has the input size"),
        ("preprocess", None, "malformed"),
        ("metrics", 5, "malformed"),
        ("thresholds", [0.5], "thresholds of other labels"),
        ("thresholds", 7, "malformed"),
        ("temperature", 10**400, "malformed"),
        ("labels", ["circle\n", "empty", "square"], "where a label should be"),
        ("labels", ["\ud800", "empty", "square"], "which is no plain text"),
        ("provenance", {"trained": "\x1b[2J"}, "which is no plain text"),
        (
            "provenance",
            {"a": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]},
            "nested",
        ),
    ],
)
def test_a_manifest_that_lies_is_refused(
    model_path: Path, key: str, value: object, message: str
) -> None:
    """Every wrong value has its own message."""
    model = ModelFile.read(model_path)
    with pytest.raises(ModelFileError, match=message):
        ModelFile.parse(with_manifest(model, lambda document: document.update({key: value})))


@pytest.mark.parametrize("key", ["schema", *Manifest.__dataclass_fields__])
def test_a_manifest_that_lacks_something_is_refused(model_path: Path, key: str) -> None:
    """What is missing is named."""
    model = ModelFile.read(model_path)
    with pytest.raises(ModelFileError, match=f"lacks '{key}'"):
        ModelFile.parse(with_manifest(model, lambda document: document.pop(key)))


def test_later_versions_may_add_keys(model_path: Path) -> None:
    """An unknown key is not an error."""
    model = ModelFile.read(model_path)
    content = with_manifest(model, lambda document: document.update({"colour_of_the_day": "teal"}))
    assert ModelFile.parse(content).manifest == model.manifest


@pytest.mark.parametrize("keep", [0, 7, 100, 0.5, 0.99, -1])
def test_a_truncated_file_is_one_clear_line_and_exit_3(
    model_path: Path, tmp_path: Path, galago: Callable[..., Outcome], keep: float
) -> None:
    """Wherever a copy breaks off, the message names the file and nothing crashes."""
    content = model_path.read_bytes()
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(content[: int(keep * len(content)) if 0 < keep < 1 else int(keep)])
    for verb in (("inspect",), ("verify",), ("classify", cut.with_suffix(".png"))):
        cut.with_suffix(".png").touch()
        outcome = galago(verb[0], cut, *verb[1:])
        assert outcome.code == 3
        assert outcome.complaint.startswith(f"galago: {cut}: ")


@pytest.mark.parametrize("where", [0.1, 0.3, 0.61, 0.8, 0.9])
def test_one_flipped_byte_is_noticed(model_path: Path, where: float) -> None:
    """In the model, the golden frames or the archive's directory: a changed file is refused."""
    content = bytearray(model_path.read_bytes())
    content[int(where * len(content))] ^= 0xFF
    with pytest.raises(ModelFileError):
        ModelFile.parse(bytes(content))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("flatbuffer", "damaged: the model differs from the one that was described"),
        ("galago.json", r"damaged: galago\.json is not what was written \(checksum\)"),
        ("labels.txt", r"damaged: labels\.txt is not what was written \(checksum\)"),
        ("golden.npz", r"damaged: golden\.npz is not what was written \(checksum\)"),
    ],
)
def test_the_message_names_the_part_with_the_flipped_byte(
    model_path: Path, part: str, message: str
) -> None:
    """What is damaged tells where to look for the cause."""
    model = ModelFile.read(model_path)
    _, entries = container.split(model.content)
    inside = {"flatbuffer": model.flatbuffer, **entries}[part]
    content = bytearray(model.content)
    content[model.content.index(inside) + len(inside) // 2] ^= 0xFF
    with pytest.raises(ModelFileError, match=message):
        ModelFile.parse(bytes(content))


def test_reading_unpacks_no_golden_frame(model_path: Path) -> None:
    """Pictures of strangers are decoded by the child that verifies, never by the reader."""
    model = ModelFile.read(model_path)
    _, entries = container.split(model.content)
    entries["golden.npz"] = b"no pictures"
    unread = ModelFile.parse(container.join(model.flatbuffer, entries))
    with pytest.raises(ModelFileError, match="golden frames cannot be read"):
        unread.golden.to_bytes()


def test_files_of_the_first_schema_still_serve(model_path: Path) -> None:
    """What they did not know gets the value that changes nothing."""
    model = ModelFile.read(model_path)

    def older(document: dict[str, object]) -> None:
        document["schema"] = 1
        for key in ("golden", "temperature", "thresholds"):
            del document[key]

    manifest = ModelFile.parse(with_manifest(model, older)).manifest
    assert manifest.temperature == 1.0
    assert manifest.thresholds == {}
    assert not manifest.golden.exact


def test_a_model_without_galagos_part_says_so(
    model_path: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """A bare TFLite model is told apart from a damaged file."""
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(ModelFile.read(model_path).flatbuffer)
    outcome = galago("inspect", bare)
    assert outcome.code == 3
    assert "a model without Galago's part (galago.json" in outcome.complaint


def test_a_file_that_tells_less_can_still_be_inspected(
    model_path: Path, tmp_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Figures and provenance are for people: without them the file serves all the same."""
    model = ModelFile.read(model_path)
    manifest = replace(model.manifest, quantization={}, metrics={"n": 3}, provenance={})
    path = tmp_path / "terse.tflite"
    ModelFile.build(model.flatbuffer, manifest, model.golden).write(path)
    assert "on 3 test pictures" in galago("inspect", path).out
    assert json.loads(galago("inspect", path, "--json").out)["metrics"] == {"n": 3}


def test_inspect_json_has_the_documented_keys(
    model_path: Path, galago: Callable[..., Outcome]
) -> None:
    """Other programs rely on these names."""
    document = json.loads(galago("inspect", model_path, "--json").out)
    assert document["schema"] == 2
    assert document["labels"] == list(LABELS)
    assert (
        document["input"].items()
        >= {
            "height": 64,
            "width": 64,
            "dtype": "uint8",
            "colour": "rgb",
        }.items()
    )
    assert document["quantization"]["input"] == {"dtype": "uint8", "scale": 1.0, "zero_point": 0}
    assert document["sha256"] == ModelFile.read(model_path).sha256
    assert document.keys() >= {"provenance", "metrics"}
