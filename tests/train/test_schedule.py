"""Learning rates and the end of training, from what has happened."""

from dataclasses import replace

import pytest

from galago.train.recipe import Facts, Recipe, Settings, Stage, choose
from galago.train.schedule import PLATEAU_EPOCHS, PLATEAU_FACTOR, goodness, learning_rate, stalled

STAGE = Stage("all", epochs=20, learning_rate=0.1)


def recipe(schedule: str, warmup: float = 0.0) -> Recipe:
    chosen, _ = choose(Settings("resnet8", schedule=schedule), Facts(100, 100, 32))  # type: ignore[arg-type]
    return replace(chosen, warmup=warmup)


def losses(*values: float) -> list[dict[str, float]]:
    return [{"val_loss": value, "val_accuracy": 0.5} for value in values]


def test_cosine_rises_then_falls_to_nothing() -> None:
    """Highest where the warm-up ends, half of it midway through the rest, zero at the end."""
    chosen = recipe("cosine", warmup=0.1)
    rates = [learning_rate(chosen, STAGE, step / 1000, ()) for step in range(1001)]
    assert rates.index(max(rates)) == 100
    assert max(rates) == pytest.approx(0.1)
    assert rates[550] == pytest.approx(0.05)
    assert rates[-1] == pytest.approx(0)
    assert 0 < rates[0] < rates[50] < rates[100]


def test_constant_stays() -> None:
    """To the end."""
    assert {learning_rate(recipe("constant"), STAGE, p / 10, ()) for p in range(11)} == {0.1}


def test_plateau_falls_when_the_loss_stands_still() -> None:
    """Once for every spell of epochs without a lower loss."""
    chosen = recipe("plateau")
    still = losses(1.0, 0.5, *[0.6] * PLATEAU_EPOCHS)
    assert learning_rate(chosen, STAGE, 0.5, still[:-1]) == 0.1
    assert learning_rate(chosen, STAGE, 0.5, still) == pytest.approx(0.1 * PLATEAU_FACTOR)
    twice = still + losses(*[0.6] * PLATEAU_EPOCHS)
    assert learning_rate(chosen, STAGE, 0.5, twice) == pytest.approx(0.1 * PLATEAU_FACTOR**2)
    better = still + losses(0.4, *[0.6] * (PLATEAU_EPOCHS - 1))
    assert learning_rate(chosen, STAGE, 0.5, better) == pytest.approx(0.1 * PLATEAU_FACTOR)


def test_training_ends_after_enough_epochs_without_progress() -> None:
    """Counted from the lowest loss, wherever that was."""
    assert not stalled([], 3)
    assert not stalled(losses(1.0, 0.5, 0.6, 0.6), 3)
    assert stalled(losses(1.0, 0.5, 0.6, 0.6, 0.6), 3)
    assert not stalled(losses(1.0, 0.5, 0.6, 0.6, 0.4), 3)


def test_a_later_epoch_is_better_only_by_its_figures() -> None:
    """Higher val accuracy wins; of equal ones the lower val loss."""
    rows = [
        {"val_accuracy": accuracy, "val_loss": loss}
        for accuracy, loss in [(0.5, 0.7), (0.9, 0.4), (0.9, 0.3), (0.9, 0.35), (0.8, 0.1)]
    ]
    assert max(range(5), key=lambda epoch: goodness(rows[epoch])) == 2
