"""The status document as a file, for whoever is on the machine: `galago doctor`, `galago deploy`.

- It is there before the service says that it is ready, and new every EVERY_S seconds.
- A reader gets a whole document or none. Everybody on the machine may read it: there is no secret
  in it.
- At an orderly end it is removed; after any other, systemd removes its folder.
- What cannot be written is told of as "status.unwritten", and stops nobody.

    with StatusFile(status_file(), reporter.document, health):
        ...
"""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic_ns
from typing import Self

from galago.edge.health import Health
from galago.edge.vitals.document import Status

UNWRITTEN = "status.unwritten"
EVERY_S = 2.0


class StatusFile:
    """Writes from `__enter__` to `__exit__`, in a thread of its own.

    `path` None: does nothing. `document` is called in any thread.
    """

    def __init__(self, path: Path | None, document: Callable[[], Status], health: Health) -> None:
        self._path, self._document, self._health = path, document, health
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def __enter__(self) -> Self:
        if self._path is not None:
            self._try_to_write(self._path)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._path is None:
            return
        self._stop.set()
        self._thread.join(timeout=2.0)
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        while self._path is not None and not self._stop.wait(EVERY_S):
            self._try_to_write(self._path)

    def _try_to_write(self, path: Path) -> None:
        cause = None
        try:
            _write(path, json.dumps(self._document()))
        except (OSError, ValueError) as error:
            cause = f"{path} cannot be written: {error}"
        self._health.report(UNWRITTEN, cause, monotonic_ns())


def _write(path: Path, text: str) -> None:
    """Replace a file at once.

    Not galago.files.replacing, which has everything on a disk before it goes on: RuntimeDirectory=
    is memory, and after a power cut nobody wants it.
    """
    temporary = path.with_name(f".{path.name}")  # there is one writer
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o644)  # whatever the unit's UMask=
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
