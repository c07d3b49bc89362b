"""How long to wait after a failure: longer each time, and never in step with others.

Jitter: a hundred cameras that lost one broker together must not come back together (Marc Brooker,
"Exponential Backoff and Jitter", "equal jitter").
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """`first_s`, `last_s`: the shortest and the longest pause between two tries.

    `patience_s`: how long something may fail before it is said. `tries`: how often what is refused
    for good is tried before it is given up; with these pauses, for about two minutes. `answer_s`:
    how long a broker may take to say its first word, and to acknowledge an event.
    """

    first_s: float = 1.0
    last_s: float = 60.0
    patience_s: float = 30.0
    tries: int = 8
    answer_s: float = 10.0


class Backoff:
    """The pauses of one publisher."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._failures = 0

    def reset(self) -> None:
        """It goes well again."""
        self._failures = 0

    def next_s(self) -> float:
        """Seconds to wait after one more failure: from half of the full pause up to all of it."""
        doubled = self._pace.first_s * 2.0 ** min(self._failures, 32)
        self._failures += 1
        return min(doubled, self._pace.last_s) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
