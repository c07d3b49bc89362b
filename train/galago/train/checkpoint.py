"""All that an unfinished training needs to go on, in one file that is replaced after every epoch.

- A kill at any moment leaves the last whole epoch; going on from it gives the run that no kill
  would have given, to the last bit on the same machine.
- It remembers what it belongs to: other pictures or settings are refused.
"""

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galago.errors import UsageError
from galago.files import replacing

Arrays = list[NDArray[Any]]


@dataclass(slots=True)
class State:
    """How far a training is.

    `stage` and `epoch` (within it) come next; `history` has a row for each epoch done;
    `best` is its best one's weights and `best_epoch` its index; `variables` those of the network
    and its optimizer as they stand; `seconds` spent so far.
    """

    stage: int = 0
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1
    best: Arrays = field(default_factory=list)
    variables: Arrays = field(default_factory=list)
    seconds: float = 0.0


def save(path: Path, state: State, belongs_to: dict[str, Any]) -> None:
    """Replace the file, durably."""
    about = {
        "belongs_to": belongs_to,
        **{name: getattr(state, name) for name in _PLAIN},
    }
    arrays = {f"{name}/{index:05}": array
              for name in _ARRAYS for index, array in enumerate(getattr(state, name))}  # fmt: skip
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, about=np.array(json.dumps(about)), **arrays)


def load(path: Path, belongs_to: dict[str, Any]) -> State:
    """Read the file.

    Raises:
        UsageError: it belongs to another training, or is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            about = json.loads(str(archive["about"]))
            arrays = {
                name: [archive[key] for key in sorted(archive.files) if key.startswith(f"{name}/")]
                for name in _ARRAYS
            }
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} is damaged ({error}): remove it and train anew") from error
    _check(path, about.pop("belongs_to"), belongs_to)
    plain: dict[str, Any] = about
    return State(best=arrays["best"], variables=arrays["variables"], **plain)


_PLAIN = ("stage", "epoch", "history", "best_epoch", "seconds")
_ARRAYS = ("best", "variables")


def _check(path: Path, then: dict[str, Any], now: dict[str, Any]) -> None:
    now = json.loads(json.dumps(now))  # tuples become lists, as they did in the file
    different = [name for name in now if then.get(name) != now[name]]
    if different:
        changes = "; ".join(
            f"{name} was {then.get(name)!r} and is now {now[name]!r}" for name in different
        )
        raise UsageError(
            f"{path} is of another training ({changes}): repeat the options and pictures it was "
            "begun with, or begin anew with --force"
        )
