"""The status document as a file."""

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from galago.edge.vitals import statusfile
from galago.edge.vitals.document import Status
from galago.edge.vitals.status import Reporter
from galago.edge.vitals.statusfile import UNWRITTEN, StatusFile
from tests.edge.vitals.parts import Parts


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statusfile, "EVERY_S", 0.01)


@pytest.fixture
def document(parts: Parts) -> Callable[[], Status]:
    """The real one's."""
    return Reporter(parts.sources()).document


def eventually(what: Callable[[], bool]) -> bool:
    """Whether it comes true within a few seconds."""
    deadline = time.monotonic() + 10
    while not what() and time.monotonic() < deadline:
        time.sleep(0.01)
    return what()


def test_it_is_there_at_once_and_gone_at_the_end(
    parts: Parts, document: Callable[[], Status], tmp_path: Path
) -> None:
    """Nobody who has been told "ready" finds none."""
    path = tmp_path / "status.json"
    with StatusFile(path, document, parts.health):
        assert json.loads(path.read_text())["model"]["sha256"] == parts.serving.sha256
    assert [file for file in tmp_path.iterdir() if file.is_file()] == []


def test_it_is_written_again_and_again_and_always_whole(
    parts: Parts, document: Callable[[], Status], tmp_path: Path
) -> None:
    """A reader who looks as often as it can never finds a part, and finds new ones."""
    path = tmp_path / "status.json"
    found: set[float] = set()

    def look() -> bool:
        found.add(json.loads(path.read_text())["uptime_s"])
        return len(found) >= 10

    with StatusFile(path, document, parts.health):
        assert eventually(look)


def test_everybody_may_read_it(
    parts: Parts, document: Callable[[], Status], tmp_path: Path
) -> None:
    """The unit's UMask= is for what the daemon keeps."""
    path, before = tmp_path / "status.json", os.umask(0o077)
    try:
        with StatusFile(path, document, parts.health):
            assert stat.S_IMODE(path.stat().st_mode) == 0o644
    finally:
        os.umask(before)


def test_a_folder_that_is_away_is_told_of_and_stops_nobody(
    parts: Parts, document: Callable[[], Status], tmp_path: Path
) -> None:
    """And when it is back, so is the file."""
    path = tmp_path / "run" / "status.json"
    with StatusFile(path, document, parts.health):
        assert str(path) in parts.health.states[UNWRITTEN].cause
        path.parent.mkdir()
        assert eventually(path.exists)
        assert eventually(lambda: UNWRITTEN not in parts.health.states)
        path.unlink()
        path.parent.rmdir()
        assert eventually(lambda: UNWRITTEN in parts.health.states)


def test_without_a_service_there_is_none(parts: Parts) -> None:
    """A person who tries a configuration has no /run/galago, and nothing is asked for."""

    def asked() -> Status:
        raise AssertionError

    with StatusFile(None, asked, parts.health):
        assert parts.health.states == {}
