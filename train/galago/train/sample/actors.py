"""Who visits the feeder: an animal, its perch, and how it moves there.

An actor is a pure function of time, so any frame can be drawn alone and on any thread.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from galago.train.sample.birds import Species, bird
from galago.train.sample.paint import Floats, Layer, Part, Points, drawn, oval, placed
from galago.train.sample.squirrels import Coat, Stance, squirrel

Animal: TypeAlias = Literal["bird", "squirrel"]

_VOLUME = 0.5  # how round an animal looks, 0-1
_FLIGHT_PX, _HOP_PX, _HOP_HIGH_PX = 90.0, 60.0, 70.0  # where an arrival begins
_FLAPS_HZ = 7.0
_FIDGET_HZ = (0.21, 0.37, 0.5)  # walking to and fro, pecking, swinging the tail
_WALK_PX = 9.0
_PECK_DEG = 20.0
_MOTION_PX = 2.4  # blur at the far end of the path


@dataclass(frozen=True, slots=True)
class Perch:
    """A place at the feeder, in frame pixels.

    `turn_deg` leans the animal forward; `before`: it stands in front of posts, rim and roof;
    `sunlit` (0-1) is the share of the sun it gets; `shadow`: it stands on something; `roomy`: there
    is space to walk about and to turn round.
    """

    x: float
    y: float
    turn_deg: float = 0.0
    before: bool = False
    sunlit: float = 0.5
    shadow: bool = True
    roomy: bool = False


@dataclass(frozen=True, slots=True)
class Actor:
    """An animal at its perch.

    `aspect` mirrors and narrows it; `phases` (radians) make its fidgeting its own.
    """

    label: Animal
    look: Species | Coat
    perch: Perch
    size_px: float
    aspect: tuple[float, float]
    stance: Stance
    phases: tuple[float, float, float]

    def layers(self, t: float, away: float, grain: Floats) -> list[Layer]:
        """The actor at time `t` (s), unlit, back to front.

        `away` (0-1) is how far it still is from its perch.
        """
        if away:
            return [self._moving(t, away, grain)]
        walk, peck, tail = self._fidget(t)
        lean = self.perch.turn_deg
        if isinstance(self.look, Species):
            lean += _PECK_DEG * max(0.0, peck) ** 4
            parts = bird(self.look, nod=peck)
        else:
            parts = squirrel(self.look, self.stance, curl=tail, nod=peck)
        x = self.perch.x + (_WALK_PX * walk if self.perch.roomy else 0.0)
        figure = drawn(parts, self._place(x, self.perch.y, lean, self._facing(t)), _VOLUME, grain)
        return [*self._shadow(x), figure]

    def _moving(self, t: float, away: float, grain: Floats) -> Layer:
        """In the air: wings beat, squirrels stretch, and the shutter is too slow."""
        x, y = self._path(away)
        if isinstance(self.look, Species):
            flap = 0.55 + 0.45 * float(np.sin(2 * np.pi * _FLAPS_HZ * t))
            parts: list[Part] = bird(self.look, wings=flap)
        else:
            parts = squirrel(self.look, "run")
        figure = drawn(parts, self._place(x, y, self.perch.turn_deg, self.aspect), _VOLUME, grain)
        return figure.blurred(0.3 + _MOTION_PX * away, 0.3 + 0.5 * _MOTION_PX * away)

    def _path(self, away: float) -> tuple[float, float]:
        """Where it is on its way: birds swoop in from above, squirrels leap in an arc."""
        behind = -float(np.sign(self.aspect[0]))
        if self.label == "bird":
            x, y = behind * _FLIGHT_PX * away, -0.45 * _FLIGHT_PX * away
        else:
            x, y = behind * _HOP_PX * away, (30 * away - _HOP_HIGH_PX * (1 - away)) * away
        return self.perch.x + x, self.perch.y + y

    def _fidget(self, t: float) -> tuple[float, float, float]:
        waves = zip(_FIDGET_HZ, self.phases, strict=True)
        walk, peck, tail = (float(np.sin(2 * np.pi * hz * t + phase)) for hz, phase in waves)
        return walk, peck, tail

    def _facing(self, t: float) -> tuple[float, float]:
        """Its aspect; where there is room it looks the way it walks."""
        turned = self.perch.roomy and np.cos(2 * np.pi * _FIDGET_HZ[0] * t + self.phases[0]) < 0
        return (-self.aspect[0] if turned else self.aspect[0]), self.aspect[1]

    def _place(self, x: float, y: float, turn_deg: float, aspect: tuple[float, float]) -> Points:
        return placed(x, y, self.size_px, turn_deg, aspect)

    def _shadow(self, x: float) -> list[Layer]:
        if not self.perch.shadow:
            return []
        place = placed(x, self.perch.y, self.size_px)
        dark = drawn([Part(oval(0, 0, 0.34, 0.045), (0, 0, 0))], place)
        return [dark.blurred(1.0).faded(0.5)]
