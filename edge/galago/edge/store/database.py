"""`galago.db`: opened, made, or set aside and made anew."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

NAME = "galago.db"


@dataclass(frozen=True, slots=True)
class Database:
    """The one connection that writes; of the thread that opened it."""

    connection: sqlite3.Connection
    epoch: str
    set_aside: Path | None

    @classmethod
    def open(cls, folder: Path) -> "Database":
        """Open the database of `folder`, whatever state it is in."""
        raise NotImplementedError(folder)
