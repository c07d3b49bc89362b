"""The other side of paced.py: a galago that is led from moment to moment."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

PROGRAM = Path(__file__).with_name("paced.py")

_MARK = "moment: "
_END_S = 60.0


class Paced:
    """A `command` that runs paced.py, stopped before each thing that it does to some files.

    A context manager; at its end it is killed where it stands. `told` are the other lines of
    standard error; `said`, standard output, and `code`, the exit status, are there once it has
    ended by itself.

        with Paced(here(models, state, "activate", model)) as galago:
            for moment in galago:
                …  # it stands before `moment`, as "rename /…/.state.json.x /…/state.json"
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self.told: list[str] = []
        self.said = ""
        self.code: int | None = None

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=pipe)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=_END_S)

    def __iter__(self) -> Iterator[str]:
        speak, hear, rest = self._process.stdin, self._process.stderr, self._process.stdout
        assert speak is not None
        assert hear is not None
        assert rest is not None
        for line in hear:
            told = line.decode().rstrip()
            if told.startswith(_MARK):
                yield told.removeprefix(_MARK)
                speak.write(b".")
                speak.flush()
            else:
                self.told.append(told)
        self.said = rest.read().decode()
        self.code = self._process.wait(_END_S)


def here(folder: Path, state: Path, *words: object) -> list[str]:
    """As galago with `words` on this machine, by what it does to files in `folder`.

    `state`: its state folder, as systemd would name it.
    """
    command = ("env", f"STATE_DIRECTORY={state}", sys.executable, "-P", PROGRAM, folder, *words)
    return [str(word) for word in command]
