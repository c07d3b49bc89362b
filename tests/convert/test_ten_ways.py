"""Ten ways to be wrong about a model, each of which gave bad answers in silence elsewhere.

Every one is refused by the command in one line, and no two lines say the same.
"""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from galago.bundle import container
from galago.bundle.model_file import ModelFile
from tests.conftest import LABELS as SHAPES
from tests.conftest import Outcome
from tests.convert.guests import LABELS, guest, write_labels, write_pictures

Words = tuple[object, ...]

REFUSALS = {
    "colours": (3, "RGB and BGR swapped"),
    "normalised twice": (3, "normalised twice"),
    "label count": (2, "wrong label count"),
    "label order": (3, "label order changed"),
    "one class": (2, "have different classes"),
    "truncated": (3, "cut short"),
    "flatbuffer": (3, "the model differs from the one that was described"),
    "manifest": (3, "galago.json is not"),
    "golden frames": (3, "golden.npz is not"),
    "newer schema": (3, "made for a newer Galago"),
}


@pytest.fixture(scope="module")
def wrong(
    model_path: Path, run_folder: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Words]:
    """The command's words for each way."""
    folder = tmp_path_factory.mktemp("wrong")
    pictures = write_pictures(folder / "pictures")
    right = write_labels(folder / "labels.txt")
    few = write_labels(folder / "few.txt", LABELS[:3])
    sorted_ = write_labels(folder / "sorted.txt", tuple(sorted(LABELS)))
    (folder / "float.tflite").write_bytes(guest())
    (folder / "shapes.tflite").write_bytes(ModelFile.read(model_path).flatbuffer)
    shapes = write_labels(folder / "shapes.txt", SHAPES)
    shutil.copytree(dataset / "circle", folder / "one" / "train" / "circle")
    shutil.copytree(dataset, folder / "one" / "test")

    def adopt(file: str, labels: Path, *claims: object) -> Words:
        out = folder / "adopted.tflite"
        model = folder / f"{file}.tflite"
        return ("adopt", model, "--labels", labels, "--images", pictures, "--out", out, *claims)

    def verify(name: str, content: bytes) -> Words:
        path = folder / f"{name}.tflite"
        path.write_bytes(content)
        return "verify", path

    said = ("--mean", 127.5, "--std", 127.5)
    whole, model = model_path.read_bytes(), ModelFile.read(model_path)
    return {
        "colours": adopt("float", right, *said, "--colour", "bgr"),
        "normalised twice": adopt("shapes", shapes, *said),
        "label count": adopt("float", few, *said),
        "label order": adopt("float", sorted_, *said),
        "one class": (
            *("convert", run_folder, "--data", folder / "one"),
            *("--out", folder / "adopted.tflite"),
        ),
        "truncated": verify("truncated", whole[: len(whole) // 2]),
        "flatbuffer": verify("flatbuffer", flipped(whole, len(model.flatbuffer) // 2)),
        "manifest": verify("manifest", flipped(whole, inside(whole, container.MANIFEST))),
        "golden frames": verify("golden", flipped(whole, inside(whole, container.GOLDEN))),
        "newer schema": verify("newer", of_schema(model, 99)),
    }


def flipped(content: bytes, position: int) -> bytes:
    """One byte changed."""
    changed = bytearray(content)
    changed[position] ^= 0xFF
    return bytes(changed)


def inside(content: bytes, name: str) -> int:
    """A position in the middle of an entry."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entry = archive.getinfo(name)
    return entry.header_offset + 30 + len(name) + entry.compress_size // 2


def of_schema(model: ModelFile, schema: int) -> bytes:
    """The same file, said to be of another schema."""
    document = json.loads(model.manifest.to_json()) | {"schema": schema}
    _, entries = container.split(model.content)
    entries[container.MANIFEST] = json.dumps(document).encode()
    return container.join(model.flatbuffer, entries)


@pytest.mark.parametrize("way", REFUSALS)
def test_it_is_refused_with_its_own_message(
    way: str, wrong: dict[str, Words], galago: Callable[..., Outcome]
) -> None:
    """The documented exit code, one line, and nothing written."""
    code, message = REFUSALS[way]
    outcome = galago(*wrong[way])
    assert outcome.code == code
    assert message in outcome.complaint
    others = {text for name, (_, text) in REFUSALS.items() if name != way}
    assert not any(text in outcome.complaint for text in others)
    (folder,) = {Path(str(word)).parent for word in wrong[way][1:2]}
    assert not (folder / "adopted.tflite").exists()
