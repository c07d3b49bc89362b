"""The page's process, started by galago.edge.web.process with two descriptors: listener, link.

- It ends when the daemon does.
- It takes what is left of the processor, a bounded part of the memory, and goes first when that
  is short.
- Why it cannot serve, it tells the daemon before it goes.
"""

import json
import os
import resource
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from galago.edge.web.daemon import first_message, say_failed

_NICENESS = 10
_MAX_DATA = 256 * 2**20  # it takes 20; a camera may have 512
_MAX_FILES = 256
_USAGE = 2


def main() -> None:
    """Serve until the daemon is gone."""
    if len(sys.argv) != 3:
        sys.exit("galago.edge.web is started by galago run; to see the page: galago run")
    listener, end = (socket.socket(fileno=int(word)) for word in sys.argv[1:])
    _be_modest()
    told: dict[str, Any] = json.loads(first_message(end))
    try:
        from galago.edge.web.server import WontServeError, serve  # noqa: PLC0415
    except ImportError as error:
        say_failed(
            end, f"the page needs packages that are missing ({error}): pip install 'galago[web]'"
        )
        sys.exit(_USAGE)
    try:
        serve(listener, end, told)
    except WontServeError as error:
        say_failed(end, str(error))
        sys.exit(_USAGE)


def _be_modest() -> None:
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (_MAX_DATA, _MAX_DATA))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_FILES, _MAX_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # a sandbox may hide it
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    main()
