"""What is remembered of the models of this camera: one JSON file beside them.

- It says what was, what is being tried and what has failed; which model is active, the link says.
- A file that cannot be read is as none: the active model serves, and the first step writes it anew.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from galago.files import replacing

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Trial:
    """A model on probation, and the one that comes back if it fails.

    `deaths`: starts with it that have not ended well; one that is under way counts as well, since
    it is written down before. `since`: UTC, ISO 8601.
    """

    sha256: str
    previous: str | None
    since: str
    deaths: int = 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """`previous`: the model before the active one, None if there is none.

    `refused`: why, by sha256. `returned`: the last model that failed, until another is activated.
    """

    previous: str | None = None
    trial: Trial | None = None
    refused: dict[str, str] = field(default_factory=dict)
    returned: str | None = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """That of a file."""
        try:
            return cls._of(json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return cls()

    def write(self, path: Path) -> None:
        """Replace the file, durably.

        Raises:
            OSError: it cannot be written.
        """
        with replacing(path) as temporary:
            temporary.write_text(json.dumps({"schema": SCHEMA} | asdict(self), indent=1) + "\n")

    def refusing(self, sha256: str, reason: str) -> Self:
        """The same, and that this model has failed."""
        return replace(self, refused=self.refused | {sha256: reason}, returned=sha256)

    def pardoning(self, sha256: str) -> Self:
        """The same, with this model as good as an unknown one, and nothing to complain of."""
        refused = {known: why for known, why in self.refused.items() if known != sha256}
        return replace(self, refused=refused, returned=None)

    @classmethod
    def _of(cls, document: dict[str, Any]) -> Self:
        trial = document["trial"]
        return cls(
            previous=document["previous"],
            trial=None if trial is None else Trial(**trial),
            refused={str(known): str(why) for known, why in document["refused"].items()},
            returned=document["returned"],
        )
