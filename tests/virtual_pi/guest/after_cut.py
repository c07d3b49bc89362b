"""What a camera has on its disk, as one JSON document: how it is, and every event's time.

python after_cut.py SHA256…     of the models that may serve
"""

import json
import subprocess
import sys
from pathlib import Path

from galago.edge.store.reader import Reader
from tests.activation_faults.judge import active_of, check_state

STATE = Path("/var/lib/galago")
_ALL = 10_000_000


def look(verified: dict[str, str]) -> dict[str, object]:
    """`active`: the model's sha256; `wrong`: what must not be; `events`: times of those stored."""
    models = STATE / "models"
    active, wrong = "", ""
    try:
        active = active_of(models, verified)
        check_state(models)
    except (AssertionError, OSError, ValueError) as error:
        wrong = str(error)
    with Reader(STATE) as reader:
        events = [each.event.time for each in reader.events_after(0, _ALL)]
    return {"active": active, "wrong": wrong, "events": events, "kernel": kernel_errors()}


def kernel_errors() -> list[str]:
    """What the kernel says of a file system that is damaged."""
    said = subprocess.run(["dmesg"], check=True, capture_output=True, text=True).stdout  # noqa: S607
    return [line for line in said.splitlines() if "EXT4-fs error" in line]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(look({sha256: sha256 for sha256 in sys.argv[1:]})))
