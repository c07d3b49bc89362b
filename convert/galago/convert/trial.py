"""One conversion by one recipe, and what it cost, beside the network that it came from.

subject = Subject.open(origin, Wanted())
for trial in attempts(subject, Wanted(try_harder=True)):
    print(trial.recipe.name, trial.comparison.agreement, trial.complaints)
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from galago.bundle.classifier import Classifier, Scores
from galago.bundle.interpreter import Interpreter
from galago.convert.assemble import dress
from galago.convert.gate import Comparison, Limits, compare
from galago.convert.integer import Io
from galago.convert.metadata import About, description
from galago.convert.origin import Origin
from galago.convert.quantize import RECIPES, Recipe, later_recipes, quantize, to_float
from galago.convert.speed import race
from galago.convert.targets import Target
from galago.convert.variant import at_size
from galago.errors import UsageError
from galago.progress import say
from galago.train.data.dataset import Dataset
from galago.train.data.images import Images, in_turn
from galago.train.predict import predict_keras, predict_tflite

CALIBRATION_IMAGES = 200
HARDER_CALIBRATION_IMAGES = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to convert.

    `io`: type of an integer model's input and output. `try_harder`: where the recipe is beyond the
    limits, go on with more calibration and the other recipes. `target`: the program whose shape the
    file shall have. `author` and `version` are for the file's metadata.
    """

    recipe: str = "int8"
    io: Io = "uint8"
    limits: Limits = field(default_factory=Limits)
    try_harder: bool = False
    target: Target | None = None
    author: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be had together.

        Raises:
            UsageError: an integer border, or a program that reads one, and a recipe of floats.
        """
        is_integer = RECIPES[self.recipe].is_calibrated
        if self.target is not None and not (is_integer and self.io == "uint8"):
            raise UsageError(
                f"{self.target.name} reads uint8 alone, received --recipe {self.recipe} and --io "
                f"{self.io}: leave both out"
            )
        if self.io != "uint8" and not is_integer:
            raise UsageError(
                f"--io {self.io} is for --recipe int8: {self.recipe} takes uint8 and gives float32"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """The network before conversion: its pictures, its scores of the test ones, its float form.

    `origin` has the input's size that the file will have, and `dataset` is prepared for it.
    `scores` (n, classes) float32 are those of the Keras model at its own size. `float32` is the
    flatbuffer as the converter leaves it: what others would ship.
    """

    origin: Origin
    dataset: Dataset
    scores: Scores
    float32: bytes

    @classmethod
    def open(cls, origin: Origin, wanted: Wanted) -> "Subject":
        """Prepare the pictures and ask the Keras model."""
        dataset = origin.open_pictures()
        test = dataset.splits["test"]
        say(f"Asking the Keras network about {len(test)} test pictures")
        scores = predict_keras(origin.model, test)
        if wanted.target is not None:
            origin = at_size(origin, wanted.target.size)
            dataset = origin.open_pictures()
        say("Converting it to float32, to compare sizes and speeds with")
        return cls(origin, dataset, scores, to_float(origin.model))

    def open_classifier(self, flatbuffer: bytes) -> Classifier:
        """Load a converted form of this network."""
        origin = self.origin
        return Classifier(Interpreter(flatbuffer), origin.preprocess, origin.labels, "softmax")


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One conversion and what it cost.

    `raw` is the flatbuffer as the converter left it, `flatbuffer` what would ship and was measured.
    `scores` (n, classes) float32 are those of the test pictures. `microseconds`: of one invoke, and
    of one of the float model, measured in turns.
    """

    recipe: Recipe
    calibration: Images
    raw: bytes
    flatbuffer: bytes
    classifier: Classifier
    scores: Scores
    comparison: Comparison
    complaints: tuple[str, ...]
    microseconds: float
    float_microseconds: float

    @property
    def passed(self) -> bool:
        """Whether it is within the limits."""
        return not self.complaints

    @property
    def name(self) -> str:
        """The recipe, and how many pictures gave its ranges."""
        if not self.recipe.is_calibrated:
            return self.recipe.name
        return f"{self.recipe.name}, {self.calibration_images} pictures"

    @property
    def calibration_images(self) -> int:
        """How many pictures gave the ranges; 0 where none were needed."""
        return len(self.calibration) if self.recipe.is_calibrated else 0

    def to_dict(self) -> dict[str, Any]:
        """One row of `trials` in `galago convert --json`."""
        return {
            "recipe": self.recipe.name,
            "calibration_images": self.calibration_images,
            "accuracy": self.comparison.converted.accuracy,
            "agreement": self.comparison.agreement,
            "bytes": len(self.flatbuffer),
            "microseconds": self.microseconds,
            "float_microseconds": self.float_microseconds,
            "complaints": list(self.complaints),
        }


def attempts(subject: Subject, wanted: Wanted) -> Iterator[Trial]:
    """The wanted recipe, and the harder ones after it for as long as the caller goes on."""
    for recipe, images in _ladder(wanted):
        yield _attempt(subject, wanted, recipe, images)


def about(origin: Origin, wanted: Wanted) -> About:
    """What other programs read of the file."""
    trained = str(origin.provenance.get("trained", ""))
    return About(
        name=origin.name,
        description=description(origin.labels),
        version=wanted.version or trained,
        author=wanted.author,
    )


def balanced(train: Images, count: int, seed: int) -> Images:
    """At least `count` pictures, if there are so many, classes taking turns; seeded.

    Every class has as many as every other, as long as it has any left.
    """
    sizes = np.unique(train.labels, return_counts=True)[1]
    whole_turns = np.minimum(sizes, -(-count // len(sizes))).sum()
    return train.take(in_turn(train.labels, seed)[: max(count, whole_turns)])


def _ladder(wanted: Wanted) -> Iterator[tuple[Recipe, int]]:
    """Recipes and calibration pictures, in the order in which they are tried."""
    first = RECIPES[wanted.recipe]
    yield first, CALIBRATION_IMAGES
    if not wanted.try_harder:
        return
    if first.is_calibrated:
        yield first, HARDER_CALIBRATION_IMAGES
    if wanted.target is not None:
        return  # it reads integers alone
    for recipe in later_recipes(first):
        yield recipe, CALIBRATION_IMAGES


def _attempt(subject: Subject, wanted: Wanted, recipe: Recipe, images: int) -> Trial:
    origin, dataset = subject.origin, subject.dataset
    calibration = balanced(dataset.splits["train"], images, origin.seed)
    seen = f", calibrated on {len(calibration)} training pictures" if recipe.is_calibrated else ""
    say(f"Converting to {recipe.name}{seen}")
    pixels = calibration.pixels if recipe.is_calibrated else None
    raw = quantize(origin.model, recipe, pixels, wanted.io, original=subject.float32)
    flatbuffer = dress(raw, about(origin, wanted))
    classifier = subject.open_classifier(flatbuffer)
    test = dataset.splits["test"]
    say(f"Asking the {recipe.name} model about the same {len(test)} test pictures")
    scores = predict_tflite(classifier, test)
    comparison = compare(subject.scores, scores, test.labels, origin.labels)
    floats = Interpreter(subject.float32)
    microseconds, float_microseconds = race((classifier.interpreter, floats), test[0])
    return Trial(
        recipe,
        calibration,
        raw,
        flatbuffer,
        classifier,
        scores,
        comparison,
        comparison.complaints(wanted.limits),
        microseconds,
        float_microseconds,
    )
