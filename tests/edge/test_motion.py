"""Whether something has moved since the model last looked."""

import numpy as np

from galago.bundle.preprocess import Pixels
from galago.edge.motion import MotionGate, MotionSettings
from tests.conftest import draw

S = 1_000_000_000
NEVER = MotionSettings(floor_s=1e6)


def noisy(picture: Pixels, seed: int, level: int = 8) -> Pixels:
    random = np.random.default_rng(seed)
    noise = random.integers(-level, level + 1, picture.shape)
    return (picture + noise).clip(0, 255).astype(np.uint8)


def test_the_first_picture_is_looked_at() -> None:
    """There is nothing to compare it with."""
    assert MotionGate(NEVER).opens(draw("empty", 0), 0)


def test_noise_is_no_motion() -> None:
    """A sensor's noise averages out."""
    gate, still = MotionGate(NEVER), draw("empty", 0)
    gate.opens(still, 0)
    assert not any(gate.opens(noisy(still, seed), seed) for seed in range(50))


def test_something_small_is_motion() -> None:
    """A hundredth of the view is enough."""
    gate, still = MotionGate(NEVER), draw("empty", 0)
    gate.opens(still, 0)
    moved = still.copy()
    moved[20:26, 30:38] = (255, 255, 0)
    assert gate.opens(moved, 1)
    assert not gate.opens(moved, 2)


def test_what_creeps_is_noticed() -> None:
    """Compared is with the last picture that was looked at, not with the one before."""
    gate = MotionGate(NEVER)
    opened = [gate.opens(np.full((64, 64, 3), level, np.uint8), level) for level in range(60)]
    assert 3 <= sum(opened) <= 6


def test_there_is_a_floor_rate() -> None:
    """However still it is."""
    gate, still = MotionGate(MotionSettings(floor_s=1.0)), draw("empty", 0)
    opened = [gate.opens(still, round(frame * S / 10)) for frame in range(50)]
    assert sum(opened) == 5
