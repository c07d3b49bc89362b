"""Is a model fast, and which of two is faster here?

Only side by side does a shared machine give an answer.
"""

import time
from collections.abc import Sequence

import numpy as np

from galago.bundle.interpreter import Interpreter
from galago.bundle.preprocess import Pixels
from galago.progress import say

_ROUNDS = 40
_SECONDS = 4.0  # for all rounds; large networks get by with fewer


def race(interpreters: Sequence[Interpreter], image: Pixels) -> tuple[float, ...]:
    """Median time of one invoke of each, in microseconds, measured in turns after one warm-up.

    Convention: `image` (h, w, 3) uint8, prepared.
    """
    times: list[list[int]] = [[] for _ in interpreters]
    for interpreter in interpreters:
        interpreter.write(image)
        interpreter.invoke()
    end = time.monotonic() + _SECONDS
    while len(times[0]) < _ROUNDS and (not times[0] or time.monotonic() < end):
        for interpreter, own in zip(interpreters, times, strict=True):
            start = time.perf_counter_ns()
            interpreter.invoke()
            own.append(time.perf_counter_ns() - start)
    return tuple(float(np.median(own)) / 1000 for own in times)


def warn_of_slow_pieces(interpreter: Interpreter) -> None:
    """Name the operations that are not accelerated, unless the model runs in one piece."""
    if interpreter.partitions == 1:
        return
    names = ", ".join(dict.fromkeys(interpreter.outside)) or "none"
    say(
        f"Warning: {interpreter.name} accelerates the model in {interpreter.partitions} pieces, "
        f"best is one; operations that it leaves to slow kernels: {names}"
    )
