"""The nearest known word, for messages about an unknown one."""

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'file'?)" for a misspelt word, nothing when none is near."""
    found = difflib.get_close_matches(word.lower(), list(known), n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""
