"""Asking parts that may fail, one by one: what one cannot answer keeps nobody from the others."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Asking:
    """A round of questions; what went wrong in it is told once for each part."""

    def __init__(self) -> None:
        self._causes: dict[str, str] = {}

    @property
    def cause(self) -> str | None:
        """What went wrong, in words for Health; None: nothing."""
        return "; ".join(self._causes.values()) or None

    def of(self, part: str, ask: Callable[[], T], nothing: T) -> T:
        """What `ask` gives, or `nothing` where it raises."""
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the rest is asked
            self._causes[part] = f"{part} cannot be had: {error!r}"
            return nothing
