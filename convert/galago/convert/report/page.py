"""The page, from a conversion."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from galago.convert.gate import turned
from galago.convert.layers import LayerNoise
from galago.convert.report import charts
from galago.convert.report.advice import HARMLESS_DECIBELS, advise
from galago.convert.report.charts import Interval, interval, reach
from galago.convert.report.pictures import changed_pictures
from galago.files import replacing
from galago.train.assess import accuracy_interval
from galago.train.report.html import MANY, Figures, environment, plain

if TYPE_CHECKING:
    from galago.convert.convert import Conversion

REPORT = "convert.html"

_LAYERS = 8
_DECIBELS = 60.0  # as long as a bar gets: nothing above is worth telling apart

# What is told of where a network comes from; an origin may not know all of it.
_TOLD = {
    "trained": "Trained",
    "seed": "Seed",
    "data_fingerprint": "Training pictures",
    "versions": "Versions",
    "git_revision": "Git revision",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A class in the table: its label, and what it lost as a chart."""

    label: str
    interval: Interval


def write_report(conversion: "Conversion") -> None:
    """Write one self-contained page to `conversion.report`, whole or not at all.

    Raises:
        OSError: the folder cannot be written; a page that was there is as it was.
    """
    with replacing(conversion.report) as temporary:
        temporary.write_text(_page(conversion), encoding="utf-8", errors="replace")


def _page(conversion: "Conversion") -> str:
    subject, chosen = conversion.subject, conversion.chosen
    comparison = chosen.comparison
    scale = reach(comparison.classes.values())
    return (
        environment("galago.convert")
        .get_template("convert.html")
        .render(
            conversion=conversion,
            comparison=comparison,
            chosen=chosen,
            row=conversion.trials.index(chosen),
            origin=subject.origin,
            interpreter=chosen.classifier.interpreter,
            figure=Figures(conversion.to_dict()),
            advice=advise(conversion),
            models=_intervals(conversion),
            many=len(comparison.classes) > MANY,
            charts=charts,
            reach=scale,
            classes=[
                Row(label, interval(comparison.classes[label], scale))
                for label in _classes(conversion)
            ],
            turned=int(turned(subject.scores, chosen.scores).sum()),
            pictures=changed_pictures(
                subject.dataset.splits["test"], subject.scores, chosen.scores, subject.origin.labels
            ),
            layers=[(layer, _length(layer)) for layer in conversion.noise[:_LAYERS]],
            harmless=HARMLESS_DECIBELS,
            made=dict(_made(conversion)),
        )
    )


def _intervals(conversion: "Conversion") -> dict[str, tuple[float, float]]:
    """Between these lies each model's accuracy with 95 % certainty, 0–1."""
    comparison = conversion.chosen.comparison
    metrics = {"float": comparison.original, "converted": comparison.converted}
    return {name: accuracy_interval(m) for name, m in metrics.items()}


def _classes(conversion: "Conversion") -> list[str]:
    """Labels in the order of the table: as given, or of many the largest loss first."""
    classes = conversion.chosen.comparison.classes
    if len(classes) <= MANY:
        return list(classes)
    return sorted(classes, key=lambda label: -classes[label].drop_points)


def _length(layer: LayerNoise) -> float:
    """Of the layer's bar, 0–1."""
    return min(max(layer.decibels / _DECIBELS, 0.0), 1.0)


def _made(conversion: "Conversion") -> Iterator[tuple[str, str]]:
    """Where the file comes from: name and value, in the order in which they are told."""
    chosen, origin = conversion.chosen, conversion.subject.origin
    interpreter, model = chosen.classifier.interpreter, conversion.model
    yield "File", f"{conversion.file}" if model else f"{conversion.file}, not written"
    if model:
        yield "sha256 of the file", model.sha256
    yield "sha256 of the network in it", hashlib.sha256(chosen.flatbuffer).hexdigest()
    yield "Recipe", f"{chosen.recipe.name}: {chosen.recipe.gain}"
    if chosen.recipe.is_calibrated:
        yield "Calibration", f"{len(chosen.calibration)} training pictures, with black and white"
    yield "Input and output", f"{interpreter.input} → {interpreter.output}"
    yield "Interpreter", interpreter.name
    yield "Pictures", str(origin.data)
    for key, name in _TOLD.items():
        if origin.provenance.get(key) is not None:
            yield name, plain(origin.provenance[key])
