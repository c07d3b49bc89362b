"""Lines for the journal: their urgency in front, in the way that systemd reads.

- Only where standard error is the journal; a person at a terminal sees none of it.

    journal = is_journal(sys.stderr.fileno())
    sys.stderr.write(marked("galago: camera.stalled: …", "warning", journal=journal))

Source: sd-daemon(3) for the marks, systemd.exec(5) for $JOURNAL_STREAM.
"""

import os
from collections.abc import Mapping
from typing import Literal, TypeAlias

Urgency: TypeAlias = Literal["error", "warning", "notice", "info"]

_MARKS: Mapping[Urgency, str] = {"error": "<3>", "warning": "<4>", "notice": "<5>", "info": "<6>"}


def is_journal(descriptor: int, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether what is written to `descriptor` (2: standard error) goes to the journal."""
    try:
        device, inode = environment.get("JOURNAL_STREAM", "").split(":")
        found = os.fstat(descriptor)
        return (int(device), int(inode)) == (found.st_dev, found.st_ino)
    except (ValueError, OSError):
        return False


def marked(line: str, urgency: Urgency, *, journal: bool) -> str:
    """`line` with its mark where it goes to the journal, as it is where it does not."""
    return _MARKS[urgency] + line if journal else line
