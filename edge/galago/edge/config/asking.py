"""A password from a person, or from a pipe.

- It is never shown, not in a message either.
"""

import getpass
from typing import BinaryIO, TextIO

from galago.errors import UsageError

_LONGEST = 1000  # characters


def ask(stdin: TextIO) -> str:
    """Ask twice at a terminal; else take the first line.

    Raises:
        UsageError: nothing was given, the second is not the first, or it is no text.
    """
    try:
        given = _twice() if stdin.isatty() else _line(stdin.buffer)
    except UnicodeDecodeError:
        raise UsageError("a password is text in UTF-8: received other bytes") from None
    except EOFError:
        given = ""
    if not 0 < len(given) <= _LONGEST:
        raise UsageError(f"a password has 1 to {_LONGEST} characters: received {len(given)}")
    return given


def _line(stdin: BinaryIO) -> str:
    """The first line; not of the text stream, whose encoding is the terminal's."""
    return stdin.readline(4 * _LONGEST + 2).decode().rstrip("\r\n")


def _twice() -> str:
    first = getpass.getpass("Password of the page: ")
    if getpass.getpass("The same again: ") != first:
        raise UsageError("the two are not the same: start again")
    return first
