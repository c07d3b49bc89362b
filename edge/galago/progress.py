"""Progress on standard error, so that standard output stays for results.

On a terminal a moving bar; elsewhere one line when a stage is done.
"""

from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

from rich.console import Console
from rich.progress import Progress
from rich.progress import track as rich_track

T = TypeVar("T")


def track(
    items: Iterable[T], description: str, total: int | None = None, screen: TextIO | None = None
) -> Iterator[T]:
    """Iterate over `items` and show how far that is; `total` where `items` has no length.

    `screen` takes the place of standard error while that is held back (galago.noise).
    """
    console = Console(file=screen) if screen else _console()
    yield from rich_track(items, description, total=total, console=console, transient=False)


def bar() -> Progress:
    """A bar to be driven by hand, for work that calls back (Keras)."""
    return Progress(console=_console())


def say(line: str) -> None:
    """One plain line of progress."""
    _console().print(line, highlight=False, markup=False, soft_wrap=True)


def _console() -> Console:
    # Made anew each time: sys.stderr may have been redirected since.
    return Console(stderr=True)
