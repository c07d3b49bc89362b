"""What the installer says: a line for each step, as it is done.

environment    done       galago 0.1.0 for bookworm on x86_64, 41 s
{"step": "environment", "state": "done", "detail": "galago 0.1.0 for …"}
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["done", "unchanged", "would", "failed", "note"]


@dataclass(frozen=True)
class Told:
    """`state` "would": in a dry run. "note": not a step, but something to know or to do."""

    step: str
    state: State
    detail: str


Say: TypeAlias = Callable[[Told], None]


def as_text(told: Told) -> None:
    """For a person, on standard output, at once."""
    print(f"{told.step:<14} {told.state:<10} {told.detail}", flush=True)  # noqa: T201


def as_json(told: Told) -> None:
    """For a program: one document a line."""
    sys.stdout.write(json.dumps(asdict(told)) + "\n")
    sys.stdout.flush()
