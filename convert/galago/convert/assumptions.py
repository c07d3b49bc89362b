"""Does a model from elsewhere read pictures as its owner says?

Colour order, normalisation and the order of the labels are nowhere in a network. Wrong ones give no
error, only bad answers. Labelled pictures tell:

- Every claim is held against its usual alternatives on the same pictures. Only a reading that is
  clearly better, by an exact paired test and by some points, refutes the claim: chance does not.
- The order of the labels that fits best is found on one half of the pictures and judged on the
  other: with many classes, some order always fits the pictures it was found on.
- What a quantized input can hold must be what the claimed normalisation gives: without pictures.

    check_range(claim, low=-1, high=1)
    check_reading(predict, images, truth, claim)

Convention: `predict` takes what the model itself was made for, (n, h, w, 3) float32 in its own
colour order and normalised, and gives (n, classes).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import binomtest

from galago.bundle.classifier import Scores
from galago.bundle.preprocess import Pixels
from galago.errors import GateError
from galago.progress import say

Predict: TypeAlias = Callable[[NDArray[np.float32]], Scores]
Truth: TypeAlias = NDArray[np.int64]
Right: TypeAlias = NDArray[np.bool_]

SIGNIFICANCE = 0.01  # of all alternatives together: one false alarm in a hundred adoptions at most
GAIN_POINTS = 3.0  # percentage points; a less useful difference is nobody's mistake
_OVERLAP = 0.75  # −1…1 and 0…1 have half in common; a range calibrated without extremes, more
_PIXELS = (0.0, 255.0)
_BATCH = 64

# Mean and std of the ranges that networks are usually made for.
NORMALISATIONS = (
    ((0.0,), (1.0,)),  # 0…255, as pixels are
    ((0.0,), (255.0,)),  # 0…1
    ((127.5,), (127.5,)),  # −1…1
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What the owner says; `mean` and `std` of one value, or one per channel in `colour` order.

    The model was made for (pixel − mean) / std, and its outputs are `labels`, in that order.
    """

    labels: tuple[str, ...]
    colour: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def values(self, images: Pixels) -> NDArray[np.float32]:
        """What the model is given for RGB `images`, (n, h, w, 3) uint8."""
        ordered = images if self.colour == "rgb" else images[..., ::-1]
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        return (ordered.astype(np.float32) - mean) / std

    @property
    def range(self) -> tuple[float, float]:
        """Least and greatest value that pixels become."""
        ends = [(pixel - m) / s for m, s in _channels(self) for pixel in (0, 255)]
        return min(ends), max(ends)


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of the model: whether it gives each picture's class, and what to say of it.

    `complaint` has room for the accuracies of both: {claimed}, {other}, and {n}.
    """

    right: Right
    complaint: str

    def error(self, right: Right) -> GateError:
        """That it fits better than the claimed reading, which is `right`."""
        return GateError(self.complaint.format(**self.figures(right)))

    def figures(self, right: Right) -> dict[str, object]:
        """What the complaint has room for."""
        accuracies = {"claimed": right.mean(), "other": self.right.mean()}
        return {"n": len(right)} | {name: f"{value:.1%}" for name, value in accuracies.items()}


def check_range(claim: Claim, low: float, high: float) -> None:
    """Raise GateError unless a quantized input's real range, low…high, is the claimed one."""
    claimed = claim.range
    common = min(claimed[1], high) - max(claimed[0], low)
    whole = max(claimed[1], high) - min(claimed[0], low)
    if common >= _OVERLAP * whole:
        return
    raise GateError(
        f"{_wrong(claimed, (low, high))}: {_options(claim)} turns pixels into {_range(*claimed)}, "
        f"but the model's input holds {_range(low, high)}; leave --mean and --std out to give it "
        "its own range"
    )


def check_reading(predict: Predict, images: Pixels, truth: Truth, claim: Claim) -> Scores:
    """Raise GateError where another reading of the model fits the pictures clearly better.

    Convention: `images` (n, h, w, 3) uint8 RGB; `truth` (n,) indices of `claim.labels`, of which
    some may never occur.

    Returns:
        (n, classes) what the model says of them, read as claimed.
    """
    scores = _predict(predict, images, claim)
    predicted = scores.argmax(axis=1)
    right = predicted == truth
    others = _other_readings(claim)
    other_scores = [_predict(predict, images, other) for other, _ in others]
    readings = [
        Alternative(other.argmax(axis=1) == truth, complaint)
        for other, (_, complaint) in zip(other_scores, others, strict=True)
    ]
    better = [one for one in readings if is_better(one.right, right, len(readings))]
    better += better_order(predicted, truth, claim.labels)
    if better:
        raise max(better, key=lambda one: one.right.sum()).error(right)
    if prefers(other_scores[0], scores, truth):
        say(f"Perhaps {others[0][1].format(**readings[0].figures(right))}")
    return scores


def is_better(other: Right, right: Right, trials: int = 1) -> bool:
    """Whether `other` is right more often than chance explains, and by some points.

    Exact one-sided sign test over the pictures on which the two differ (McNemar's); with several
    `trials` each must be the clearer.
    """
    gained, lost = int((other & ~right).sum()), int((right & ~other).sum())
    if gained - lost < GAIN_POINTS / 100 * len(right) or gained <= lost:
        return False
    p_value = float(binomtest(gained, gained + lost, alternative="greater").pvalue)
    return p_value * trials < SIGNIFICANCE


