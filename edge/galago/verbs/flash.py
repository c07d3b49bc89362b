"""The verb that prepares an SD card."""

from collections.abc import Callable

VERBS: tuple[Callable[..., None], ...] = ()
