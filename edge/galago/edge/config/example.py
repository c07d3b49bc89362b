"""The commented example: every key that there is, at its default.

- As it is, it changes nothing; with the # before any key taken away it is valid, too.
- A line of prose has a space after its #, a line that can be put to use has none.
"""

import textwrap
from collections.abc import Iterator

from galago.edge.config.keys import Key, keys_of, named_of, section_of
from galago.edge.config.schema import Config
from galago.edge.config.show import toml
from galago.edge.config.values import expected

_WIDTH = 88
_HEAD = """\
The configuration of galago, made by `galago config example`.

Every key may be left out. Take the # away before a key to set it, and before the line of
its section where there is one; then ask `galago config check`. What is shown is the
default, or an example where there is none. Relative paths start at this file's folder.
"""


def example() -> str:
    """The text of the file."""
    lines = [f"# {line}".rstrip() for line in _HEAD.splitlines()]
    return "\n".join([*lines, *_section(Config, "", "")])


def _section(section: type, name: str, mark: str) -> Iterator[str]:
    """The keys of a section, then the sections in it. `mark`: what stands before its header."""
    keys = keys_of(section).values()
    if name:
        yield f"{mark}[{name}]"
    for key in keys:
        if not (section_of(key.kind) or section_of(named_of(key.kind))):
            yield from _key(key)
    for key in keys:
        here = f"{name}.{key.name}" if name else key.name
        if inner := section_of(key.kind):
            yield from ("", "", *_prose(key.help))
            yield from _section(inner, here, mark)
        elif inner := section_of(named_of(key.kind)):
            yield from ("", "", *_prose(f"{key.help} As many as you like, each with a name."))
            yield from _section(inner, f"{here}.{key.example}", "#")


def _key(key: Key) -> Iterator[str]:
    value = key.default()
    shown, note = (value, "") if key.example is None else (key.example, " No default.")
    if shown is not value and isinstance(value, bool):
        note = f" Default: {toml(value)}."
    yield ""
    yield from _prose(key.help)
    yield from _prose(f"{_sentence(expected(key))}.{note}")
    yield f"#{key.name} = {toml(shown)}"


def _prose(words: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(words, _WIDTH, break_on_hyphens=False)]


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}"
