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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galago.errors import UsageError

_SECRET = re.compile(r"(file|credential):(.+)")


def setting(
    default: Any, help_: str, *, low: float | None = None, high: float | None = None
) -> Any:
    """A dataclass field that a user may set.

    `help_`: one or two sentences for the commented example. `low`, `high`: bounds, both allowed.
    A default that is a class is called for each instance.
    """
    metadata = {"help": help_, "low": low, "high": high}
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
        path = self._path()
        try:
            secret = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the secret {self.where} cannot be read: {error}") from error
        if not secret:
            raise UsageError(f"the secret {self.where} is empty: write it into {path}")
        return secret

    def _path(self) -> Path:
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
