"""The run's figures for people (report.html) and for programs (metrics.json)."""

import json
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from galago.train.metrics import Metrics
from galago.train.run_folder import Run

_WIDTH, _HEIGHT = 560, 200  # of a chart, in CSS pixels


def write_metrics(path: Path, metrics: Metrics) -> None:
    """Write the document of `galago evaluate --json`."""
    path.write_text(json.dumps(metrics.to_dict(), indent=2) + "\n", encoding="utf-8")


def write_report(
    path: Path, run: Run, history: list[dict[str, float]], best: int, metrics: Metrics
) -> None:
    """Write one self-contained page: nothing in it is fetched from anywhere.

    `history` has a row of figures per epoch; `best` is the index of the epoch that was kept.
    """
    environment = Environment(
        loader=PackageLoader("galago.train", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html").render(
        run=run,
        metrics=metrics,
        curves=[
            _curve("Accuracy", history, ("accuracy", "val_accuracy"), best, top=1.0),
            _curve("Loss", history, ("loss", "val_loss"), best),
        ],
        best_epoch=best + 1,
        chart={"width": _WIDTH, "height": _HEIGHT},
    )
    path.write_text(page, encoding="utf-8")


def _curve(
    title: str,
    history: list[dict[str, float]],
    names: tuple[str, str],
    best: int,
    top: float | None = None,
) -> dict[str, object]:
    """A chart of two figures over the epochs, as points of SVG polylines."""
    highest = top or max(row[name] for row in history for name in names) or 1.0
    step = _WIDTH / max(1, len(history) - 1)
    lines = {
        name: " ".join(
            f"{epoch * step:.1f},{_HEIGHT * (1 - row[name] / highest):.1f}"
            for epoch, row in enumerate(history)
        )
        for name in names
    }
    return {
        "title": title,
        "top": f"{highest:.2f}",
        "lines": lines,
        "epochs": len(history),
        "best": f"{best * step:.1f}",
    }
