"""Run galago, and stop before each thing that it does to the files of a folder.

    python -P paced.py FOLDER WORD…     as: galago WORD…

Before each it says `moment: WHAT NAME` on standard error, and goes on when it has read a byte from
standard input. What would be there after a kill or a power cut at that moment can so be looked at.

Not one line of galago is different for it: Python itself tells an audit hook what it is about to
open, rename, link or remove (https://docs.python.org/3/library/audit_events.html). fsync is not
told, but each is of a file that was opened for it, and before something that is told.
"""

import os
import sys
import threading
from functools import partial

_TOLD = {
    "open",
    "os.chmod",
    "os.chown",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
}
_turn = threading.Lock()


def stop(folder: str, event: str, about: tuple[object, ...]) -> None:
    """The audit hook."""
    if event not in _TOLD:
        return
    names = [os.fsdecode(name) for name in about if isinstance(name, str | bytes | os.PathLike)]
    if not any(name.startswith(folder) for name in names):
        return
    with _turn:  # the daemon has threads
        os.write(2, f"moment: {event.removeprefix('os.')} {' '.join(names)}\n".encode())
        if not os.read(0, 1):
            os._exit(1)  # nobody is there any more


if __name__ == "__main__":
    from galago.cli import main

    watched, *words = sys.argv[1:]
    sys.addaudithook(partial(stop, watched))
    sys.exit(main(words))
