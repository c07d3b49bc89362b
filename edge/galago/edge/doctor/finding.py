"""What a check has found: one line of what is so, and one of what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, get_args

Level: TypeAlias = Literal["ok", "note", "warning", "error"]

LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True, slots=True)
class Finding:
    """`fix`: a command where there is one, else a sentence; "" where nothing is to be done.

    "error": something that was asked for cannot work. "warning": it works, but not well or not for
    long. "note": worth knowing, or could not be looked at.
    """

    name: str
    level: Level
    what: str
    fix: str = ""


class Group(NamedTuple):
    """The findings of one check."""

    name: str
    findings: tuple[Finding, ...]


def ok(name: str, what: str) -> Finding:
    """It is well."""
    return Finding(name, "ok", what)


def note(name: str, what: str, fix: str = "") -> Finding:
    """It is worth knowing."""
    return Finding(name, "note", what, fix)


def warning(name: str, what: str, fix: str) -> Finding:
    """It will not stay well."""
    return Finding(name, "warning", what, fix)


def error(name: str, what: str, fix: str) -> Finding:
    """It is not well."""
    return Finding(name, "error", what, fix)


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level of all; "ok" of none."""
    return max((finding.level for finding in findings), key=LEVELS.index, default="ok")
