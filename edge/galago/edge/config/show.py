"""The effective settings as TOML, each with where it comes from.

- What is shown can be read again, and gives the same settings.
- Of a secret only the reference is shown; of an address that may hold a password, what cannot be
  one. There the file itself is the only place to look.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from galago.edge.config.keys import Place, dotted, leaves, text
from galago.edge.config.read import Loaded
from galago.edge.setting import Secret

Shown: TypeAlias = Callable[[str], str] | None

_COLUMN = 42  # of the comments, unless the value is longer


def as_text(loaded: Loaded) -> str:
    """TOML with comments; a value that is unset is a comment altogether."""
    lines: list[str] = []
    section: Place = ()
    for place, key, value in leaves(loaded.config):
        if place[:-1] != section:
            section = place[:-1]
            lines += ["", f"[{dotted(section)}]"]
        left = f"{dotted(place[-1:])} = {toml(value, key.shown)}"
        if value is None:
            left = f"# {place[-1]} is unset"
        lines.append(f"{left:{_COLUMN}}  # {loaded.origins[dotted(place)]}")
    return "\n".join(lines)


def to_dict(loaded: Loaded) -> dict[str, Any]:
    """By dotted key: `value`, None where it is unset, and `from`."""
    return {
        dotted(place): {
            "value": plain(value, key.shown),
            "from": loaded.origins[dotted(place)],
        }
        for place, key, value in leaves(loaded.config)
    }


def toml(value: Any, shown: Shown = None) -> str:
    """A value as TOML writes it; `shown` makes a text fit to be printed."""
    return _toml(plain(value, shown))


def plain(value: Any, shown: Shown) -> Any:
    """A value in what TOML and JSON have."""
    if isinstance(value, Secret):
        return value.where
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [plain(one, shown) for one in value]
    if isinstance(value, dict):
        return {name: plain(one, shown) for name, one in value.items()}
    return shown(value) if shown and isinstance(value, str) else value


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{dotted((n,))} = {_toml(one)}' for n, one in value.items())}}}"
    return repr(value)
