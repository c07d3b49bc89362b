"""How a network is trained: what the user chose, and what is chosen for the rest.

- `Settings` is the wish: None means "what suits the data".
- `Recipe` is the answer, complete, plain data, written into the run.
- `choose` is pure: the same data and settings give the same recipe, and its reasons.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeVar, get_args

from galago.bundle.preprocess import PreprocessSpec
from galago.errors import UsageError
from galago.train.assess import PRECISION
from galago.train.augment import strength
from galago.train.data.dataset import MAX_UNREADABLE
from galago.train.models import ZOO, Architecture, check_name

Schedule = Literal["constant", "cosine", "plateau"]
Optimizer = Literal["adam", "adamw", "sgd"]
Part = Literal["all", "head", "top"]

T = TypeVar("T")

MANY_PICTURES = 2000  # of a class: enough for a small network to tire of mild changes only
SMALL_PICTURES_PX = 48  # below this side there is nothing for a mobilenet's 32-fold reduction


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may choose; None: chosen for the data."""

    model: str | None = None
    width: float | None = None
    size: int | None = None
    weights: str | None = None
    crop: Literal["none", "centre"] = "none"
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    schedule: Schedule | None = None
    augment: str | None = None
    label_smoothing: float | None = None
    patience: int | None = None
    class_weights: bool = True
    grouped: bool = True
    precision: float = PRECISION
    seed: int = 0
    max_unreadable: float = MAX_UNREADABLE


@dataclass(frozen=True, slots=True)
class Stage:
    """Some epochs with one part of the network learning; `learning_rate` is the highest."""

    part: Part
    epochs: int
    learning_rate: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what a training does, but for the pictures.

    `width` multiplies channels; `warmup` is the share (0–1) of a stage's steps in which the
    learning rate rises; `patience` epochs without a lower validation loss end a stage.
    """

    model: str
    width: float
    weights: str
    preprocess: PreprocessSpec
    stages: tuple[Stage, ...]
    optimizer: Optimizer
    schedule: Schedule
    warmup: float
    weight_decay: float
    batch_size: int
    augment: str
    label_smoothing: float
    patience: int
    class_weights: bool
    seed: int

    @property
    def epochs(self) -> int:
        """Of all stages together."""
        return sum(stage.epochs for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a kind of network is usually trained; `steps` of the optimizer at least."""

    stages: tuple[Stage, ...]
    optimizer: Optimizer
    schedule: Schedule
    augment: str
    batch_size: int
    patience: int
    weight_decay: float = 0.0
    warmup: float = 0.0
    label_smoothing: float = 0.0
    steps: int = 0


_USUAL_PX = (224, 192, 160, 128, 96)
_MOST_EPOCHS = 6  # times the usual
_LARGE_PX = 96  # input side where the network has no usual one, for pictures that are not tiny

