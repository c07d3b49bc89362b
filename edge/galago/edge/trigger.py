"""When pictures are taken: at a key, at an interval, or when something moves.

- A trigger is asked at every frame and answers which regions to take, and how many pictures.
- Time is that of the frames, so a recording gives the same pictures at every pace.
- What was missed, through a stall or a slow disk, is not made up for.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from galago.bundle.preprocess import Pixels
from galago.edge.motion import MotionGate, MotionSettings

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Taking:
    """What to take now: `regions` by index, and of each so many `pictures`, one after another."""

    regions: tuple[int, ...]
    pictures: int


class Trigger(Protocol):
    """Decides at a frame, from its regions, (h, w, 3) uint8, and its time in monotonic ns."""

    def __call__(self, views: Sequence[Pixels], time_ns: int) -> Taking | None:
        """What to take, if anything."""


class Keys:
    """Takes what was asked for since the last frame; of several, the last."""

    def __init__(self) -> None:
        self._asked: deque[int] = deque(maxlen=1)

    def press(self, pictures: int) -> None:
        """Ask for pictures, from any thread."""
        self._asked.append(pictures)

    def __call__(self, views: Sequence[Pixels], time_ns: int) -> Taking | None:  # noqa: ARG002 - a Trigger's
        """As asked for, at once."""
        return Taking(_all(views), self._asked.pop()) if self._asked else None


class Every:
    """Takes `pictures` at the first frame, and every `seconds` from then on."""

    def __init__(self, seconds: float, pictures: int) -> None:
        self._period_ns, self._pictures = round(seconds * _NS), pictures
        self._due_ns: int | None = None

    def __call__(self, views: Sequence[Pixels], time_ns: int) -> Taking | None:
        """All regions, when it is time."""
        if self._due_ns is None:
            self._due_ns = time_ns
        if time_ns < self._due_ns:
            return None
        self._due_ns = next_due(self._due_ns, self._period_ns, time_ns)
        return Taking(_all(views), self._pictures)


class Motion:
    """Takes `pictures` of the regions in which something moves, once in `pause_s` at most.

    What moves in the pause is not taken, nor is it taken for a movement afterwards.
    """

    def __init__(self, pause_s: float, pictures: int) -> None:
        self._pause_ns, self._pictures = round(pause_s * _NS), pictures
        self._gates: list[MotionGate] = []
        self._rests_until_ns = 0

    def __call__(self, views: Sequence[Pixels], time_ns: int) -> Taking | None:
        """The regions in which something moves, unless it is the pause."""
        if not self._gates:
            self._gates = [MotionGate(MotionSettings(floor_s=math.inf)) for _ in views]
            self._rests_until_ns = time_ns + 1  # the first frame is nothing that moves
        # All are asked every time: each has to see how its region goes on.
        opened = [gate.opens(view, time_ns) for gate, view in zip(self._gates, views, strict=True)]
        if time_ns < self._rests_until_ns or not any(opened):
            return None
        self._rests_until_ns = time_ns + self._pause_ns
        return Taking(tuple(i for i, moved in enumerate(opened) if moved), self._pictures)


def next_due(due_ns: int, period_ns: int, now_ns: int) -> int:
    """When it is time again: in step with before, or, after a delay, a whole period from now."""
    following = due_ns + period_ns
    return following if following > now_ns else now_ns + period_ns


def _all(views: Sequence[Pixels]) -> tuple[int, ...]:
    return tuple(range(len(views)))
