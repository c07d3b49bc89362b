"""The verb that says what is wrong with this machine."""

from collections.abc import Callable

VERBS: tuple[Callable[..., None], ...] = ()
