"""The verbs that choose which model serves: on the camera."""

from collections.abc import Callable

VERBS: tuple[Callable[..., None], ...] = ()
