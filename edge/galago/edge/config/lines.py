r"""In which line of a TOML file each key stands, which the parser does not tell.

- For files that the parser has accepted as a whole; where this fails, lines are unknown and
  nothing else.
- A statement is as many lines as it takes the parser to accept them: no value, text or list can end
  before its last line.

    lines = locate('[web]\nport = 80')  # {("web",): 1, ("web", "port"): 2}
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from galago.edge.config.keys import Place

_END = re.compile(r"""[]}]|\"{3}|'{3}""")  # one of these is in the last of several lines
_DEEPEST = 8  # places; no key of ours is as deep, a stranger's may be
_LONGEST = 200  # lines of one statement; trying costs the square of it


def locate(text: str) -> dict[Place, int]:
    """The line, from 1, of each key and section, by its place."""
    lines: dict[Place, int] = {}
    section: Place = ()
    for number, statement, parsed in _statements(text):
        if statement.lstrip().startswith("["):
            section = next(iter(_places(parsed)))
            lines.setdefault(section, number)
            continue
        for place in _places(parsed, section, inner=True):
            lines.setdefault(place, number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Each one's first line, text and content."""
    start, held = 1, list[str]()
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if not held:
            start = number
        held.append(line)
        if len(held) > _LONGEST:
            return
        if len(held) > 1 and not _END.search(line):
            continue
        statement = "\n".join(held)
        try:
            parsed = tomllib.loads(statement)
        except (ValueError, RecursionError):
            continue
        held.clear()
        if parsed:
            yield start, statement, parsed


def _places(table: Any, place: Place = (), *, inner: bool = False) -> Iterator[Place]:
    """The places of a statement: of a section the last one only, of a key all on the way."""
    if isinstance(table, list) and table and not inner:
        table = table[0]  # [[section]]
    nested = isinstance(table, dict)
    if place and (inner or not table or len(place) == _DEEPEST):
        yield place
    for name, value in table.items() if nested and len(place) < _DEEPEST else ():
        yield from _places(value, (*place, name), inner=inner)
