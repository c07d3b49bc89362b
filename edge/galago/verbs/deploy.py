"""The verb that installs a camera over ssh."""

from collections.abc import Callable

VERBS: tuple[Callable[..., None], ...] = ()
