"""Could this be typed? A command line against the command itself, without running it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from galago.cli import app

_APP: Any = typer.main.get_command(app)


class NotUnderstoodError(Exception):
    """What the command would say of it."""


def understand(words: Sequence[str], *, whole: bool = True) -> None:
    """Hold the words behind `galago` against its verbs, options and values.

    Files need not be there. `whole`: nothing required may be missing either.

    Raises:
        NotUnderstoodError: there is no such verb, option or value.
    """
    command, rest = _APP, list(words)
    while getattr(command, "commands", None) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        if name not in command.commands:
            raise NotUnderstoodError(f"no verb {name!r}")
        command = command.commands[name]
    context = typer.Context(command)
    try:
        given, left, _ = command.make_parser(context).parse_args(list(rest))
        _judge(command, context, given, whole=whole)
    except typer.TyperException as error:
        raise NotUnderstoodError(error.format_message()) from error
    if left:
        raise NotUnderstoodError(f"too many words: {left}")


def options() -> set[str]:
    """Every option of every verb."""
    return {"--help", *_options(_APP)}


def _judge(command: Any, context: Any, given: dict[str, Any], *, whole: bool) -> None:
    for parameter in command.params:
        value = given.get(parameter.name)
        missing = value is None or value == ()
        if missing and parameter.required and whole:
            raise NotUnderstoodError(f"{parameter.name} is missing")
        # A file need not be there; and in a sentence a value may be left out.
        if not missing and whole and parameter.type_descriptor.annotation is not Path:
            parameter.process_value(context, value)


def _options(command: Any) -> list[str]:
    own = [
        name
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    ]
    inner = getattr(command, "commands", {}).values()
    return own + [name for part in inner for name in _options(part)]
