"""The page beside the file: true to the document, and useful where the gate refuses."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.classifier import Classifier, Scores
from galago.bundle.interpreter import Interpreter
from galago.bundle.preprocess import PreprocessSpec
from galago.convert.convert import Conversion, convert
from galago.convert.gate import ClassChange, Limits, compare
from galago.convert.layers import LayerNoise
from galago.convert.origin import from_run
from galago.convert.quantize import RECIPES, quantize
from galago.convert.report import charts, write_report
from galago.convert.report.advice import advise
from galago.convert.report.pictures import SHOWN, changed_pictures
from galago.convert.trial import Trial
from galago.train.calibration import Truth
from galago.train.report.html import written
from tests.pages import (
    NASTY,
    Page,
    assert_can_be_heard,
    assert_stands_alone,
    assert_true_to,
    drawn,
)

LABELS = ("bird", "cat", "dog")
NOISE = tuple(LayerNoise(f"conv_{row}", "CONV_2D", 3.0 + 6 * row) for row in range(10))


@pytest.fixture(scope="module")
def real(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    """What became of the shapes' network."""
    return convert(from_run(run_folder), tmp_path_factory.mktemp("real") / "shapes.tflite")


def confident(answers: Truth, classes: int = 3, share: float = 0.9) -> Scores:
    """Scores (n, classes) whose best class is the answer, with that score."""
    scores = np.full((len(answers), classes), (1 - share) / (classes - 1), np.float32)
    scores[np.arange(len(answers)), answers] = share
    return scores


def turned(truth: Truth, rows: int, classes: int = 3) -> Truth:
    """The same classes, but the next one for the first pictures."""
    answers = truth.copy()
    answers[:rows] = (answers[:rows] + 1) % classes
    return answers


def with_scores(
    trial: Trial, original: Scores, converted: Scores, truth: Truth, labels: tuple[str, ...]
) -> Trial:
    """The trial as if the pictures had been answered like that."""
    comparison = compare(original, converted, truth, labels)
    complaints = comparison.complaints(Limits())
    return replace(trial, scores=converted, comparison=comparison, complaints=complaints)


def imagined(  # noqa: PLR0913 - what differs from case to case
    real: Conversion,
    folder: Path,
    *,
    wrong: int = 0,
    n: int = 300,
    labels: tuple[str, ...] = LABELS,
    sure: float = 0.9,
    noise: tuple[LayerNoise, ...] = NOISE,
) -> Conversion:
    """A conversion of a perfect network that gets the first `wrong` of `n` pictures wrong."""
    truth = np.sort(np.arange(n, dtype=np.int64) % len(labels))
    paths = tuple(Path(f"/p/{NASTY}{index}.jpg") for index in range(n))
    original = confident(truth, len(labels), sure)
    converted = confident(turned(truth, wrong, len(labels)), len(labels), sure)
    pictures = drawn(truth, paths, 64)
    dataset = replace(
        real.subject.dataset,
        labels=labels,
        splits={**real.subject.dataset.splits, "train": pictures, "test": pictures},
    )
    origin = replace(real.subject.origin, labels=labels, data=Path("/data") / NASTY)
    trial = with_scores(real.chosen, original, converted, truth, labels)
    return Conversion(
        subject=replace(real.subject, origin=origin, dataset=dataset, scores=original),
        trials=(trial,),
        noise=noise,
        file=folder / "porch.tflite",
        report=folder / "convert.html",
        model=real.model if trial.passed else None,
    )


def torn() -> Interpreter:
    """A network with a running sum in its middle, which XNNPACK does not know."""
    from galago.train.tensorflow import keras

    image = keras.Input((8, 8, 3))
    values = keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255)(image))
    values = keras.layers.Conv2D(4, 3)(keras.ops.cumsum(values, axis=1))
    values = keras.layers.GlobalAveragePooling2D()(values)
    scores = keras.layers.Dense(3, activation="softmax")(values)
    return Interpreter(quantize(keras.Model(image, scores), RECIPES["float32"]))


def page_of(conversion: Conversion) -> Page:
    write_report(conversion)
    return Page(conversion.report.read_text(encoding="utf-8"))


def titles(conversion: Conversion) -> list[str]:
    return [advice.title for advice in advise(conversion)]


def test_conversion_leaves_the_page_beside_the_file(real: Conversion) -> None:
    """Whoever converts finds both, and the page says that the file may serve."""
    assert sorted(path.name for path in real.file.parent.iterdir()) == [
        "convert.html",
        "shapes.tflite",
    ]
    page = Page(real.report.read_text(encoding="utf-8"))
    assert "Fit to serve. shapes.tflite was written" in page.text
    assert_true_to(real.to_dict(), page)


