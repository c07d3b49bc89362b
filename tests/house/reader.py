"""Somebody who does what a page says, to the letter, and compares what comes of it.

- They have a home and a folder of their own, this environment's commands, and no way to the
  network: what reaches for it is refused at once.
- Where a command wants a device, a stand-in may take its place; nothing else of it is changed.

    reader = Reader(folder)
    outcome = reader.do("galago --version")
    assert missing("galago 0.1.0", outcome.said) is None
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.house.environments import HANG_S
from tests.house.markdown import Block, lines_of

# What a promise may be off: other processors and versions learn and compute a little otherwise.
TOLERANCE = 0.25

_NOWHERE = "http://127.0.0.1:9"  # nobody answers there; nothing of ours needs a proxy
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_PIECES = re.compile(rf"(…|{_NUMBER.pattern}|\s+)")


@dataclass(frozen=True)
class Outcome:
    """How commands ended, and all that they have said. `failed`: what did not go well, or None."""

    said: list[str]
    failed: str | None


class Reader:
    """One person at one desk."""

    def __init__(self, folder: Path) -> None:
        self.desk, self.home = folder / "desk", folder / "home"
        for place in (self.desk, self.home):
            place.mkdir()
        self.path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
        self._variables = {
            "HOME": str(self.home),
            "USER": "reader",
            "PATH": self.path,
            "LANG": "C.UTF-8",
            "COLUMNS": "200",
            "https_proxy": _NOWHERE,
            "http_proxy": _NOWHERE,
        }

    def follow(
        self,
        block: Block,
        stand_ins: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Do what a block says, line by line, until one does not go well.

        `stand_ins`: what is typed instead, by what stands there.
        """
        said: list[str] = []
        for line in lines_of(block):
            for name, stand_in in (stand_ins or {}).items():
                assert name in line, f"{block}: expected {name} in {line}"
                line = line.replace(name, stand_in)  # noqa: PLW2901 - the same line, as it is typed
            done = self._type(line, variables or {})
            said += done.stdout.splitlines()
            if done.returncode:
                return Outcome(said, f"{line}\nended with {done.returncode}:\n{done.stdout}")
        return Outcome(said, None)

    def _type(self, line: str, variables: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self.desk,
            env={**self._variables, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HANG_S,
            check=False,
        )


def missing(promise: Block, said: list[str]) -> str | None:
    """The first promised line that was not said, in the order of the promise; None: all were."""
    lines = iter(said)
    for line in promise.text.splitlines():
        if not any(keeps(line, other) for other in lines):
            return line
    return None


def keeps(promise: str, line: str) -> bool:
    """Whether a line is what was promised: the same words, and numbers that are near.

    `…` in the promise is any text; how much space there is between words does not count.
    """
    pattern = "".join(map(_pattern, _PIECES.split(promise.strip())))
    match = re.fullmatch(pattern, line.strip())
    if match is None:
        return False
    wanted, found = _NUMBER.findall(promise), match.groups()
    pairs = zip(map(float, wanted), map(float, found), strict=True)
    return all(abs(one - other) <= TOLERANCE * one for one, other in pairs)


def _pattern(piece: str) -> str:
    if piece == "…":
        return ".*"
    if _NUMBER.fullmatch(piece):
        return f"({_NUMBER.pattern})"
    return r"\s+" if piece.isspace() else re.escape(piece)
