"""How a part says what may be set in it: a default, a sentence, bounds. And what is secret.

- The schema of the configuration is these classes and nothing else (galago.edge.config reads,
  checks, shows and documents them).
- A secret's value is never in a settings object: only where it is to be read.

    @dataclass(frozen=True, slots=True)
    class Retention:
        keep_mb: int = setting(2000, "Megabytes (10⁶ bytes) that pictures may take.", low=10)
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from galago.errors import UsageError

_SECRET = re.compile(r"file:.+|credential:[^/\s]+")  # a credential is a file name


class Problem(NamedTuple):
    """What cannot be: of `key`, as seen from the class that says so, such as "port"; and why."""

    key: str
    what: str


@runtime_checkable
class Checked(Protocol):
    """Settings with rules that no single key can have, or with a key that must be given."""

    def check(self) -> Iterator[Problem]:
        """All that cannot be; called when each key by itself is right."""


def pair(certificate: Path | None, key: Path | None) -> Iterator[Problem]:
    """The problem of a certificate without its private key, or the other way round."""
    if certificate is not None and key is None:
        yield Problem("certificate", "is of no use without its private key: set key as well")
    if key is not None and certificate is None:
        yield Problem("key", "is of no use without its certificate: set certificate as well")


def setting(  # noqa: PLR0913 - each says one thing about the key, all but two by name
    default: Any,
    help_: str,
    *,
    low: float | None = None,
    high: float | None = None,
    example: Any = None,
    shown: Callable[[str], str] | None = None,
    any_name: bool = False,
) -> Any:
    """A dataclass field that a user may set.

    `help_`: one or two sentences for the commented example. `low`, `high`: bounds, both allowed.
    A default that is a class is called for each instance. `example`: what the commented example
    shows instead of the default, where that is none or cannot be together with the rest; for tables
    with names, a name. `shown`: makes of a text that may hold a password one that may be printed.
    `any_name`: the tables may have any name, not only one of letters, digits, - and _.
    """
    metadata = {
        "help": help_,
        "low": low,
        "high": high,
        "example": example,
        "shown": shown,
        "any_name": any_name,
    }
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is: `file:/etc/galago/password`, or `credential:NAME` of systemd's.

    Source: systemd.exec(5), LoadCredential= and $CREDENTIALS_DIRECTORY.

    Raises:
        UsageError: `where` has another form; the text is not repeated, it may be the secret.
    """

    where: str

    def __post_init__(self) -> None:
        if not _SECRET.fullmatch(self.where):
            raise UsageError(
                "a secret is not written into the configuration: expected file:/path or "
                "credential:NAME; put it into a file of its own that only the daemon may read"
            )

    def read(self) -> str:
        """The secret, less the end of its line.

        Raises:
            UsageError: the file cannot be read or is empty.
        """
        path = self.path()
        try:
            secret = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the secret {self.where} cannot be read: {error}") from error
        if not secret:
            raise UsageError(f"the secret {self.where} is empty: write it into {path}")
        return secret

    def path(self) -> Path:
        """The file that it is in.

        Raises:
            UsageError: it is systemd's, and this process was not given any.
        """
        kind, place = self.where.split(":", 1)
        if kind == "file":
            return Path(place)
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise UsageError(
                f"{self.where} needs systemd's LoadCredential=, which this process was started "
                "without: use file:/path here"
            )
        return Path(folder) / place