@pytest.mark.parametrize("wrong", [0, 30])
def test_the_page_fetches_nothing_and_runs_nothing(
    real: Conversion, tmp_path: Path, wrong: int
) -> None:
    """It can be mailed and printed, whatever the verdict; and it can be heard."""
    page = page_of(imagined(real, tmp_path, wrong=wrong))
    assert_stands_alone(page)
    assert_can_be_heard(page)


@pytest.mark.parametrize("wrong", [0, 30])
def test_every_figure_is_that_of_the_document(real: Conversion, tmp_path: Path, wrong: int) -> None:
    """Whoever reads the page and whoever reads `convert --json` are told the same."""
    conversion = imagined(real, tmp_path, wrong=wrong, labels=("a/b", "c~d", "plain"))
    page = page_of(conversion)
    assert len(page.figures) > 30
    assert_true_to(conversion.to_dict(), page)


@pytest.mark.parametrize(
    "pointer",
    [
        "/float/accuracy", "/converted/accuracy", "/float/bytes", "/converted/bytes", "/agreement",
        "/n", "/drop_points", "/calibration_error/float", "/calibration_error/converted",
        "/partitions", "/trials/0/microseconds", "/trials/0/float_microseconds", "/file_bytes",
        "/classes/cat/before", "/classes/cat/after", "/classes/dog/agreement", "/classes/dog/n",
        "/classes/bird/lost", "/classes/bird/gained",
    ],
)  # fmt: skip
def test_no_important_figure_is_missing(real: Conversion, tmp_path: Path, pointer: str) -> None:
    """The page says what it was asked to say."""
    assert pointer in {place for place, _, _ in page_of(imagined(real, tmp_path)).figures}


def test_a_refusal_says_why_and_that_nothing_was_written(real: Conversion, tmp_path: Path) -> None:
    """The limit, the loss, and the class that lost stand at the top."""
    page = page_of(imagined(real, tmp_path, wrong=30))
    verdict = page.text[: page.text.index("What to do next")]
    assert "Refused. porch.tflite was not written" in " ".join(verdict.split())
    assert "conversion loses 10.00 points of accuracy, at most 0.5 are allowed" in verdict
    assert "recall of bird falls by 30.0 points" in verdict
    assert "Fit to serve" not in page.text
    assert "Put it on a camera" not in page.text


def test_the_page_replaces_an_older_one_whole(real: Conversion, tmp_path: Path) -> None:
    """Whoever reads the old one keeps it; under its name lies the last verdict, and no leftover."""
    older = page_of(imagined(real, tmp_path))
    (tmp_path / "reader").hardlink_to(tmp_path / "convert.html")
    newer = page_of(imagined(real, tmp_path, wrong=30))
    assert "Refused" in newer.text
    assert (tmp_path / "reader").read_text(encoding="utf-8") == older.source
    assert {path.name for path in tmp_path.iterdir()} == {"convert.html", "reader"}


def test_names_are_text_whatever_they_contain(real: Conversion, tmp_path: Path) -> None:
    """Labels, layers and paths called like a tag are shown, not obeyed."""
    noise = (LayerNoise(NASTY, NASTY, 3.0),)
    conversion = imagined(real, tmp_path, wrong=30, labels=(NASTY, "b"), noise=noise)
    page = page_of(conversion)
    assert "script" not in {tag for tag, _ in page.tags}
    assert "<script" not in page.source
    assert page.text.count(NASTY) > 30


def test_a_file_name_that_is_no_text_does_not_stop_the_page(
    real: Conversion, tmp_path: Path
) -> None:
    """Names from elsewhere may hold bytes that are no UTF-8; the picture is shown all the same."""
    conversion = imagined(real, tmp_path)
    dataset, test = conversion.subject.dataset, conversion.subject.dataset.splits["test"]
    name = Path(os.fsdecode(b"caf\xe9.jpg"))
    splits = {**dataset.splits, "test": replace(test, paths=(name,) * len(test))}
    subject = replace(conversion.subject, dataset=replace(dataset, splits=splits))
    assert "caf?.jpg" in page_of(replace(conversion, subject=subject)).text


