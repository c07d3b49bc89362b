"""What pages of the family share: figures with their place in a document, templates, the style.

- Figures are written for people in one way, and carry their exact value for programs.
- Whatever labels, paths and messages contain, they are text: templates escape.

    page = environment().get_template("report.html").render(figure=Figures(document), ...)
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

MANY = 12  # classes; with more, tables are sorted and charts limited to the weakest

_NO_BREAK = "\N{NO-BREAK SPACE}"


class Figures:
    """The document's figures as HTML, each with its exact value and its place in the document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        # Through JSON, so that the page has what a reader of the document has.
        self._document = json.loads(json.dumps(document))

    def __call__(self, *path: str | int, style: str = "percent") -> Markup:
        """`path` leads to one figure; `style` is one that `written` knows."""
        value = self._document
        for step in path:
            value = value[step]
        pointer = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
        return Markup('<data value="{}" data-figure="{}">{}</data>').format(
            json.dumps(value), pointer, written(value, style)
        )


def written(value: float | None, style: str = "percent") -> str:
    """A figure as a person reads it.

    `style` is one of STYLES: percent (of a share; fine has one more decimal), points (of percent,
    without the sign: a word beside them says lost or gained), kilobytes (of bytes), and so on.
    """
    return "–" if value is None else STYLES[style](value)


def plain(value: Any) -> str:
    """A setting as a person reads it, whatever is nested in it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {plain(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(plain(part) for part in value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def environment(*packages: str) -> Environment:
    """Where templates come from: the `packages`' own first, then those that all pages share."""
    made = Environment(
        loader=ChoiceLoader(
            [PackageLoader(name, "templates") for name in (*packages, "galago.train")]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"written": written, "plain": plain}
    return made


def _measured(amount: float, unit: str) -> str:
    return f"{amount:.{0 if amount >= 10 else 1}f}{_NO_BREAK}{unit}"


STYLES: dict[str, Callable[[float], str]] = {
    "percent": lambda share: f"{100 * share:.1f}{_NO_BREAK}%",
    "fine": lambda share: f"{100 * share:.2f}{_NO_BREAK}%",
    "fixed": lambda value: f"{value:.3f}",
    "count": str,
    "points": lambda points: f"{abs(points):.2f}",
    "decibels": lambda value: f"{value:.1f}{_NO_BREAK}dB".replace("-", "−").replace("inf", "∞"),
    "kilobytes": lambda value: _measured(value / 1000, "kB"),
    "microseconds": lambda value: _measured(value, "µs"),
}
