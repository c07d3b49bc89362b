"""What is fetched for a device: every package of its lock, undamaged, for its own machine."""

import zipfile
from pathlib import Path

import pytest

from galago.deploy.target import TARGETS, Target, target_named
from galago.deploy.wheelhouse import place, requirements_of, wheelhouse
from galago.errors import DeviceError
from tests.deploy.conftest import CACHE
from tests.service.machine import needs_time

SMALL = target_named("bookworm", "armv7l")


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_lock_can_be_had_for_its_device(target: Target) -> None:
    """From the index, as wheels: one for each line, and pip's."""
    if target != SMALL:
        needs_time()
    folder = wheelhouse(target, CACHE)
    names = [path.name for path in folder.iterdir()]
    assert len(names) == len(requirements_of(target).splitlines()) + 1
    built_for = {name.rsplit("-", 1)[1].removesuffix(".whl") for name in names}
    assert all(tag == "any" or tag.endswith(target.machine) for tag in built_for)
    assert any(name.startswith("pip-") for name in names)


def test_what_is_there_is_not_fetched_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A wheelhouse is made once; without an index it still serves."""
    folder = wheelhouse(SMALL, CACHE)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    assert wheelhouse(SMALL, CACHE) == folder
    with pytest.raises(DeviceError, match=r"cannot be fetched: .*; is this machine online\?$"):
        _without_an_index(monkeypatch, tmp_path)
    assert not place(SMALL, tmp_path).exists()


def _without_an_index(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_RETRIES", "0")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    wheelhouse(SMALL, cache)


def test_a_damaged_wheel_never_leaves_this_machine(tmp_path: Path) -> None:
    """It is named, and so is the folder whose removal helps."""
    folder = place(SMALL, tmp_path)
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "annotated_doc-0.0.7-py3-none-any.whl", "w") as archive:
        archive.writestr("annotated_doc/__init__.py", "spoilt")
    with pytest.raises(DeviceError, match="no undamaged wheel of annotated-doc"):
        wheelhouse(SMALL, tmp_path)
