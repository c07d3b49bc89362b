"""Charts as plain geometry; the template's `draw` turns them into SVG.

Convention: x to the right and y down, in units of the drawing, WIDTH × HEIGHT for the inside of the
axes; data are given from bottom to top as people read them.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from galago.train.assess import ClassAnswers, Curve
from galago.train.calibration import Bin, Reliability

WIDTH, HEIGHT = 400, 210
SMALL = (190, 120)  # of a chart that stands in a row of its like

Place: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A curve; `style` is its class in the style sheet, `points` those of an SVG polyline."""

    style: str
    points: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A marked point; `text` appears when it is pointed at."""

    style: str
    x: float
    y: float
    radius: float
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A dashed vertical line with its name beside it, at the height `y`."""

    at: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A column from `y` down to the axis."""

    style: str
    x: float
    y: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What `draw` needs; `description` says in words what the picture shows."""

    title: str
    description: str
    x_name: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...] = ()
    dots: tuple[Dot, ...] = ()
    bars: tuple[Bar, ...] = ()
    rules: tuple[Rule, ...] = ()
    width: int = WIDTH
    height: int = HEIGHT


def learning(
    title: str,
    history: Sequence[Mapping[str, Any]],
    name: str,
    best: int,
    top: float | None = None,
) -> Chart:
    """One figure over the epochs, of training and val; the epoch kept and the stages are marked.

    `top`: where the axis ends, 1 for shares; without it, at the highest value.
    """
    series = {"train": name, "val": f"val_{name}"}
    highest = top or _round_up(max(float(row[key]) for row in history for key in series.values()))
    last = max(1, len(history) - 1)

    def place(epoch: int, key: str) -> Place:
        return epoch / last * WIDTH, _y(float(history[epoch][key]) / highest)

    told = ", ".join(
        f"{style} from {history[0][key]:.2f} to {history[best][key]:.2f}"
        for style, key in series.items()
    )
    return Chart(
        title=title,
        description=f"{title} by epoch: {told} at epoch {best + 1}, which was kept",
        x_name="epoch",
        x_ticks=tuple(Tick(at / last * WIDTH, str(at + 1)) for at in _epochs(len(history))),
        y_ticks=_percents() if top == 1 else _values(highest),
        lines=tuple(
            Line(style, _points(place(epoch, key) for epoch in range(len(history))))
            for style, key in series.items()
        ),
        dots=tuple(
            Dot(
                style,
                *place(best, key),
                4.5,
                f"epoch {best + 1}, {style}: {history[best][key]:.3f}",
            )
            for style, key in series.items()
        ),
        rules=_rules(history, best, rising=top == 1),
    )


def reliability(before: Reliability, after: Reliability) -> Chart:
    """How often answers of each score are right; a dot's area is its share of the pictures."""
    kinds = {"val": before, "train": after}
    return Chart(
        title="Calibration",
        description=f"Share of right answers by score: {before.error:.1%} off the diagonal before "
        f"the correction, {after.error:.1%} after",
        x_name="score",
        x_ticks=_percents_across(),
        y_ticks=_percents(),
        lines=(
            Line("ideal", f"0,{HEIGHT} {WIDTH},0"),
            *(Line(style, _points(map(_of_bin, _filled(kind)))) for style, kind in kinds.items()),
        ),
        dots=tuple(
            Dot(style, *_of_bin(part), _radius(part, kind), _told(part))
            for style, kind in kinds.items()
            for part in _filled(kind)
        ),
    )


def certainty(before: Reliability, after: Reliability) -> Chart:
    """How many pictures have a best score how high: two columns for each bin."""
    kinds = {"val": before, "train": after}
    n = sum(part.n for part in before.bins)
    highest = _round_up(max(part.n for kind in kinds.values() for part in kind.bins) / n)
    step = WIDTH / len(before.bins)
    bars = (
        Bar(
            style,
            x=index * step + 2 + side * (step / 2 - 2),
            y=_y(part.n / n / highest),
            width=step / 2 - 2,
            text=f"{part.n} pictures with scores from {part.low:.0%} to {part.high:.0%}",
        )
        for side, (style, kind) in enumerate(kinds.items())
        for index, part in enumerate(kind.bins)
        if part.n
    )
    return Chart(
        title="How sure it is",
        description="Share of the test pictures by their best score, before and after",
        x_name="score",
        x_ticks=_percents_across(),
        y_ticks=tuple(Tick(_y(part / 4), f"{100 * highest * part / 4:.3g} %") for part in range(5)),
        bars=tuple(bars),
    )


