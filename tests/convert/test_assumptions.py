"""Wrong claims about a model are refuted by pictures, right ones never are, not even by chance."""

from itertools import starmap

import numpy as np
import pytest
from numpy.typing import NDArray

from galago.bundle.classifier import Scores
from galago.bundle.preprocess import Pixels
from galago.convert.assumptions import (
    Claim,
    better_order,
    check_range,
    check_reading,
    is_better,
)
from galago.errors import GateError

COLOURS = {"blue": (0, 0, 90), "grey": (0, 0, 0), "red": (90, 0, 0), "yellow": (90, 90, 0)}
LABELS = tuple(COLOURS)


def tinted(each: int = 20, seed: int = 0) -> tuple[Pixels, NDArray[np.int64]]:
    """Noisy grey pictures with a tint, (n, 8, 8, 3) uint8 RGB, and which tint it is."""
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(LABELS)), each)
    noise = random.integers(80, 120, (len(truth), 8, 8, 3))
    tints = np.array(list(COLOURS.values()))[truth]
    return (noise + tints[:, None, None]).astype(np.uint8), truth


def look(values: NDArray[np.float32]) -> Scores:
    """A model made for RGB from −1 to 1: which tint, by its thresholds, is nearest."""
    red, green, blue = np.moveaxis(values.mean(axis=(1, 2)), -1, 0)
    scores = np.zeros((len(values), 4), np.float32)
    scores[:, 0] = blue - red
    scores[:, 1] = 0.35 + 0.0 * red
    scores[:, 2] = red - blue - 2 * np.abs(green - blue)
    scores[:, 3] = green - blue
    # Beyond the range that it was made for, it does not know any more.
    return np.where(np.abs(values).max(axis=(1, 2, 3))[:, None] > 2, np.eye(4)[0], scores)


RIGHT = Claim(LABELS, "rgb", (127.5,), (127.5,))


def refused(claim: Claim) -> str:
    images, truth = tinted()
    with pytest.raises(GateError) as error:
        check_reading(look, images, truth, claim)
    return str(error.value)


def test_the_right_claim_is_believed() -> None:
    """The scores come back, read as claimed."""
    images, truth = tinted()
    scores = check_reading(look, images, truth, RIGHT)
    assert (scores.argmax(axis=1) == truth).all()


def test_swapped_colours_are_refuted() -> None:
    """Claimed BGR, made for RGB: both accuracies, and what to say instead."""
    message = refused(Claim(LABELS, "bgr", (127.5,), (127.5,)))
    assert message.startswith("RGB and BGR swapped: as claimed, --colour bgr, 25.0% of 80")
    assert message.endswith("as RGB 100.0%; use --colour rgb")


def test_missing_normalisation_is_refuted() -> None:
    """Claimed 0 to 255, made for −1 to 1."""
    message = refused(Claim(LABELS))
    assert message.startswith("not normalised: as claimed, --mean 0 --std 1, 25.0% of 80")
    assert message.endswith("with values -1…1 100.0%; use --mean 127.5 --std 127.5")


def test_normalising_twice_is_refuted() -> None:
    """Claimed −1 to 1, but the graph does that itself."""
    images, truth = tinted()
    with pytest.raises(GateError, match=r"^normalised twice: as claimed, --mean 127.5 --std 127.5"):
        check_reading(lambda values: look(values / 127.5 - 1), images, truth, RIGHT)


def test_another_range_is_refuted() -> None:
    """Claimed 0 to 1, made for −1 to 1."""
    message = refused(Claim(LABELS, "rgb", (0.0,), (255.0,)))
    assert message.startswith("normalised otherwise: as claimed, --mean 0 --std 255")


def test_another_order_of_labels_is_refuted() -> None:
    """Not mistaken for another normalisation, whose answers all the same class is right in part."""
    images, truth = tinted()
    with pytest.raises(GateError) as error:
        check_reading(look, images, (truth + 1) % 4, RIGHT)
    message = str(error.value)
    assert message.startswith("label order changed: as claimed 0.0% of 80 pictures are right")
    assert "in another order 100.0% (blue is called yellow, grey is called blue, " in message
    assert " and 1 more)" in message


