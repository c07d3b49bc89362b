"""Train a network on pictures and leave a run behind: what `galago train` does.

- The run appears whole, when everything in it is written, or not at all. Until then all there is is
  RUN.checkpoint beside it, from which `resume` goes on.
- The test pictures are looked at once, after everything has been decided.

    run, assessment = train(Path("images"), Path("run"), Settings())
    print(assessment.metrics.accuracy)
"""

import csv
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from galago.bundle.classifier import Scores
from galago.bundle.confidence import soften
from galago.errors import UsageError
from galago.files import check_place, new_folder, remove_leftovers
from galago.progress import say
from galago.train import run_folder
from galago.train.assess import Assessment, NaiveClaim, assess
from galago.train.assess import as_text as assessment_text
from galago.train.check import check
from galago.train.data.dataset import MATES, Dataset
from galago.train.data.problems import Problem
from galago.train.data.source import SPLITS, Listing, find
from galago.train.data.split import naive_claim
from galago.train.evaluate import as_text as metrics_text
from galago.train.fit import Course, Fitted, Lesson, fit
from galago.train.metrics import measure
from galago.train.predict import predict_keras
from galago.train.provenance import git_revision, versions
from galago.train.recipe import Facts, Recipe, Settings, choose
from galago.train.report import write_metrics, write_report
from galago.train.run_folder import Run

_MEASURED = 64  # pictures whose size is looked at before a network is chosen


def train(
    data: Path, out: Path, settings: Settings, course: Course | None = None
) -> tuple[Run, Assessment]:
    """Train on `data`, write the run to `out`, and return it with its figures on test.

    Raises:
        DataError: the pictures cannot serve.
        UsageError: no such network or option, or `out` exists, or there is nothing to resume.
        StoppedError: Ctrl-C before the first epoch was done.
        OSError: the run cannot be written; nothing is left under the name `out`.
    """
    course = course or Course()
    checkpoint = _prepare_place(out, course)
    recipe, reasons = choose(settings, facts(find(data)))
    problems = _look_over(data, recipe)
    for reason in reasons:
        say(reason)
    dataset = Dataset.open(
        data,
        recipe.preprocess,
        seed=settings.seed,
        grouped=settings.grouped,
        max_unreadable=settings.max_unreadable,
    )
    lesson = Lesson(dataset.splits, len(dataset.labels), dataset.fingerprint, recipe)
    fitted = fit(lesson, checkpoint, course)
    scores = _predict(fitted, dataset)
    assessment = _assess(scores, dataset, settings.precision)
    with new_folder(out, replace=course.replace or course.resume) as folder:
        outcome = Outcome(recipe, reasons, problems, fitted, scores["test"], assessment)
        _write(folder, dataset, settings, outcome)
    if not fitted.interrupted:
        checkpoint.unlink(missing_ok=True)
    return Run.read(out), assessment


def as_text(run: Run, assessment: Assessment) -> str:
    """The figures as a person reads them in a terminal."""
    figures = f"{metrics_text(assessment.metrics)}\n\n{assessment_text(assessment)}"
    return f"{figures}\n\nThe run is in {run.folder}; look at {run.folder / run_folder.REPORT}"


def seconds(duration: str) -> float:
    """What "40m", "1h30m" or "90s" means.

    Raises:
        UsageError: it is none of these.
    """
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", duration.strip())
    parts = [int(part or 0) for part in match.groups()] if match else []
    if not any(parts):
        raise UsageError(f"no duration: {duration!r}; expected 40m, 1h30m or 90s")
    return float(sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=True)))