def precision_recall(label: str, curve: Curve, answered: ClassAnswers) -> Chart:
    """Precision over recall of one class; the dot is where its threshold puts it."""
    width, height = SMALL
    area = "–" if curve.average_precision is None else f"{curve.average_precision:.3f}"

    def place(recall: float, precision: float) -> Place:
        return recall * width, (1 - precision) * height

    return Chart(
        title=label,
        description=f"Precision over recall of {label}: average precision {area}",
        x_name="",
        x_ticks=tuple(Tick(width * share / 100, f"{share} %") for share in (0, 50, 100)),
        y_ticks=tuple(Tick(height * (1 - share / 100), f"{share} %") for share in (0, 50, 100)),
        lines=(Line("train", _points(place(*point) for point in curve.points)),),
        dots=_at_threshold(answered, place),
        width=width,
        height=height,
    )


def _at_threshold(
    answered: ClassAnswers, place: Callable[[float, float], Place]
) -> tuple[Dot, ...]:
    if answered.recall is None or answered.precision is None:
        return ()
    told = f"at the threshold: precision {answered.precision:.1%}, recall {answered.recall:.1%}"
    return (Dot("val", *place(answered.recall, answered.precision), 5, told),)


def _y(share: float) -> float:
    return HEIGHT * (1 - share)


def _points(places: Iterable[Place]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _percents() -> tuple[Tick, ...]:
    return tuple(Tick(_y(share / 100), f"{share} %") for share in (0, 25, 50, 75, 100))


def _percents_across() -> tuple[Tick, ...]:
    return tuple(Tick(WIDTH * share / 100, f"{share} %") for share in (0, 25, 50, 75, 100))


def _values(highest: float) -> tuple[Tick, ...]:
    return tuple(Tick(_y(part / 4), f"{highest * part / 4:.3g}") for part in range(5))


def _round_up(value: float) -> float:
    """The next of 1, 1.2, 1.6, 2, 4, 6, 8 times a power of ten: quarters of it read well."""
    power = 10 ** math.floor(math.log10(max(value, 1e-6)))
    steps = (1, 1.2, 1.6, 2, 4, 6, 8, 10)
    return float(next((power * step for step in steps if power * step >= value), power * 10))


def _epochs(count: int) -> range:
    """At most about eight ticks."""
    return range(0, count, max(1, math.ceil(count / 8)))


def _rules(history: Sequence[Mapping[str, Any]], best: int, *, rising: bool) -> tuple[Rule, ...]:
    """The epoch kept, and where later stages begin; rows may not know of stages.

    The names stand where the curves end up last: below rising ones, above falling ones.
    """
    last = max(1, len(history) - 1)
    places = [(best / last, "kept")] + [
        ((epoch - 0.5) / last, str(row["stage"]))
        for epoch, row in enumerate(history)
        if epoch and row.get("stage") != history[epoch - 1].get("stage")
    ]
    return tuple(
        Rule(at * WIDTH, HEIGHT - 8 - 16 * line if rising else 12 + 16 * line, text)
        for line, (at, text) in enumerate(places)
    )


def _filled(kind: Reliability) -> list[Bin]:
    return [part for part in kind.bins if part.n]


def _of_bin(part: Bin) -> Place:
    return (part.confidence or 0) * WIDTH, _y(part.accuracy or 0)


def _radius(part: Bin, kind: Reliability) -> float:
    return 2.5 + 11 * math.sqrt(part.n / sum(other.n for other in kind.bins))


def _told(part: Bin) -> str:
    return f"{part.n} pictures: score {part.confidence:.1%}, right {part.accuracy:.1%}"
