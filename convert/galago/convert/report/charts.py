"""The small chart in every row of the classes' table: recall lost, with its interval.

Convention: x to the right in units of the drawing, WIDTH × HEIGHT; percentage points, losses to the
right of the middle, gains to the left.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from galago.convert.gate import ClassChange

WIDTH, HEIGHT = 150, 18

_REACHES = (1, 2, 5, 10, 20, 50, 100)  # percentage points; what a scale may end with


@dataclass(frozen=True, slots=True)
class Interval:
    """A dot at `at` and a line from `low` to `high`; `style` is its class in the style sheet."""

    style: str
    low: float
    at: float
    high: float
    text: str


def reach(changes: Iterable[ClassChange]) -> int:
    """Where the scale that all rows share ends on both sides, in percentage points."""
    widest = max(abs(end) for change in changes for end in change.drop_interval)
    return next((step for step in _REACHES if step >= widest), _REACHES[-1])


def interval(change: ClassChange, reach: int) -> Interval:
    """The loss of one class on a scale from −`reach` to `reach`."""
    low, high = change.drop_interval
    return Interval(
        style="val" if change.is_real else "train",
        low=_x(low, reach),
        at=_x(change.drop_points, reach),
        high=_x(high, reach),
        text=f"{_told(change.drop_points)}; with 95 % certainty {low:.1f} to {high:.1f} lost",
    )


def _x(points: float, reach: int) -> float:
    return WIDTH / 2 * (1 + points / reach)


def _told(drop_points: float) -> str:
    word = "lost" if drop_points >= 0 else "gained"
    return f"{abs(drop_points):.1f} points {word}"