def test_changed_pictures_come_first_and_say_what_became_of_them(
    real: Conversion, tmp_path: Path
) -> None:
    """Each with truth, both answers, both scores, and whether that is worse or better."""
    truth = np.array([0, 0, 1, 1, 2])
    before = confident(np.array([0, 1, 1, 2, 2]), share=0.8)
    after = confident(np.array([0, 0, 2, 0, 2]), share=0.6)
    after[2] = (0.05, 0.05, 0.9)
    pictures = drawn(truth, tuple(Path(f"{row}.jpg") for row in range(5)), 64)
    shown = changed_pictures(pictures, before, after, LABELS)
    assert [(str(one.picture.path), one.effect) for one in shown] == [
        ("2.jpg", "worse"), ("1.jpg", "better"), ("3.jpg", "neither"),
    ]  # fmt: skip
    assert (shown[0].truth, shown[0].before.label, shown[0].after.label) == ("cat", "cat", "dog")
    assert (shown[0].before.score, shown[0].after.score) == pytest.approx((0.8, 0.9))
    page = page_of(imagined(real, tmp_path, wrong=2))
    assert page.text.count("got worse") == 2
    assert "2 test pictures have another answer than before." in page.text


def test_at_most_a_screenful_of_pictures_is_shown(real: Conversion, tmp_path: Path) -> None:
    """And the page says how many there are."""
    page = page_of(imagined(real, tmp_path, wrong=60))
    assert len(page.having("img")) == SHOWN
    assert "60 test pictures have another answer than before; these 24" in page.text


def test_where_nothing_changed_that_is_said(real: Conversion, tmp_path: Path) -> None:
    """A few pictures still show how little the scores have moved."""
    page = page_of(imagined(real, tmp_path))
    assert "No test picture has another answer than before" in page.text
    changed = page.text[page.text.index("No test picture has") :]
    assert len(page.having("img")) == changed.count("same answer") == 6


def test_what_was_tried_is_told_only_where_there_was_a_choice(
    real: Conversion, tmp_path: Path
) -> None:
    """A row for every trial with its verdict, and why the first would not do."""
    refused, passed = imagined(real, tmp_path, wrong=30), imagined(real, tmp_path)
    assert "What was tried" not in page_of(passed).text
    other = replace(passed.chosen, recipe=RECIPES["float16"])
    page = page_of(replace(passed, trials=(refused.chosen, other)))
    tried = page.text[page.text.index("In this order") : page.text.index("Every class by itself")]
    assert tried.index("refused conversion loses") < tried.index("passed")
    assert "would not do: conversion loses 10.00 points" in page.text
    assert "Fit to serve" in page.text


def test_the_worst_layers_are_named(real: Conversion, tmp_path: Path) -> None:
    """Eight of them; the section is left out where nothing was quantized."""
    page = page_of(imagined(real, tmp_path))
    assert "conv_7" in page.text
    assert "conv_8" not in page.text
    assert "3.0\N{NO-BREAK SPACE}dB" in page.text
    assert "Where the signal suffers" not in page_of(imagined(real, tmp_path, noise=())).text


def test_of_many_classes_the_largest_loss_comes_first(real: Conversion, tmp_path: Path) -> None:
    """Of a few they keep their order."""
    labels = tuple(f"class-{index:02d}" for index in range(20))
    truth = np.sort(np.arange(400) % 20)
    conversion = imagined(real, tmp_path, labels=labels, n=400)
    answers = np.where((truth == 13) & (np.arange(400) % 2 == 0), 14, truth)
    trial = with_scores(
        real.chosen, conversion.subject.scores, confident(answers, 20), truth, labels
    )
    page = page_of(replace(conversion, trials=(trial,)))
    table = page.text[page.text.index("The largest loss comes first") :]
    assert table.index("class-13") < table.index("class-00") < table.index("class-12")


def test_the_interval_is_drawn_where_it_lies() -> None:
    """No loss is the middle; a certain loss lies to the right of it, and has the other colour."""
    chance = ClassChange(100, 0.9, 0.9, 0.96, lost=2, gained=2)
    certain = ClassChange(100, 0.9, 0.8, 0.9, lost=10, gained=0)
    reach = charts.reach((chance, certain))
    assert reach == 10
    level, loss = charts.interval(chance, reach), charts.interval(certain, reach)
    assert (level.at, level.style) == (charts.WIDTH / 2, "train")
    assert level.low < charts.WIDTH / 2 < level.high
    assert (loss.at, loss.style) == (charts.WIDTH, "val")
    assert charts.WIDTH / 2 < loss.low < loss.at


def test_a_refused_recipe_is_told_what_others_cost(real: Conversion, tmp_path: Path) -> None:
    """float16's size from the float model's, and its time from the float model's."""
    conversion = imagined(real, tmp_path, wrong=30)
    advice = {piece.title: piece.text for piece in advise(conversion)}
    half = written(len(conversion.subject.float32) / 2, "kilobytes")
    assert f"about {half} instead of" in advice["Or pay for float16"]
    assert "then dynamic, float16, float32" in advice["Let it look for what is within the limits"]


