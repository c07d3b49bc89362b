"""What the course of training decides: the learning rate, and when enough is enough.

Pure functions of what has happened so far: a run that goes on after a kill decides the same.
"""

import math
from collections.abc import Sequence

from galago.train.recipe import Recipe, Stage

History = Sequence[
    dict[str, float]
]  # figures of each epoch, `val_loss` and `val_accuracy` among them

PLATEAU_EPOCHS = 5  # without a lower validation loss, until the rate falls
PLATEAU_FACTOR = 0.3


def learning_rate(recipe: Recipe, stage: Stage, progress: float, history: History) -> float:
    """The rate at `progress` (0–1) through a stage; `history` is the stage's."""
    if progress < recipe.warmup:
        return stage.learning_rate * max(progress / recipe.warmup, 1e-3)
    if recipe.schedule == "cosine":
        # Loshchilov and Hutter, SGDR, 2016, without restarts.
        done = min(1.0, (progress - recipe.warmup) / (1 - recipe.warmup))
        return stage.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
    if recipe.schedule == "plateau":
        return float(stage.learning_rate * PLATEAU_FACTOR ** _plateaus(history))
    return stage.learning_rate


def stalled(history: History, patience: int) -> bool:
    """Whether the validation loss has not fallen for `patience` epochs."""
    losses = [row["val_loss"] for row in history]
    return bool(losses) and len(losses) - 1 - losses.index(min(losses)) >= patience


def goodness(row: dict[str, float]) -> tuple[float, float]:
    """What makes one epoch better than another.

    Not the loss first: on little data it is lowest after two or three epochs, when the network is
    careful but still wrong (docs/benchmarks.md, Which epoch to keep).
    """
    return row["val_accuracy"], -row["val_loss"]


def _plateaus(history: History) -> int:
    """How often the loss has stood still; after each fall of the rate the count begins anew."""
    lowest, waited, falls = math.inf, 0, 0
    for row in history:
        if row["val_loss"] < lowest:
            lowest, waited = row["val_loss"], 0
        elif (waited := waited + 1) >= PLATEAU_EPOCHS:
            waited, falls = 0, falls + 1
    return falls