# The classic tutorial's, to the letter.
_TUTORIAL = Habits((Stage("all", 10, 1e-3),), "adam", "constant", "none", 32, patience=10)
# Small nets underfit: mild changes, a high rate that ends at zero, no smoothing.
_RESNET = Habits(
    (Stage("all", 60, 0.1),), "sgd", "cosine", "light", 128, patience=20,
    weight_decay=2e-4, warmup=0.05, steps=6000,
)  # fmt: skip
# On few pictures they overfit instead: strong changes, and time to learn from all of them.
_RESNET_FEW = replace(
    _RESNET, stages=(Stage("all", 240, 0.05),), augment="strong", batch_size=32, patience=120
)
_SCRATCH = Habits(
    (Stage("all", 120, 2e-3),), "adamw", "cosine", "medium", 32, patience=40,
    weight_decay=1e-2, warmup=0.05, steps=8000,
)  # fmt: skip
_TRANSFER = Habits(
    (Stage("head", 5, 3e-3), Stage("top", 15, 3e-4)), "adamw", "cosine", "medium", 32, patience=8,
    weight_decay=1e-4, warmup=0.1, label_smoothing=0.05, steps=600,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What the choice depends on.

    `pictures` to train with, in all, and of the `smallest_class`; their usual shorter side.
    """

    pictures: int
    smallest_class: int
    side_px: int


def choose(settings: Settings, facts: Facts) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe, and one sentence for each choice that the user left open.

    Raises:
        UsageError: a choice does not exist or does not go with another.
    """
    reasons: list[str] = []
    model = settings.model or _model(settings, facts, reasons)
    check_name(model)
    architecture = ZOO.get(model)
    weights = settings.weights or _weights(model, settings, reasons)
    habits = _habits(model, weights, facts)
    size = settings.size or _size(model, facts, architecture)
    batch_size = _or(settings.batch_size, habits.batch_size)
    habits = _scaled(habits, facts, batch_size)
    recipe = Recipe(
        model=model,
        width=_or(settings.width, architecture.width if architecture else 1.0),
        weights=weights,
        preprocess=PreprocessSpec(size, size, settings.crop),
        stages=_stages(habits.stages, settings),
        optimizer=habits.optimizer,
        schedule=settings.schedule or habits.schedule,
        warmup=habits.warmup,
        weight_decay=habits.weight_decay,
        batch_size=batch_size,
        augment=settings.augment or habits.augment,
        label_smoothing=_or(settings.label_smoothing, habits.label_smoothing),
        patience=_or(settings.patience, habits.patience),
        class_weights=settings.class_weights,
        seed=settings.seed,
    )
    strength(recipe.augment)
    if recipe.schedule not in get_args(Schedule):
        raise UsageError(
            f"no schedule is called {recipe.schedule!r}: expected {', '.join(get_args(Schedule))}"
        )
    return recipe, tuple(reasons)


def _model(settings: Settings, facts: Facts, reasons: list[str]) -> str:
    if facts.side_px <= SMALL_PICTURES_PX:
        reasons.append(
            f"Network resnet8: the pictures are small (usually {facts.side_px} pixels), and it "
            "looks at every pixel."
        )
        return "resnet8"
    if settings.weights == "none":
        reasons.append(
            "Network resnet8: of those that learn from scratch, it needs the fewest pictures "
            f"(the smallest class has {facts.smallest_class})."
        )
        return "resnet8"
    reasons.append(
        f"Network mobilenet_v2: with {facts.smallest_class} pictures of the smallest class, a "
        "network that has already seen a million photographs knows more than they can teach."
    )
    return "mobilenet_v2"


def _size(model: str, facts: Facts, architecture: Architecture | None) -> int:
    if architecture and architecture.application:
        # The largest that the pictures fill, of those for which there are ImageNet weights.
        return max((side for side in _USUAL_PX if side <= facts.side_px), default=_USUAL_PX[-1])
    if architecture is None:
        return _LARGE_PX
    if model == "resnet8" and facts.side_px > SMALL_PICTURES_PX:
        # It sees 25 pixels around a point. Where that is half of the view it learns shapes; where
        # it is a quarter, it remembers the textures of few pictures (docs/benchmarks.md).
        return _LARGE_PX if facts.smallest_class >= MANY_PICTURES else SMALL_PICTURES_PX
    return architecture.size


def _scaled(habits: Habits, facts: Facts, batch_size: int) -> Habits:
    """More epochs for few pictures, as far as the optimizer would otherwise take too few steps."""
    epochs = sum(stage.epochs for stage in habits.stages)
    steps = epochs * -(-facts.pictures // batch_size)
    factor = min(_MOST_EPOCHS, max(1.0, habits.steps / max(1, steps)))
    stages = tuple(replace(stage, epochs=round(stage.epochs * factor)) for stage in habits.stages)
    return replace(habits, stages=stages, patience=round(habits.patience * factor))


def _weights(model: str, settings: Settings, reasons: list[str]) -> str:
    architecture = ZOO.get(model)
    if architecture is None or not architecture.widths:
        return "none"
    if _or(settings.width, architecture.width) not in architecture.widths:
        reasons.append(f"No weights: ImageNet's do not exist for width {settings.width:g}.")
        return "none"
    reasons.append("Weights imagenet: --weights none would train from scratch.")
    return "imagenet"


def _habits(model: str, weights: str, facts: Facts) -> Habits:
    if weights != "none":
        return _TRANSFER
    if model == "resnet8":
        return _RESNET if facts.smallest_class >= MANY_PICTURES else _RESNET_FEW
    return _TUTORIAL if model == "cnn" else _SCRATCH


def _stages(usual: tuple[Stage, ...], settings: Settings) -> tuple[Stage, ...]:
    """The usual stages, with the user's rate at the last and the user's epochs shared out."""
    *before, last = usual
    rate = _or(settings.learning_rate, last.learning_rate)
    epochs = _or(settings.epochs, sum(stage.epochs for stage in usual))
    first = [
        Stage(stage.part, max(1, round(epochs * stage.epochs / sum(s.epochs for s in usual))),
              stage.learning_rate)
        for stage in before
    ]  # fmt: skip
    rest = max(1, epochs - sum(stage.epochs for stage in first))
    return (*first, Stage(last.part, rest, rate))


def _or(chosen: T | None, usual: T) -> T:
    return usual if chosen is None else chosen
