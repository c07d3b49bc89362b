"""What is carried: complete, described, and found out when it was spoilt on its way."""

import json
import re
import shutil
from pathlib import Path

import pytest

from galago.deploy.device.parcel import Parcel
from galago.deploy.payload import pack, release_of
from galago.deploy.target import TARGETS, target_named
from galago.errors import DeviceError, UsageError
from tests.deploy.conftest import CACHE

SMALL = target_named("bookworm", "armv7l")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text('device = "porch"\n')
    return path


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A payload without wheels, for tests to copy."""
    folder = tmp_path_factory.mktemp("packed")
    (folder / "porch.tflite").write_bytes(b"a model")
    (folder / "mine.toml").write_text('device = "porch"\n')
    model, config = folder / "porch.tflite", folder / "mine.toml"
    out = folder / "payload"
    return pack(SMALL, out, model=model, config=config, wheels=False, cache=folder).folder


def test_the_installer_reads_what_was_packed(any_model: Path, config: Path, tmp_path: Path) -> None:
    """Both sides mean the same by every key."""
    payload = pack(SMALL, tmp_path / "payload", model=any_model, config=config, cache=CACHE)
    parcel = Parcel.read(payload.folder)
    assert parcel.release == payload.release == release_of(SMALL)
    assert parcel.carried
    assert parcel.pip is not None
    assert parcel.apt == {"numpy": "python3-numpy", "cv2": "python3-opencv"}
    assert parcel.model.read_bytes() == b"a model"
    assert parcel.model_sha256 == payload.model_sha256
    assert parcel.config is not None
    assert parcel.config.read_text() == 'device = "porch"\n'
    assert payload.size == sum(p.stat().st_size for p in payload.folder.rglob("*") if p.is_file())


def test_a_release_is_known_before_anything_is_fetched(any_model: Path, tmp_path: Path) -> None:
    """It depends on the device and on Galago, not on model, configuration or way."""
    names = {target.name: release_of(target) for target in TARGETS}
    assert len(set(names.values())) == len(TARGETS)
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in names.values())
    few = pack(SMALL, tmp_path / "few", model=any_model, wheels=False, cache=tmp_path)
    online = pack(SMALL, tmp_path / "online", model=any_model, online=True, cache=CACHE)
    assert few.release == online.release == names[SMALL.name]


def test_a_device_that_has_the_release_gets_no_wheels(any_model: Path, tmp_path: Path) -> None:
    """But for the one that the installer is in."""
    payload = pack(SMALL, tmp_path / "payload", model=any_model, wheels=False, cache=tmp_path)
    parcel = Parcel.read(payload.folder)
    assert [wheel.name.split("-")[0] for wheel in parcel.wheels] == ["galago"]
    assert not parcel.carried


def test_a_device_that_is_online_gets_pip_and_galago(any_model: Path, tmp_path: Path) -> None:
    """The index has the rest, and the digests are ours."""
    payload = pack(SMALL, tmp_path / "payload", model=any_model, online=True, cache=CACHE)
    parcel = Parcel.read(payload.folder)
    assert sorted(wheel.name.split("-")[0] for wheel in parcel.wheels) == ["galago", "pip"]
    assert parcel.online
    assert all("--hash=sha256:" in line for line in parcel.requirements.read_text().splitlines())


def test_nothing_is_mixed_with_what_is_there(any_model: Path, tmp_path: Path) -> None:
    """A folder with files in it is left alone."""
    with pytest.raises(UsageError, match="not empty"):
        pack(SMALL, tmp_path, model=any_model, cache=CACHE)
    with pytest.raises(UsageError, match=r"nowhere\.tflite is not a file"):
        pack(SMALL, tmp_path / "payload", model=tmp_path / "nowhere.tflite", cache=CACHE)


@pytest.mark.parametrize(
    "name", ["wheels/galago-0.1.0-py3-none-any.whl", "porch.tflite", "galago.toml",
             "requirements.txt"]
)  # fmt: skip
@pytest.mark.parametrize("gone", [False, True])
def test_what_was_spoilt_on_its_way_is_found_out(
    name: str, packed: Path, tmp_path: Path, *, gone: bool
) -> None:
    """Before anything is installed; the file is named."""
    folder = shutil.copytree(packed, tmp_path / "payload")
    if gone:
        (folder / name).unlink()
    else:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)
    with pytest.raises(DeviceError, match=f"{name}.*bring the payload anew"):
        Parcel.read(folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": 2}, "form 2, expected 1"),
        ({"release": "../../etc"}, "not a payload's"),
        ({"model": {"name": "../porch.tflite", "sha256": "0" * 64}}, "not a payload's"),
        ({"model": {"name": "..", "sha256": "0" * 64}}, "not a payload's"),
        ({"wheels": [{"name": "/etc/passwd", "sha256": "0" * 64}]}, "not a payload's"),
        ({"wheels": 3}, "not a payload's"),
    ],
)
def test_a_payload_that_is_none_is_refused(
    change: dict[str, object], says: str, packed: Path, tmp_path: Path
) -> None:
    """Nothing outside its folder is read, whatever it names."""
    folder = shutil.copytree(packed, tmp_path / "payload")
    manifest = json.loads((folder / "payload.json").read_text())
    (folder / "payload.json").write_text(json.dumps(manifest | change))
    with pytest.raises(DeviceError, match=says):
        Parcel.read(folder)


def test_a_folder_without_a_manifest_is_no_payload(tmp_path: Path) -> None:
    """Nor is one whose manifest is half there."""
    with pytest.raises(DeviceError, match="is not a payload"):
        Parcel.read(tmp_path)
    (tmp_path / "payload.json").write_text('{"schema": 1, "rel')
    with pytest.raises(DeviceError, match="is damaged"):
        Parcel.read(tmp_path)
