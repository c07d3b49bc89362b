"""The garden's four seasons: colours of what grows, and how long the day is."""

from dataclasses import dataclass
from datetime import datetime

from galago.train.sample.paint import Colour


@dataclass(frozen=True, slots=True)
class Season:
    """One quarter of the year.

    `leaves` runs from shade to light; `bloom` are the flowers or berries in the bushes;
    `density` (0-1) is how much foliage the trees carry; `sun` (0-1) the height of the sun at noon.
    """

    name: str
    leaves: tuple[Colour, ...]
    grass: tuple[Colour, ...]
    bloom: tuple[Colour, ...]
    density: float
    daylight_h: float
    sun: float
    snow: bool = False


SEASONS = (
    Season("winter", ((44, 50, 44), (66, 72, 60), (96, 96, 78)),
           ((196, 204, 214), (214, 220, 228), (232, 236, 242)),
           ((170, 40, 44),), 0.0, 9.0, 0.60, snow=True),
    Season("spring", ((52, 88, 40), (96, 140, 58), (164, 194, 92)),
           ((70, 116, 46), (98, 146, 58), (136, 178, 80)),
           ((240, 170, 196), (248, 214, 226)), 0.8, 12.5, 0.8),
    Season("summer", ((30, 62, 32), (58, 100, 44), (112, 150, 66)),
           ((76, 108, 46), (104, 134, 58), (142, 160, 78)),
           ((206, 74, 120), (232, 132, 164)), 1.0, 15.5, 1.0),
    Season("autumn", ((96, 60, 28), (166, 98, 36), (220, 160, 62)),
           ((86, 100, 46), (114, 122, 56), (150, 146, 74)),
           ((190, 50, 40),), 0.6, 11.0, 0.70),
)  # fmt: skip


def season_of(time: datetime) -> Season:
    """The season of a date on the northern half of the Earth; December begins winter."""
    return SEASONS[time.month % 12 // 3]
