"""The page: whole in itself, true to metrics.json, and safe whatever the files are called."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galago.bundle.confidence import soften
from galago.bundle.preprocess import PreprocessSpec
from galago.train.assess import Assessment, NaiveClaim, assess
from galago.train.data.problems import Problem
from galago.train.report import write_metrics, write_report
from galago.train.report.html import written
from galago.train.run_folder import Run
from tests.pages import (
    NASTY,
    Page,
    assert_can_be_heard,
    assert_stands_alone,
    assert_true_to,
    drawn,
)
from tests.train.drawn_scores import overconfident


def described(
    folder: Path,
    labels: tuple[str, ...],
    spec: PreprocessSpec,
    count: dict[str, int],
    unreadable: int = 2,
) -> Run:
    stages = [{"part": "head", "epochs": 3, "learning_rate": 0.001}]
    return Run(
        folder=folder,
        labels=labels,
        preprocess=spec,
        recipe={"model": "cnn", "seed": 0, "class_weights": True, "stages": stages},
        reasons=(),
        data=Path("/data") / NASTY,
        counts={"train": count, "val": count, "test": count},
        made=("val",),
        grouped=True,
        unreadable=unreadable,
        max_unreadable=0.05,
        fingerprint="",
        epochs=3,
        best_epoch=3,
        interrupted=False,
        seconds=12.3,
        temperature=1.0,
        thresholds=dict.fromkeys(labels, 0.5),
        created="2026-11-23T01:02:03+00:00",
        versions={"galago": "1"},
    )


def report(
    folder: Path,
    labels: tuple[str, ...] = ("bird", "cat", "dog"),
    problems: tuple[Problem, ...] = (),
    n: int = 200,
    side: int = 64,
) -> tuple[Assessment, Page, dict[str, Any]]:
    """Write both files for a run of figures drawn by chance, and read them again."""
    scores, truth = overconfident(n, len(labels), seed=1)
    naive = NaiveClaim(0.987, 0.8, 77)
    val = overconfident(n, len(labels), seed=2)
    assessment = assess(*val, scores, truth, labels, precision=0.9, naive=naive)
    pictures = drawn(truth, tuple(Path(f"/p/{NASTY}{index}.jpg") for index in range(n)), side)
    count = {label: int((truth == index).sum()) for index, label in enumerate(labels)}
    run = described(folder, labels, PreprocessSpec(side, side), count)
    history = [
        {"accuracy": 0.5 + epoch / 10, "val_accuracy": 0.5, "loss": 1.0, "val_loss": 1.1}
        for epoch in range(3)
    ]
    write_metrics(folder / "metrics.json", assessment)
    write_report(
        folder / "report.html", run, history, 2, assessment, train=pictures, test=pictures,
        scores=soften(scores, assessment.temperature), problems=problems, notes=["Chosen & tried."],
    )  # fmt: skip
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    return assessment, page, json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def test_the_page_fetches_nothing_and_runs_nothing(tmp_path: Path) -> None:
    """Every address in it is a place in itself or a picture that it carries; no script, no link."""
    _, page, _ = report(tmp_path)
    assert_stands_alone(page)


def test_every_figure_is_that_of_metrics_json(tmp_path: Path) -> None:
    """Followed by its pointer, exact in `value`, and rounded where a person reads it."""
    _, page, document = report(tmp_path, labels=("a/b", "c~d", "plain"))
    assert len(page.figures) > 50
    assert_true_to(document, page)


@pytest.mark.parametrize(
    "pointer",
    [
        "/accuracy", "/accuracy_interval/0", "/loss", "/n", "/calibration/ece_before",
        "/calibration/ece_after", "/calibration/temperature", "/unknown/coverage",
        "/unknown/precision", "/unknown/wanted", "/naive_split/accuracy", "/confusion/2/1",
        "/per_class/cat/recall", "/unknown/per_class/dog/threshold",
    ],
)  # fmt: skip
def test_no_important_figure_is_missing(tmp_path: Path, pointer: str) -> None:
    """The page says what it was asked to say."""
    _, page, _ = report(tmp_path)
    assert pointer in {place for place, _, _ in page.figures}


def test_figures_read_as_people_write_them() -> None:
    """Units behind a space that does not break; nothing is a dash, not None."""
    assert written(0.9423) == "94.2\N{NO-BREAK SPACE}%"
    assert (written(1.5, "fixed"), written(7, "count"), written(None)) == ("1.500", "7", "–")
    assert written(0.9996, "fine") == "99.96\N{NO-BREAK SPACE}%"
    assert written(87_400, "kilobytes") == "87\N{NO-BREAK SPACE}kB"
    assert written(4.56, "microseconds") == "4.6\N{NO-BREAK SPACE}µs"
    assert written(-0.18, "points") == "0.18"
    assert written(float("-inf"), "decibels") == "−∞\N{NO-BREAK SPACE}dB"


def test_names_are_text_whatever_they_contain(tmp_path: Path) -> None:
    """Labels, paths and problems called like a tag are shown, not obeyed."""
    problems = (Problem(NASTY, NASTY, NASTY),)
    _, page, _ = report(tmp_path, labels=(NASTY, "b"), problems=problems)
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count(NASTY) > 10
    assert "<script" not in (tmp_path / "report.html").read_text()


def test_mistakes_and_doubts_are_shown_with_their_pictures(tmp_path: Path) -> None:
    """The surest mistake first; every picture is a JPEG, small, and described."""
    assessment, page, _ = report(tmp_path)
    images = page.having("img")
    assert len(images) == 3 * 12 + 18 + 12
    assert all(image["src"].startswith("data:image/jpeg;base64,/9j/") for image in images)
    assert all(image["alt"] and int(image["width"]) <= 128 for image in images)
    scores, truth = overconfident(200, 3, seed=1)
    softened = soften(scores, assessment.temperature)
    wrong = softened.max(axis=1) * (softened.argmax(axis=1) != truth)
    assert images[36]["title"].endswith(f"{NASTY}{wrong.argmax()}.jpg")
    assert images[36 + 18]["title"].endswith(f"{NASTY}{softened.max(axis=1).argmin()}.jpg")


def test_problems_are_grouped_and_cut_short(tmp_path: Path) -> None:
    """Ten of a kind are enough to understand it; the kinds keep their order, worst first."""
    problems = (
        *(Problem("twin", f"a{i}.jpg", "same") for i in range(14)),
        Problem("leak", "b", "near"),
    )
    _, page, _ = report(tmp_path, problems=problems)
    assert "a9.jpg" in page.text
    assert "a10.jpg" not in page.text
    assert "and 4 more" in page.text
    assert page.text.index("a0.jpg") < page.text.index("leak")


def test_settings_are_readable(tmp_path: Path) -> None:
    """No Python in the page, however deep a setting lies."""
    _, page, _ = report(tmp_path)
    assert "part head, epochs 3, learning rate 0.001" in page.text
    assert "class weights" in page.text
    assert not re.search(r"[\[{]'|True|None", page.text)


def test_a_hundred_classes_stay_usable(tmp_path: Path) -> None:
    """A file that can be mailed; only the weakest curves are drawn, and that is said."""
    labels = tuple(f"class-{index:03d}" for index in range(100))
    _, page, _ = report(tmp_path, labels=labels, n=600, side=224)
    assert (tmp_path / "report.html").stat().st_size < 1_500_000
    assert "The 12 weakest of 100 classes are drawn" in page.text
    assert (
        sum("Precision over recall" in tag.get("aria-label", "") for tag in page.having("svg"))
        == 12
    )


def test_the_page_can_be_heard(tmp_path: Path) -> None:
    """One first heading, none skipped, a language, and words for every picture and chart."""
    _, page, _ = report(tmp_path)
    assert_can_be_heard(page)


def test_one_epoch_and_no_mistakes_are_enough_for_a_page(tmp_path: Path) -> None:
    """The smallest run there is: nothing to divide by, nothing to complain about."""
    truth = np.array([0, 1])
    scores = np.eye(2, dtype=np.float32)
    assessment = assess(scores, truth, scores, truth, ("a", "b"))
    count = {"a": 1, "b": 1}
    run = described(tmp_path, ("a", "b"), PreprocessSpec(8, 16), count, unreadable=0)
    pictures = drawn(truth, (Path("a.jpg"), Path("b.jpg")), 64)
    row = {"accuracy": 1.0, "val_accuracy": 1.0, "loss": 0.0, "val_loss": 0.0}
    write_report(
        tmp_path / "report.html", run, [row], 0, assessment, train=pictures, test=pictures,
        scores=scores,
    )  # fmt: skip
    page = Page((tmp_path / "report.html").read_text())
    assert "It made no mistake" in page.text
    assert "None were found" in page.text
    assert "nan" not in page.text.lower().split()
