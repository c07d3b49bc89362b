"""How many threads the interpreter gets: what was measured on this machine, or a sane default.

- `galago bench --save` writes the fastest count of a model to a small file; `galago run` reads it.
- What was measured with another interpreter or another number of cores does not count.
- A file that is missing or damaged is no error: it costs some speed, not the service.
"""

import json
import os
from pathlib import Path
from typing import Any

from galago.edge.state import state_folder
from galago.files import replacing

_FILE = "threads.json"
_KEPT = 50  # models; the oldest go first


def threads_for(sha256: str, interpreter: str) -> int:
    """Threads for a model on this machine.

    Unless it was measured: two where three cores or more leave one to the camera, else one. Small
    networks lose by more (docs/benchmarks.md).
    """
    saved = _read().get(sha256)
    if isinstance(saved, dict) and _fits(saved, interpreter):
        return int(saved["threads"])
    return 2 if _cores() >= 3 else 1


def save_threads(sha256: str, interpreter: str, threads: int) -> Path:
    """Remember the fastest count; returns the file.

    Raises:
        OSError: it cannot be written.
    """
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    others = {key: value for key, value in _read().items() if key != sha256}
    others = dict(list(others.items())[1 - _KEPT :])
    record = {"threads": threads, "interpreter": interpreter, "cores": _cores()}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(others | {sha256: record}, indent=2) + "\n")
    return path


def _fits(saved: dict[str, Any], interpreter: str) -> bool:
    same_machine = saved.get("interpreter") == interpreter and saved.get("cores") == _cores()
    threads = saved.get("threads")
    return same_machine and type(threads) is int and 1 <= threads <= 64


def _read() -> dict[str, Any]:
    try:
        document = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _path() -> Path:
    return state_folder() / _FILE


def _cores() -> int:
    return os.cpu_count() or 1
