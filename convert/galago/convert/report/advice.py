"""From a conversion's figures to plain sentences: what to do next.

- Every rule looks at one thing and speaks only where the figures do.
- Rules about accuracy speak only where the file is refused; rules about speed and about how much
  the verdict is worth, always. The most useful stands first.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galago.convert.gate import ClassChange, turned
from galago.convert.quantize import later_recipes
from galago.convert.trial import CALIBRATION_IMAGES, HARDER_CALIBRATION_IMAGES, Trial
from galago.train.report.advice import Advice
from galago.train.report.html import written

if TYPE_CHECKING:
    from galago.convert.convert import Conversion

HARMLESS_DECIBELS = 20.0  # above it what rounding adds is a tenth of the signal at most

_MAX = 6  # more is not read
_DROWNING_DECIBELS = 10.0  # below it, a third; good models have layers between the two
_CLOSE, _SURE = 0.2, 0.8  # between the two best scores
_MOST, _MANY = 2 / 3, 1 / 3
_CONCENTRATED = 2.0  # times as much as all classes together
_FEW_TEST_PICTURES = 200  # one of them is half a point, the default limit
_SLOWER = 1.1
_OF_THE_RECIPE = ("CAST", "QUANTIZE", "DEQUANTIZE")  # no layer of the network's own


def advise(conversion: "Conversion") -> list[Advice]:
    """At most six pieces of advice, the most important first; none if nothing stands out."""
    rules = _ALWAYS if conversion.passed else (*_WHERE_REFUSED, *_ALWAYS)
    found = [advice for rule in rules if (advice := rule(conversion)) is not None]
    return found[:_MAX]


def _not_the_rounding(conversion: "Conversion") -> Advice | None:
    exact = [trial for trial in conversion.trials if trial.recipe.weights == "float32"]
    if not exact:
        return None
    return Advice(
        "It is not the rounding",
        "float32 rounds nothing and is beyond the limits too: only "
        f"{written(exact[0].comparison.agreement)} of its answers are the original's. A layer "
        "computes something else once it is converted: look at layers of your own, and at layers "
        "that behave differently while they train.",
    )


def _nothing_would_do(conversion: "Conversion") -> Advice | None:
    trials = conversion.trials
    if len(trials) == 1:
        return None
    best = min(trials, key=lambda trial: trial.comparison.drop_points)
    return Advice(
        "Nothing that was tried is within the limits",
        f"The best was {best.name}: {_change(best)}, {_size(best)}, "
        f"{written(best.microseconds, 'microseconds')} an invoke. Train the network again with "
        "what stands below, or accept it with a wider --max-drop or --max-class-drop.",
    )


def _try_harder(conversion: "Conversion") -> Advice | None:
    first = conversion.chosen
    later = later_recipes(first.recipe)
    if len(conversion.trials) > 1 or not later:
        return None
    more = f"up to {HARDER_CALIBRATION_IMAGES} calibration pictures, then "
    return Advice(
        "Let it look for what is within the limits",
        f"--try-harder goes on with {more if first.recipe.is_calibrated else ''}"
        f"{', '.join(recipe.name for recipe in later)}, and takes the first that passes.",
    )


def _float16(conversion: "Conversion") -> Advice | None:
    tried = {trial.recipe.name for trial in conversion.trials}
    if {"float16", "float32"} & tried:
        return None
    first = conversion.chosen
    size = written(len(conversion.subject.float32) / 2, "kilobytes")
    return Advice(
        "Or pay for float16",
        f"--recipe float16 loses next to nothing. It would take about {size} instead of "
        f"{_size(first)}, and about as long as the original: "
        f"{written(first.float_microseconds, 'microseconds')} instead of "
        f"{written(first.microseconds, 'microseconds')} an invoke on this machine.",
    )


def _damaged_layer(conversion: "Conversion") -> Advice | None:
    low = [layer for layer in conversion.noise if layer.decibels < _DROWNING_DECIBELS]
    if not low:
        return None
    worst = low[0]
    others = f", and {len(low) - 1} more are below {_DROWNING_DECIBELS:.0f} dB" if low[1:] else ""
    return Advice(
        f"{worst.name} drowns in rounding",
        f"There the signal is only {worst.decibels:.0f} dB above what rounding has added"
        f"{others}. Usually a few weights or activations, there or in a layer before, are far "
        "larger than the rest, and the 256 steps are spent on them. A shorter range mends that: "
        "ReLU6, batch normalisation or weight decay, and training again.",
    )


def _sure_answers_turned(conversion: "Conversion") -> Advice | None:
    margins = _margins_of_turned(conversion)
    sure = int((margins > _SURE).sum())
    if not sure or sure < _MANY * len(margins):
        return None
    return Advice(
        "Sure answers have turned",
        f"Of {len(margins)} pictures with another answer, {sure} had been sure: the two best "
        f"scores more than {_SURE} apart. That is more than rounding: some range was cut off or "
        "stretched. Look at the layers below, and whether the training pictures, which give the "
        "ranges, look like the test pictures.",
    )


def _close_calls(conversion: "Conversion") -> Advice | None:
    margins = _margins_of_turned(conversion)
    close = int((margins < _CLOSE).sum())
    if not close or close < _MOST * len(margins):
        return None
    return Advice(
        "Most were close calls",
        f"In {close} of the {len(margins)} pictures with another answer the original's two best "
        f"scores were less than {_CLOSE} apart: any rounding turns these. More training pictures "
        "like those below make the network surer, and it will then lose less.",
    )


def _class_that_loses(conversion: "Conversion") -> Advice | None:
    comparison = conversion.chosen.comparison
    losing = {label: change for label, change in comparison.classes.items() if change.is_real}
    if not losing:
        return None
    label = max(losing, key=lambda label: losing[label].drop_points)
    change, training = losing[label], conversion.subject.dataset.count("train")
    if change.drop_points < _CONCENTRATED * comparison.drop_points:
        return None
    return Advice(
        f"{label} loses most",
        f"{_turned(change)} Collect more of it: it has {training[label]} "
        "training pictures, and calibration takes its ranges from them. Best are pictures like "
        "those that changed, from the camera that will use the file.",
    )


def _few_calibration_pictures(conversion: "Conversion") -> Advice | None:
    trial = conversion.chosen
    if not trial.recipe.is_calibrated or len(trial.calibration) >= CALIBRATION_IMAGES / 2:
        return None
    return Advice(
        "Few pictures gave the ranges",
        f"There are {len(trial.calibration)} training pictures to calibrate with, "
        f"{CALIBRATION_IMAGES} would be taken. Collect more, of all the light and weather that the "
        "camera will see.",
    )


def _pieces(conversion: "Conversion") -> Advice | None:
    interpreter = conversion.chosen.classifier.interpreter
    slow = [name for name in dict.fromkeys(interpreter.outside) if name not in _OF_THE_RECIPE]
    if interpreter.partitions == 1 or (interpreter.partitions and not slow):
        return None
    pieces = f"{interpreter.partitions} pieces"
    return Advice(
        f"It runs in {pieces}" if interpreter.partitions else "It is not accelerated",
        f"{interpreter.name} accelerates the network in {pieces}, best is one. Left to slow "
        f"kernels: {', '.join(slow)}. Other layers in place of these make it faster.",
    )


def _slower(conversion: "Conversion") -> Advice | None:
    trial = conversion.chosen
    if trial.microseconds < _SLOWER * trial.float_microseconds:
        return None
    return Advice(
        "It is slower than the original here",
        f"{written(trial.microseconds, 'microseconds')} instead of "
        f"{written(trial.float_microseconds, 'microseconds')} an invoke. It need not be so on the "
        "camera: galago bench measures it there.",
    )


def _guessing(conversion: "Conversion") -> Advice | None:
    original = conversion.chosen.comparison.original
    always = max(figures.support for figures in original.per_class.values()) / original.n
    if original.accuracy > always:
        return None
    return Advice(
        "The original is no better than guessing",
        f"It is right in {written(original.accuracy)} of the test pictures, and always giving the "
        f"same answer would be right in {written(always)}. A file that agrees with it is worth no "
        "more: see the training's report.html.",
    )


def _few_test_pictures(conversion: "Conversion") -> Advice | None:
    n = conversion.chosen.comparison.original.n
    if n >= _FEW_TEST_PICTURES:
        return None
    return Advice(
        "Judge it on more pictures",
        f"One of {n} test pictures is {100 / n:.1f} points: so few cannot tell a small loss from "
        f"none. From {_FEW_TEST_PICTURES} on a single picture is half a point at most.",
    )


def _margins_of_turned(conversion: "Conversion") -> NDArray[np.float32]:
    """How far apart the original's two best scores were, 0–1, for pictures with another answer."""
    original = conversion.subject.scores
    changed = turned(original, conversion.chosen.scores)
    second, best = np.sort(original[changed], axis=1)[:, -2:].T
    margins: NDArray[np.float32] = best - second
    return margins


def _turned(change: ClassChange) -> str:
    gained = f" and {change.gained} became right" if change.gained else ""
    return f"Of its {change.n} test pictures {change.lost} became wrong{gained}."


def _change(trial: Trial) -> str:
    drop = trial.comparison.drop_points
    return f"{abs(drop):.2f} points of accuracy {'lost' if drop >= 0 else 'gained'}"


def _size(trial: Trial) -> str:
    return written(len(trial.flatbuffer), "kilobytes")


_WHERE_REFUSED = (
    _not_the_rounding,
    _nothing_would_do,
    _try_harder,
    _float16,
    _damaged_layer,
    _sure_answers_turned,
    _close_calls,
    _class_that_loses,
    _few_calibration_pictures,
)
_ALWAYS = (_guessing, _few_test_pictures, _pieces, _slower)
