"""One value of the file: is it what the key wants?

- What is received is said in words; a text only where it cannot be a secret.
- Nothing is converted but a whole number to a number.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

from galago.edge.config.keys import Key, text
from galago.edge.hint import nearest
from galago.edge.setting import Secret
from galago.errors import UsageError

_SHOWN = 60  # characters of a value that a message repeats
_SHOWN_INTEGER = 10**15


class UnfitError(ValueError):
    """The value is not what the key wants; the message says why."""


def convert(key: Key, value: Any, folder: Path) -> Any:
    """The value as the settings want it. `folder`: that of relative paths.

    Raises:
        UnfitError: it is something else.
    """
    return _convert(key, key.kind, value, folder)


def expected(key: Key) -> str:
    """What a key wants, in words: "a whole number from 1 to 64"."""
    return _expected(key, key.kind)


def received(value: Any, *, private: bool = False) -> str:
    """A value in words; of a private one only what it is."""
    words = {bool: "true or false", int: "a number", float: "a number", str: "a text"}
    words |= {list: "a list", dict: "a table"}
    if private or type(value) not in (bool, int, float, str):
        return words.get(type(value), "a date or time")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        # Python refuses to write out thousands of digits.
        return str(value) if abs(value) < _SHOWN_INTEGER else "a very large number"
    if isinstance(value, float):
        return repr(value)
    return text(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")


def number(value: float) -> str:
    """A number as people write it: 8, 0.5."""
    return str(int(value)) if value == int(value) else repr(value)


def _convert(key: Key, kind: Any, value: Any, folder: Path) -> Any:
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise _unfit(key, value)
        return tuple(_convert(key, get_args(kind)[0], one, folder) for one in value)
    if get_origin(kind) is dict:
        if not isinstance(value, dict):
            raise _unfit(key, value)
        return {n: _convert(key, get_args(kind)[1], one, folder) for n, one in value.items()}
    if kind in (int, float):
        return _number(key, kind, value)
    if kind is bool:
        if not isinstance(value, bool):
            raise _unfit(key, value)
        return value
    if not isinstance(value, str) or "\0" in value:
        raise _unfit(key, value)
    return _TEXTS[kind](value, folder) if kind in _TEXTS else _choice(key, kind, value)


def _number(key: Key, kind: type, value: Any) -> float:
    fits = type(value) is int or (kind is float and type(value) is float and math.isfinite(value))
    if not fits or not (key.low is None or key.low <= value):
        raise _unfit(key, value)
    if not (key.high is None or value <= key.high):
        raise _unfit(key, value)
    try:
        return kind(value)  # type: ignore[no-any-return]
    except OverflowError:
        raise _unfit(key, value) from None


def _choice(key: Key, kind: Any, value: str) -> str:
    if value not in get_args(kind):
        hint = "" if key.is_private else nearest(value, get_args(kind))
        raise UnfitError(f"{_unfit(key, value)}{hint}")
    return value


def _path(value: str, folder: Path) -> Path:
    if not value or not value.isprintable():
        raise UnfitError("expected a path, received an empty or unprintable one")
    if value.startswith("~"):
        raise UnfitError(
            f"write the folder out instead of ~, received {received(value)}: whose home that is "
            "depends on who starts the daemon"
        )
    return folder / value


def _secret(value: str, folder: Path) -> Secret:
    try:
        secret = Secret(value)
    except UsageError as error:
        raise UnfitError(str(error)) from None  # the value itself is left behind
    kind, place = value.split(":", 1)
    return Secret(f"file:{_path(place, folder)}") if kind == "file" else secret


_TEXTS: dict[Any, Callable[[str, Path], Any]] = {
    str: lambda value, _folder: value,
    Path: _path,
    Secret: _secret,
}


def _unfit(key: Key, value: Any) -> UnfitError:
    return UnfitError(
        f"expected {expected(key)}, received {received(value, private=key.is_private)}"
    )


def _expected(key: Key, kind: Any) -> str:
    if get_origin(kind) is tuple:
        return f"a list, each {_expected(key, get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return f"a table, each {_expected(key, get_args(kind)[1])}"
    if choices := get_args(kind):
        return f"one of {', '.join(text(choice) for choice in choices)}"
    return f"{_WORDS[kind]}{_bounds(key)}"


_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    Path: "a path in quotes",
    Secret: '"file:/path" or "credential:NAME"',
}


def _bounds(key: Key) -> str:
    low = "" if key.low is None else f" from {number(key.low)}"
    if key.high is None:
        return f"{low} up" if low else ""
    return f"{low} to {number(key.high)}" if low else f" up to {number(key.high)}"
