"""The whole document judged: every key of every section, and what the parts say of themselves.

- It goes on after a problem, so that all are known at once; what is wrong counts as its default.
- A part's own rules are asked only where each of its keys is right: what follows from a problem is
  none of its own.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from galago.edge.config.keys import (
    BARE,
    Key,
    Place,
    dotted,
    keys_of,
    named_of,
    section_of,
)
from galago.edge.config.schema import Config
from galago.edge.config.values import UnfitError, convert, received
from galago.edge.hint import nearest
from galago.edge.setting import Checked

_LONGEST_NAME = 40


class Judge:
    """Makes settings of parsed TOML; `given` are the places of the values that it had.

    `folder`: that of relative paths. `problems`: place and words of each.
    """

    def __init__(self, folder: Path) -> None:
        self.problems: list[tuple[Place, str]] = []
        self.given: set[Place] = set()
        self._folder = folder

    def config(self, document: dict[str, Any]) -> Config:
        """The whole file."""
        config: Config = self._section(Config, document, ())
        self.problems += _own(config, ())
        return config

    def _section(self, kind: type, value: Any, place: Place) -> Any:
        if not isinstance(value, dict):
            self._refuse(place, f"expected a section [{dotted(place)}], received {received(value)}")
            return kind()
        before, keys = len(self.problems), keys_of(kind)
        for name in value:
            if name not in keys:
                self._refuse((*place, name), _unknown(name, kind))
        fit = {name: self._value(keys[name], value[name], place) for name in keys if name in value}
        section = kind(**{name: one for name, one in fit.items() if one is not None})
        if place and len(self.problems) == before:
            self.problems += _own(section, place)
        return section

    def _value(self, key: Key, value: Any, place: Place) -> Any:
        """Settings or a value; None for what is wrong, which no value in TOML is."""
        here = (*place, key.name)
        if section := section_of(key.kind):
            return self._section(section, value, here)
        if section := section_of(named_of(key.kind)):
            return self._tables(key, section, value, here)
        try:
            fit = convert(key, value, self._folder)
        except UnfitError as error:
            self._refuse(here, str(error))
            return None
        self.given.add(here)
        return fit

    def _tables(self, key: Key, kind: type, value: Any, place: Place) -> dict[str, Any]:
        if not isinstance(value, dict):
            what = f"expected sections [{dotted(place)}.NAME], received {received(value)}"
            self._refuse(place, what)
            return {}
        for name, table in value.items():
            if not key.any_name and not (BARE.fullmatch(name) and len(name) <= _LONGEST_NAME):
                what = f"a name has 1 to {_LONGEST_NAME} letters, digits, - and _"
                self._refuse((*place, name), what)
            elif not isinstance(table, dict) and name in keys_of(kind):
                what = (
                    f"belongs into a section with a name, such as [{dotted(place)}.{key.example}]"
                )
                self._refuse((*place, name), what)
        return {
            name: self._section(kind, one, (*place, name))
            for name, one in value.items()
            if isinstance(one, dict) or name not in keys_of(kind)
        }

    def _refuse(self, place: Place, what: str) -> None:
        self.problems.append((place, what))


def _own(section: Any, place: Place) -> list[tuple[Place, str]]:
    """What a part says of itself."""
    if not isinstance(section, Checked):
        return []
    return [((*place, *problem.key.split(".")), problem.what) for problem in section.check()]


def _unknown(name: str, kind: type) -> str:
    """What to say of an unknown key, whose value may be anything, a secret as well."""
    keys = keys_of(kind)
    what = "section" if kind is Config else "key"
    if hint := nearest(name, keys):
        return f"unknown key{hint}"
    if homes := " or ".join(f"[{dotted(place)}]" for place in _homes(name, Config, ())):
        return f"unknown key here: it belongs to {homes}"
    return f"unknown {what}: expected one of {', '.join(keys)}"


def _homes(name: str, kind: type, place: Place) -> Iterator[Place]:
    """The sections that have a key of this name."""
    for key in keys_of(kind).values():
        named = section_of(named_of(key.kind))
        if section := section_of(key.kind) or named:
            here = (*place, key.name, "NAME") if named else (*place, key.name)
            if name in keys_of(section):
                yield here
            yield from _homes(name, section, here)