def facts(listing: Listing) -> Facts:
    """What the choice of a network depends on; reads the headers of a few pictures."""
    counts = dict.fromkeys(listing.labels, 0)
    for entry in listing.entries:
        if entry.split in {None, "train"}:
            counts[entry.label] += 1
    sides = []
    for entry in listing.entries[:: -(-len(listing.entries) // _MEASURED)]:
        try:
            with Image.open(entry.path) as image:
                sides.append(min(image.size))
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
            continue  # named later, when all are read
    side = int(np.median(sides)) if sides else 0
    return Facts(sum(counts.values()), min(counts.values()), side)


def _prepare_place(out: Path, course: Course) -> Path:
    """See that the run can be written before hours are spent on it; returns the checkpoint."""
    checkpoint = out.with_name(f"{out.name}.checkpoint")
    occupied = out.exists() and not (out.is_dir() and not any(out.iterdir()))
    if course.resume and occupied and not checkpoint.exists() and not course.replace:
        raise UsageError(f"{out} is finished: there is nothing to resume")
    if not course.resume and not course.replace:
        if checkpoint.exists():
            raise UsageError(
                f"{checkpoint} is there, of an unfinished training: go on with --resume, or begin "
                "anew with --force"
            )
        if occupied:
            raise UsageError(
                f"{out} already exists: choose another name, or replace it with --force"
            )
    out.parent.mkdir(parents=True, exist_ok=True)
    for path in (out, checkpoint):
        remove_leftovers(path)
    if course.replace and not course.resume:
        checkpoint.unlink(missing_ok=True)
    check_place(out)
    return checkpoint


def _look_over(data: Path, recipe: Recipe) -> tuple[Problem, ...]:
    """What is wrong with the pictures; said before hours are spent on them."""
    found = check(data, also=[recipe.preprocess])
    if found.problems:
        listed = ", ".join(f"{n} {kind}" for kind, n in found.kinds.items())
        say(f"Problems in the pictures: {listed}; galago check {data} lists them")
    return found.problems


def _predict(fitted: Fitted, dataset: Dataset) -> dict[str, Scores]:
    """Scores of the pictures that were not learnt from; there may be no mates."""
    return {
        split: predict_keras(fitted.model, dataset.splits[split])
        for split in ("val", "test", MATES)
        if len(dataset.splits[split])
    }


def _assess(scores: dict[str, Scores], dataset: Dataset, precision: float) -> Assessment:
    val, test = dataset.splits["val"], dataset.splits["test"]
    naive = None
    if MATES in scores:
        mates = measure(scores[MATES], dataset.splits[MATES].labels, dataset.labels)
        honest = measure(scores["test"], test.labels, dataset.labels).accuracy
        claim = naive_claim(dataset.sibling_share, mates.accuracy, honest)
        naive = NaiveClaim(claim, honest, mates.n)
    return assess(
        scores["val"],
        val.labels,
        scores["test"],
        test.labels,
        dataset.labels,
        precision=precision,
        naive=naive,
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training came to, before it is written down."""

    recipe: Recipe
    reasons: tuple[str, ...]
    problems: tuple[Problem, ...]
    fitted: Fitted
    scores: Scores  # of the test pictures
    assessment: Assessment


def _describe(folder: Path, dataset: Dataset, settings: Settings, outcome: Outcome) -> Run:
    recipe, fitted, assessment = outcome.recipe, outcome.fitted, outcome.assessment
    return Run(
        folder=folder,
        labels=dataset.labels,
        preprocess=recipe.preprocess,
        recipe=asdict(recipe),
        reasons=outcome.reasons,
        data=dataset.data.absolute(),
        counts={split: dataset.count(split) for split in SPLITS},
        made=dataset.made,
        grouped=settings.grouped,
        unreadable=len(dataset.unreadable),
        max_unreadable=settings.max_unreadable,
        fingerprint=dataset.fingerprint,
        epochs=len(fitted.history),
        best_epoch=fitted.best_epoch + 1,
        interrupted=fitted.interrupted,
        seconds=round(fitted.seconds, 1),
        temperature=assessment.temperature,
        thresholds=dict(zip(dataset.labels, assessment.thresholds, strict=True)),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        precision=settings.precision,
        git_revision=git_revision(),
    )


def _write(folder: Path, dataset: Dataset, settings: Settings, outcome: Outcome) -> None:
    fitted, assessment = outcome.fitted, outcome.assessment
    run = _describe(folder, dataset, settings, outcome)
    run.write()
    fitted.model.save(folder / run_folder.MODEL)
    with (folder / run_folder.HISTORY).open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, ["epoch", *fitted.history[0]])
        rows.writeheader()
        rows.writerows({"epoch": epoch, **row} for epoch, row in enumerate(fitted.history, start=1))
    write_metrics(folder / run_folder.METRICS, assessment)
    write_report(
        folder / run_folder.REPORT,
        run,
        fitted.history,
        fitted.best_epoch,
        assessment,
        train=dataset.splits["train"],
        test=dataset.splits["test"],
        scores=soften(outcome.scores, assessment.temperature),
        problems=outcome.problems,
        notes=run.reasons,
    )
