"""Which of two models is faster here? Only side by side does a shared machine give an answer."""

import time
from collections.abc import Sequence

import numpy as np

from galago.bundle.interpreter import Interpreter
from galago.bundle.preprocess import Pixels

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
