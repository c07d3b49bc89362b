"""What may stand in braces in a command's arguments: an event's keys, and nothing else.

- No attribute, index or format of a value can be asked for, so a text is never more than a text.
"""

from collections.abc import Iterator
from dataclasses import fields
from string import Formatter
from typing import Any

from galago.edge.event import Event

KEYS = ("id", *(field.name for field in fields(Event)))


def complaint(argument: str) -> str | None:
    """What is wrong with an argument, None if nothing."""
    try:
        names = list(_names(argument))
    except ValueError as error:
        return f"has a brace that does not fit ({error}): write {{{{ and }}}} for braces as such"
    for name in names:
        if name not in KEYS:
            known = ", ".join(f"{{{key}}}" for key in KEYS)
            return f"does not know {{{name}}}: expected one of {known}"
    return None


def fill(argument: str, values: dict[str, Any]) -> str:
    """The argument with its values; what an event does not have is left empty."""
    return argument.format_map({key: "" if it is None else it for key, it in values.items()})


def _names(argument: str) -> Iterator[str]:
    for _text, name, format_, conversion in Formatter().parse(argument):
        if name is not None:
            yield (
                name + (f"!{conversion}" if conversion else "") + (f":{format_}" if format_ else "")
            )