def prefers(other: Scores, scores: Scores, truth: Truth) -> bool:
    """Whether the true class scores higher in `other` for more pictures than chance explains.

    It sees what accuracy is blind to, and so much that it may be of no consequence: cats and dogs
    hardly depend on colour. Good for a hint about colours, which leave the scale of scores alone.

    Convention: (n, classes) scores both, `truth` (n,) indices of classes.
    """
    rows = np.arange(len(truth))
    gain = other[rows, truth] - scores[rows, truth]
    higher, lower = int((gain > 0).sum()), int((gain < 0).sum())
    if higher <= lower:
        return False
    return bool(binomtest(higher, higher + lower, alternative="greater").pvalue < SIGNIFICANCE)


def better_order(predicted: Truth, truth: Truth, labels: tuple[str, ...]) -> list[Alternative]:
    """The order of the labels that clearly fits better than theirs; none where it is theirs.

    A class has moved if its pictures are called something else, the same for most of them. Mere
    confusion, of a tabby with a tiger cat, is no other order: many of those are still called right.
    """
    order, right = _order(predicted, truth, len(labels)), predicted == truth
    moved = np.isin(truth, np.flatnonzero(order != np.arange(len(labels))))
    if not moved.any():
        return []
    fitting = _judged_apart(predicted, truth, len(labels))
    claimed, other = right[moved].mean(), fitting[moved].mean()
    if other < 0.5 or claimed > other / 3 or not is_better(fitting[moved], right[moved]):
        return []
    named = [
        f"{labels[label]} is called {labels[order[label]]}" for label in np.unique(truth[moved])
    ]
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    complaint = (
        "label order changed: as claimed {claimed} of {n} pictures are right, in another order "
        "{other} (" + _braced(", ".join(named[:3]) + more) + "); put --labels in the order of the "
        "model's outputs"
    )
    return [Alternative(np.where(moved, fitting, right), complaint)]


def _other_readings(claim: Claim) -> list[tuple[Claim, str]]:
    """Every usual alternative with its complaint."""
    others = [replace(claim, mean=mean, std=std) for mean, std in NORMALISATIONS]
    normalised = [other for other in others if not _alike(claim.range, other.range)]
    return [_swapped(claim), *((other, _renormalised(claim, other)) for other in normalised)]


def _swapped(claim: Claim) -> tuple[Claim, str]:
    colour: Literal["rgb", "bgr"] = "bgr" if claim.colour == "rgb" else "rgb"
    complaint = (
        f"RGB and BGR swapped: as claimed, --colour {claim.colour}, {{claimed}} of {{n}} pictures "
        f"are right, as {colour.upper()} {{other}}; use --colour {colour}"
    )
    return replace(claim, colour=colour), complaint


def _renormalised(claim: Claim, other: Claim) -> str:
    return (
        f"{_wrong(claim.range, other.range)}: as claimed, {_options(claim)}, {{claimed}} of {{n}} "
        f"pictures are right, with values {_range(*other.range)} {{other}}; use {_options(other)}"
    )


def _wrong(claimed: tuple[float, float], other: tuple[float, float]) -> str:
    if _alike(other, _PIXELS):
        return "normalised twice"
    return "not normalised" if _alike(claimed, _PIXELS) else "normalised otherwise"


def _predict(predict: Predict, images: Pixels, claim: Claim) -> Scores:
    starts = range(0, len(images), _BATCH)
    return np.concatenate(
        [predict(claim.values(images[start : start + _BATCH])) for start in starts]
    )


def _order(predicted: Truth, truth: Truth, classes: int) -> NDArray[np.intp]:
    """What each class is called, one to one, so that as many pictures as possible are right.

    Classes without pictures keep their own place where it is free.
    """
    confusion = np.zeros((classes, classes))
    np.add.at(confusion, (truth, predicted), 1)
    # Half a picture: of equal orders the claimed one.
    confusion[np.diag_indices(classes)] += 0.5
    return np.asarray(linear_sum_assignment(confusion, maximize=True)[1])


def _judged_apart(predicted: Truth, truth: Truth, classes: int) -> Right:
    """Whether each picture is right in the order that the other half of the pictures suggests."""
    half = np.zeros(len(truth), bool)
    for label in np.unique(truth):
        half[np.flatnonzero(truth == label)[::2]] = True
    right = np.zeros(len(truth), bool)
    for judged in (half, ~half):
        order = _order(predicted[~judged], truth[~judged], classes)
        right[judged] = order[truth[judged]] == predicted[judged]
    return right


def _alike(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two ranges are the same but for rounding, as of 127.5 and 128."""
    return bool(np.allclose(one, other, atol=0.02 * (one[1] - one[0])))


def _channels(claim: Claim) -> list[tuple[float, float]]:
    mean, std, _ = np.broadcast_arrays(claim.mean, claim.std, np.zeros(3))
    return list(zip(mean.tolist(), std.tolist(), strict=True))


def _options(claim: Claim) -> str:
    mean, std = (",".join(f"{value:g}" for value in each) for each in (claim.mean, claim.std))
    return f"--mean {mean} --std {std}"


def _range(low: float, high: float) -> str:
    return f"{low:.3g}…{high:.3g}"


def _braced(text: str) -> str:
    """Text that `format` leaves as it is."""
    return text.replace("{", "{{").replace("}", "}}")