def test_two_labels_of_ten_that_changed_places_are_refuted() -> None:
    """A gain on their pictures alone is enough."""
    truth = np.repeat(np.arange(10), 12)
    predicted = truth.copy()
    predicted[truth == 3], predicted[truth == 5] = 5, 3
    labels = tuple(f"digit {n}" for n in range(10))
    (order,) = better_order(predicted, truth, labels)
    assert "(digit 3 is called digit 5, digit 5 is called digit 3)" in order.complaint


def test_a_class_that_is_often_confused_has_not_moved() -> None:
    """Most tabbies called tiger cat, beyond all chance, is how such networks are."""
    truth = np.repeat([0, 1, 2], 600)
    predicted = truth.copy()
    predicted[:400] = 3
    assert not better_order(predicted, truth, ("tabby", "dog", "owl", "tiger cat"))


def test_guessing_is_no_order_of_labels() -> None:
    """Some order always fits the pictures that it was found on: a hundred classes, 60 pictures."""
    labels = tuple(map(str, range(100)))
    random = np.random.default_rng(0)
    for _ in range(30):
        truth, predicted = random.integers(100, size=(2, 60))
        assert not better_order(predicted, truth, labels)


def test_chance_is_hardly_ever_taken_for_better() -> None:
    """Four alternatives exactly as good as the claim, 2000 times: under the 1 % that is allowed."""
    random = np.random.default_rng(0)

    def alarmed() -> bool:
        right, *others = random.random((5, 200)) < 0.8
        return any(is_better(other, right, trials=4) for other in others)

    assert np.mean([alarmed() for _ in range(2000)]) < 0.01


def test_a_clear_difference_is_hardly_ever_missed() -> None:
    """A reading that is right for 13 points more pictures, as with swapped colours on CIFAR-10."""
    random = np.random.default_rng(0)

    def found() -> bool:
        level = random.random(300)
        flips = random.random(300) < 0.1
        return is_better((level < 0.88) ^ flips, (level < 0.75) ^ flips, trials=4)

    assert np.mean([found() for _ in range(500)]) > 0.95


def test_a_sure_but_useless_difference_is_let_pass() -> None:
    """Thirty of 2000 pictures, none lost: beyond chance, and yet only 1.5 points."""
    right = np.arange(2000) < 1600
    assert not is_better(np.arange(2000) < 1630, right)
    assert is_better(np.arange(2000) < 1670, right)


def test_colours_that_hardly_matter_get_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    """A network that is right either way, but surer of RGB: no refusal, one line."""
    images, truth = tinted(each=10)

    def sure(values: NDArray[np.float32]) -> Scores:
        surer = (look(values).argmax(axis=1) == truth).astype(np.float32)
        answers: Scores = np.eye(4, dtype=np.float32)[truth] * (0.5 + 0.1 * surer[:, None])
        return answers

    check_reading(sure, images, truth, Claim(LABELS, "bgr", (127.5,), (127.5,)))
    assert capsys.readouterr().err.startswith("Perhaps RGB and BGR swapped: as claimed, ")
    check_reading(sure, images, truth, RIGHT)
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("claim", "low", "high", "complaint"),
    [
        (RIGHT, 0, 255, "normalised twice: --mean 127.5 --std 127.5 turns pixels into -1…1, but"),
        (Claim(LABELS), -1, 1, "not normalised: --mean 0 --std 1 turns pixels into 0…255, but"),
        (RIGHT, 0, 1, "normalised otherwise: --mean 127.5"),
    ],
)
def test_a_quantized_input_refutes_without_pictures(
    claim: Claim, low: float, high: float, complaint: str
) -> None:
    """Its scale and zero point say which values it can hold."""
    with pytest.raises(GateError, match=complaint):
        check_range(claim, low, high)


def test_a_range_that_is_nearly_the_claimed_one_is_believed() -> None:
    """128 for 127.5, channels of their own, calibrated without the extremes."""
    imagenet = Claim(LABELS, "rgb", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    cases = [(RIGHT, -1, 0.992), (imagenet, -2.118, 2.64), (imagenet, -1.9, 2.3)]
    assert list(starmap(check_range, cases)) == [None] * 3
