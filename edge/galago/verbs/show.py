"""What a verb shows on standard output: its result."""

import json
import os
import sys
from typing import Any


def print_out(text: str) -> None:
    """A text on standard output, at once.

    Raises:
        OSError: nobody reads it, or its disk is full.
    """
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        # A full disk or a reader that has left: Python must not try once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def show(document: Any, text: str, *, as_json: bool) -> None:
    """A result: as one JSON document, or for people."""
    print_out(json.dumps(document, ensure_ascii=False, indent=2) if as_json else text)
