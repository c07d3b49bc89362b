"""Being written."""

from dataclasses import dataclass
from galago.bundle.preprocess import Pixels

@dataclass(frozen=True, slots=True)
class LayerNoise:
    name: str
    operation: str
    decibels: float


def signal_to_noise(original: bytes, quantized: bytes, images: Pixels) -> tuple[LayerNoise, ...]:
    return ()
