"""Lines for the journal."""

import os
from pathlib import Path

import pytest

from galago.edge.service.journal import is_journal, marked


def stream_of(path: Path) -> str:
    found = path.stat()
    return f"{found.st_dev}:{found.st_ino}"


def test_the_journal_is_known_by_device_and_inode(tmp_path: Path) -> None:
    """Systemd names the stream; a process whose output was redirected since is not taken in."""
    journal, other = tmp_path / "journal", tmp_path / "other"
    with journal.open("w") as written, other.open("w"):
        environment = {"JOURNAL_STREAM": stream_of(journal)}
        assert is_journal(written.fileno(), environment)
        assert not is_journal(written.fileno(), {"JOURNAL_STREAM": stream_of(other)})


@pytest.mark.parametrize("stream", ["", "8", "8:x", "1:2:3"])
def test_anything_else_is_no_journal(stream: str) -> None:
    """Nor is a descriptor that is closed."""
    assert not is_journal(2, {"JOURNAL_STREAM": stream})
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    assert not is_journal(writer, {"JOURNAL_STREAM": "1:2"})


def test_only_the_journal_gets_marks() -> None:
    """A warning is level 4, as in syslog."""
    assert marked("galago: x", "warning", journal=True) == "<4>galago: x"
    assert marked("galago: x", "warning", journal=False) == "galago: x"
