"""The page and the document, from the same figures."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from galago.bundle.classifier import Scores
from galago.train.assess import Assessment
from galago.train.data.images import Images
from galago.train.data.problems import Problem
from galago.train.report import charts
from galago.train.report.advice import Case, advise, confused_pairs
from galago.train.report.html import MANY, Figures, environment
from galago.train.report.pictures import contact_sheet, least_certain, worst_mistakes
from galago.train.run_folder import Run


def write_metrics(path: Path, assessment: Assessment) -> None:
    """Write the document of `galago evaluate --json`, with calibration, thresholds and curves."""
    text = json.dumps(assessment.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_report(  # noqa: PLR0913 - what the page is about
    path: Path,
    run: Run,
    history: Sequence[Mapping[str, Any]],
    best: int,
    assessment: Assessment,
    *,
    train: Images,
    test: Images,
    scores: Scores,
    problems: Sequence[Problem] = (),
    notes: Sequence[str] = (),
) -> None:
    """Write one self-contained page.

    `history` has a row per epoch with accuracy, loss, val_accuracy, val_loss and perhaps stage;
    `best` is the index of the epoch that was kept. `scores` (n, classes) float32 are the softened
    ones of `test`, in its order. `problems` come worst first. `notes` are sentences on how the
    network was chosen and trained.
    """
    kinds = Counter(problem.kind for problem in problems)
    is_last = best == len(history) - 1
    case = Case(assessment, history[best], is_last, run.counts["train"], kinds)
    page = (
        environment()
        .get_template("report.html")
        .render(
            run=run,
            metrics=assessment.metrics,
            assessment=assessment,
            figure=Figures(assessment.to_dict()),
            many=len(run.labels) > MANY,
            best=best,
            epochs=len(history),
            advice=advise(case),
            sheet=contact_sheet(train, run.labels),
            learning=[
                charts.learning("Accuracy", history, "accuracy", best, top=1.0),
                charts.learning("Loss", history, "loss", best),
            ],
            pairs=[pair for pair in confused_pairs(assessment) if pair.times > 1][:5],
            classes=_classes(assessment),
            weakest=[
                charts.precision_recall(
                    label, assessment.curves[label], assessment.unknown.per_class[label]
                )
                for label in _weakest(assessment)
            ],
            calibration=charts.reliability(assessment.before, assessment.after),
            certainty=charts.certainty(assessment.before, assessment.after),
            mistakes=worst_mistakes(test, scores, assessment),
            unsure=least_certain(test, scores, assessment),
            problems=_by_kind(problems),
            notes=notes,
        )
    )
    path.write_text(page, encoding="utf-8")


def _classes(assessment: Assessment) -> list[str]:
    """Labels in the order of the table: as given, or the weakest first where there are many."""
    metrics = assessment.metrics
    if len(metrics.labels) <= MANY:
        return list(metrics.labels)
    return sorted(metrics.labels, key=lambda label: metrics.per_class[label].f1)


def _weakest(assessment: Assessment) -> list[str]:
    """Labels whose curves are drawn: all of a few, of many the weakest."""
    drawn = [label for label in assessment.metrics.labels if assessment.curves[label].points]
    if len(assessment.metrics.labels) <= MANY:
        return drawn
    return sorted(drawn, key=lambda label: assessment.curves[label].average_precision or 0)[:MANY]


def _by_kind(problems: Iterable[Problem]) -> list[tuple[str, list[Problem]]]:
    """Each kind once, in the order in which they first come: the worst is given first."""
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(problem.kind, []).append(problem)
    return list(kinds.items())