def test_close_calls_and_sure_answers_are_told_apart(real: Conversion, tmp_path: Path) -> None:
    """Rounding turns the former; the latter speak of a cut range."""
    close = titles(imagined(real, tmp_path, wrong=30, sure=0.4))
    sure = titles(imagined(real, tmp_path, wrong=30, sure=0.95))
    assert "Most were close calls" in close
    assert "Sure answers have turned" not in close
    assert "Sure answers have turned" in sure
    assert "Most were close calls" not in sure


def test_a_layer_is_blamed_only_where_its_signal_is_low(real: Conversion, tmp_path: Path) -> None:
    """Good models too have layers in which a tenth of the signal is noise."""
    quiet = (LayerNoise("conv", "CONV_2D", 14.0),)
    assert "conv_0 drowns in rounding" in titles(imagined(real, tmp_path, wrong=30))
    assert "conv drowns in rounding" not in titles(imagined(real, tmp_path, wrong=30, noise=quiet))


def test_the_class_that_loses_most_is_named(real: Conversion, tmp_path: Path) -> None:
    """With its figures; nobody is blamed for what all have lost alike."""
    advice = {piece.title: piece.text for piece in advise(imagined(real, tmp_path, wrong=30))}
    assert "Of its 100 test pictures 30 became wrong." in advice["bird loses most"]
    assert "it has 100 training pictures" in advice["bird loses most"]
    assert "bird loses most" not in titles(imagined(real, tmp_path, wrong=300))


def test_where_even_float32_fails_rounding_is_not_blamed(real: Conversion, tmp_path: Path) -> None:
    """Then the converted graph computes something else, which no calibration mends."""
    refused = imagined(real, tmp_path, wrong=30)
    exact = replace(refused.chosen, recipe=RECIPES["float32"])
    found = titles(replace(refused, trials=(refused.chosen, exact)))
    assert found[:2] == ["It is not the rounding", "Nothing that was tried is within the limits"]
    assert "Let it look for what is within the limits" not in found


def test_agreeing_with_a_network_that_guesses_is_worth_nothing(
    real: Conversion, tmp_path: Path
) -> None:
    """It passes the gate with honours; the page says what the original is worth."""
    conversion = imagined(real, tmp_path)
    truth = np.arange(300) % 3
    always = confident(np.zeros(300, np.int64))
    trial = with_scores(conversion.chosen, always, always, truth, LABELS)
    title = "The original is no better than guessing"
    assert trial.passed
    assert title in titles(replace(conversion, trials=(trial,)))
    assert title not in titles(conversion)


def test_layers_left_to_slow_kernels_are_named(real: Conversion, tmp_path: Path) -> None:
    """A layer in the middle that no backend takes tears the graph; casts are nobody's mistake."""
    conversion = imagined(real, tmp_path)
    assert not any(title.startswith("It runs in") for title in titles(conversion))
    classifier = Classifier(torn(), PreprocessSpec(8, 8), LABELS, "softmax")
    trial = replace(conversion.chosen, classifier=classifier)
    (advice,) = (
        advice
        for advice in advise(replace(conversion, trials=(trial,)))
        if advice.title == "It runs in 2 pieces"
    )
    assert "Left to slow kernels: CUMSUM." in advice.text


def test_few_test_pictures_prove_little(real: Conversion, tmp_path: Path) -> None:
    """Said of a passed file too: it passed because nothing could be seen."""
    assert "Judge it on more pictures" in titles(imagined(real, tmp_path, n=60))
    assert "Judge it on more pictures" not in titles(imagined(real, tmp_path, n=300))


def test_a_slower_file_is_told(real: Conversion, tmp_path: Path) -> None:
    """Quantizing is for speed too; where there is none, one should know."""
    conversion = imagined(real, tmp_path)
    slow = replace(conversion.chosen, microseconds=200.0, float_microseconds=100.0)
    fast = replace(conversion.chosen, microseconds=100.0, float_microseconds=200.0)
    assert "It is slower than the original here" in titles(replace(conversion, trials=(slow,)))
    assert "It is slower than the original here" not in titles(replace(conversion, trials=(fast,)))


def test_the_page_tells_where_the_file_comes_from(real: Conversion, tmp_path: Path) -> None:
    """Enough to make it again: digest, recipe, calibration, types, data, seed, versions."""
    conversion = imagined(real, tmp_path)
    page, model = page_of(conversion), conversion.model
    made = page.text[page.text.index("How it was made", page.text.index("Where the signal")) :]
    assert model is not None
    assert model.sha256 in made
    assert model.manifest.flatbuffer_sha256 in made
    assert "int8: everything integer" in made
    assert "training pictures, with black and white" in made
    assert f"{conversion.chosen.classifier.interpreter.input} → (1, 3) uint8" in made
    assert str(real.subject.origin.fingerprint) in made
    assert "tensorflow 2." in made
