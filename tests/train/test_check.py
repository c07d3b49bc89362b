"""The command `galago check`: its document, its text, its exit codes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import LABELS, Outcome, write_dataset


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three classes of 20, and seven copies in the class of circles."""
    monkeypatch.setenv("GALAGO_CACHE", str(tmp_path / "cache"))
    root = write_dataset(tmp_path / "data", each=20)
    for number in range(7):
        shutil.copy(root / "circle" / f"{number:03}.png", root / "circle" / f"again{number}.png")
    return root


def test_json_has_the_documented_keys(data: Path, galago: Callable[..., Outcome]) -> None:
    """Other programs rely on these names; nothing but the document is on standard output."""
    document = json.loads(galago("check", data, "--json").out)
    assert document["n"] == 67
    assert document["classes"] == dict(zip(LABELS, (27, 20, 20), strict=True))
    copies = [p for p in document["problems"] if p["kind"] == "duplicate"]
    assert [Path(p["path"]).name for p in copies] == [f"again{n}.png" for n in range(7)]
    assert copies[0]["others"] == [str(data / "circle" / "000.png")]
    assert document["sizes"]["median"] == [80, 60]


def test_text_counts_and_lists_a_few(data: Path, galago: Callable[..., Outcome]) -> None:
    """Five of a kind, and how many more there are."""
    outcome = galago("check", data)
    assert outcome.code == 0
    assert "circle        27" in outcome.out
    assert "duplicate (7)" in outcome.out
    assert "circle/again4.png: is the same file as circle/004.png" in outcome.out
    assert "again5" not in outcome.out
    assert "… and 2 more; --json lists all" in outcome.out


def test_strict_ends_with_3_and_says_why(data: Path, galago: Callable[..., Outcome]) -> None:
    """The document is printed all the same."""
    outcome = galago("check", data, "--strict", "--json")
    assert outcome.code == 3
    assert "7 duplicate" in outcome.complaint
    assert json.loads(outcome.out)["kinds"]["duplicate"] == 7


def test_strict_is_content_with_clean_data(data: Path, galago: Callable[..., Outcome]) -> None:
    """Without the copies nothing is left to complain of."""
    for copy in data.rglob("again*"):
        copy.unlink()
    outcome = galago("check", data, "--strict")
    assert outcome.code == 0
    assert "no problems found" in outcome.out


def test_unreadable_files_are_a_finding(data: Path, galago: Callable[..., Outcome]) -> None:
    """However many: nothing ends early."""
    for path in (data / "square").iterdir():
        path.write_bytes(b"")
    document = json.loads(galago("check", data, "--json").out)
    assert document["kinds"]["unreadable"] == 20
    assert document["readable"] == 47


def test_an_empty_folder_is_one_line(tmp_path: Path, galago: Callable[..., Outcome]) -> None:
    """With what was expected."""
    outcome = galago("check", tmp_path)
    assert outcome.code == 2
    assert "has no pictures: expected" in outcome.complaint
