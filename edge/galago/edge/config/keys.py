"""The schema as data: which keys a section has, and the values of all of them.

- It is read off the classes and nothing else: a field that is added there is read, checked, shown
  and documented everywhere.

    for path, key, value in leaves(config):
        print(dotted(path), value)
"""

import dataclasses
import json
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from galago.edge.setting import Secret

Place: TypeAlias = tuple[str, ...]  # of a key or section: ("webhook", "home", "url")

BARE = re.compile(r"[A-Za-z0-9_-]+")  # a name that TOML takes without quotes


@dataclass(frozen=True, slots=True)
class Key:
    """A field of a section. `kind` is its type without None; `any_name` is of tables with names."""

    name: str
    kind: Any
    default: Callable[[], Any]
    help: str = ""
    low: float | None = None
    high: float | None = None
    example: Any = None
    shown: Callable[[str], str] | None = None
    any_name: bool = False

    @property
    def is_private(self) -> bool:
        """Whether a value may be, or hold, what nobody is to see."""
        return self.shown is not None or self.kind is Secret


def keys_of(section: type) -> Mapping[str, Key]:
    """The keys of a section, in their order, by name."""
    hints = get_type_hints(section)
    return {
        field.name: Key(field.name, without_none(hints[field.name]), default(field), **known(field))
        for field in dataclasses.fields(section)
    }


def known(field: dataclasses.Field[Any]) -> dict[str, Any]:
    """What `setting` has noted."""
    return {name: value for name, value in field.metadata.items() if value is not None}


def default(field: dataclasses.Field[Any]) -> Callable[[], Any]:
    """What makes the default."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    return lambda: field.default


def without_none(kind: Any) -> Any:
    """`int` of `int | None`."""
    if get_origin(kind) in (Union, types.UnionType):
        (kind,) = (one for one in get_args(kind) if one is not types.NoneType)
    return kind


def section_of(kind: Any) -> type | None:
    """The class of a section, None for another type."""
    is_section = isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind is not Secret
    return kind if is_section else None


def named_of(kind: Any) -> Any:
    """The type of what stands in tables with names, None for another type."""
    return get_args(kind)[1] if get_origin(kind) is dict else None


def leaves(section: Any, place: Place = ()) -> Iterator[tuple[Place, Key, Any]]:
    """All values below a section, with their places, sections' own keys first."""
    later: list[tuple[Place, Any]] = []
    for key in keys_of(type(section)).values():
        value, here = getattr(section, key.name), (*place, key.name)
        if section_of(key.kind):
            later.append((here, value))
        elif section_of(named_of(key.kind)):
            later += [((*here, name), one) for name, one in value.items()]
        else:
            yield here, key, value
    for here, value in later:
        yield from leaves(value, here)


def dotted(place: Place) -> str:
    """A place as TOML writes it."""
    return ".".join(quoted(name) for name in place)


def quoted(name: str) -> str:
    """A name as TOML writes it."""
    return name if BARE.fullmatch(name) else text(name)


def text(value: str) -> str:
    """A text as TOML writes it, with JSON's escapes; what a terminal would obey is one as well."""
    return "".join(
        one if one.isprintable() else f"\\U{ord(one):08x}"
        for one in json.dumps(value, ensure_ascii=False)
    )
