"""Sun, clouds, fog, rain and snow: what they do to the light and to the air.

Convention: light is (3,) float32 RGB that multiplies colours of 0-1; 1 is white paper at noon.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from galago.bundle.preprocess import Pixels
from galago.train.sample.paint import HEIGHT, WIDTH, Floats, floats, line, oval, paint, tripled
from galago.train.sample.season import Season

NOON_H = 12.5
_WAKING = 0.88  # of the day between sunrise and sunset
_WET_DAYS, _FOGGY_DAYS = 0.10, 0.07
_LOW_SUN = 0.24  # height (0-1) below which sunlight turns to gold
_GOLD, _WHITE = np.array((1.0, 0.58, 0.26)), np.array((1.0, 0.95, 0.86))
_BLUE, _DUSK = np.array((0.46, 0.52, 0.63)), np.array((0.42, 0.38, 0.50))
_FOG = np.array((0.80, 0.82, 0.84))
_HAZE_Y = 100.0  # where the blue has paled
_TWILIGHT = 0.16  # of the light of the open sky is left when the sun is gone
_DROPS, _FLAKES = 130, 90  # in the heaviest rain and snowfall


@dataclass(frozen=True, slots=True)
class Weather:
    """The hour and the sky. All shares 0-1; `breeze` is also how far branches swing."""

    season: Season
    hour: float
    cloud: float = 0.2
    fog: float = 0.0
    rain: float = 0.0
    breeze: float = 0.3


@dataclass(frozen=True, slots=True)
class Light:
    """What falls on the garden: `sun` from one side, `ambient` from everywhere.

    `lean` (-1 to 1) is how far shadows point to the right, `length` how long they are (1 = the
    height of what casts them).
    """

    sun: Floats
    ambient: Floats
    lean: float
    length: float

    def at(self, sunlit: float) -> Floats:
        """Light on something that gets the share `sunlit` (0-1) of the sun."""
        return np.asarray(self.ambient + sunlit * self.sun, np.float32)

    def at_each(self, sunlit: Floats) -> Floats:
        """Light (h, w, 3) on pixels that each get their share (h, w) of the sun."""
        return floats(cv2.transform(sunlit[..., None], np.column_stack([self.sun, self.ambient])))


def random_hour(season: Season, rng: np.random.Generator) -> float:
    """An hour between dawn and dusk."""
    return NOON_H + float(rng.uniform(-_WAKING, _WAKING)) * season.daylight_h / 2


def random_weather(season: Season, hour: float, rng: np.random.Generator) -> Weather:
    """A day as likely as any: mostly fair, sometimes grey, foggy or wet."""
    wet = float(rng.uniform(0.3, 1)) if rng.uniform() < _WET_DAYS else 0.0
    foggy = float(rng.uniform(0.2, 0.6)) if rng.uniform() < _FOGGY_DAYS else 0.0
    cloud = float(rng.beta(0.8, 1.0))
    return Weather(
        season,
        hour,
        cloud=max(cloud, 0.8) if wet else cloud,
        fog=foggy,
        rain=wet,
        breeze=float(rng.beta(1.2, 2.2)),
    )


def daylight(weather: Weather) -> Light:
    """The light of an hour under its clouds."""
    turn = (weather.hour - NOON_H) / (weather.season.daylight_h + 1)
    height = weather.season.sun * max(0.0, float(np.cos(np.pi * turn)))
    warm = float(np.exp(-((height / _LOW_SUN) ** 2)))
    strong = min(1.0, height / _LOW_SUN) * (1 - 0.95 * weather.cloud)
    grey = np.mean(_BLUE)
    open_sky = _BLUE + (_DUSK - _BLUE) * warm
    open_sky = open_sky + (grey - open_sky) * 0.8 * weather.cloud
    bright = _TWILIGHT + (1 - _TWILIGHT) * min(1.0, height / 0.35)
    return Light(
        sun=np.asarray(0.62 * strong * (_WHITE + (_GOLD - _WHITE) * warm), np.float32),
        ambient=np.asarray(open_sky * bright * (1 + 0.35 * weather.cloud), np.float32),
        lean=float(np.clip(turn * 2.6, -1, 1)),
        length=float(min(2.2, 0.5 / max(0.12, height))),
    )


def sky(weather: Weather, clouds: Floats) -> Floats:
    """The upper part of the sky (h, 320, 3) float32; `clouds` is smooth noise (h, 320)."""
    light = daylight(weather)
    level = float(np.mean(light.ambient) * 1.55)
    down = np.arange(len(clouds), dtype=np.float32)[:, None, None] / _HAZE_Y
    blue = np.array((0.46, 0.68, 0.98)) + (np.array((0.36, 0.28, 0.18)) * down.clip(0, 1))
    glow = light.sun / max(0.2, float(light.sun.max())) * np.array((0.9, 0.62, 0.5))
    warm = 1 - float(light.sun[2] / light.sun[0]) if light.sun[0] > 0.02 else 0.0
    clear = blue * level + glow * down.clip(0, 1) * warm * 0.5
    cover = tripled(0.92 / (1 + np.exp(-(clouds * 1.6 + np.float32(7 * weather.cloud - 3.5)))))
    cloudy = (light.ambient * 1.5 + light.sun * 0.25) * (1.05 - 0.22 * weather.cloud)
    mixed = np.asarray(clear + (cloudy - clear) * cover, np.float32)
    return fogged(mixed, weather, light, 0.9)


def cast_shadows(light: Light, dapple: Floats) -> Floats:
    """The share (240, 320) of the sun that reaches each pixel of the garden.

    `dapple` (240, 320) is smooth noise: gaps between the leaves of trees out of view.
    """
    sunny = np.clip(0.8 + 0.3 * dapple, 0.3, 1)
    ground = np.full((HEIGHT, WIDTH), 255, np.uint8)
    top = (160 + 110 * light.lean * light.length, 262 - 58 * light.length)
    paint(ground, line((160, 262), top), 60, 9)
    paint(ground, oval(*top, 62, 11), 60)
    paint(ground, oval(top[0], top[1] - 26 * light.length, 66, 14), 60)
    cast = cv2.GaussianBlur(ground, (0, 0), 3).astype(np.float32) / 255
    cast += (1 - cast) * np.clip((156 - np.arange(HEIGHT)[:, None]) / 20, 0, 1)  # lawn only
    return np.asarray(sunny * cast, np.float32)


def fogged(picture: Floats, weather: Weather, light: Light, depth: float) -> Floats:
    """A picture (h, w, 3) seen through fog; `depth` (0-1) is how far away it is."""
    share = np.float32(depth * (weather.fog + 0.12 * weather.rain))
    if not share:
        return picture
    colour = np.asarray(_FOG * np.mean(light.ambient) * 1.5 + light.sun * 0.15, np.float32)
    return picture + (colour - picture) * share


def fall(frame: Floats, weather: Weather, light: Light, rng: np.random.Generator) -> None:
    """Rain, or snow in winter, in front of the frame (240, 320, 3), in place."""
    if not weather.rain:
        return
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    if weather.season.snow:
        _flakes(mask, weather, rng)
    else:
        _streaks(mask, weather, rng)
    share = tripled(floats(cv2.GaussianBlur(mask, (0, 0), 0.7)) / np.float32(255))
    frame += (light.at(0.2) * np.float32(1.7) - frame) * share


def _streaks(mask: Pixels, weather: Weather, rng: np.random.Generator) -> None:
    slant = 0.5 * weather.breeze
    for x, y, near in rng.uniform(0, 1, (round(_DROPS * weather.rain), 3)):
        length = 6 + 16 * near
        start = (x * WIDTH * 1.2 - 20, y * HEIGHT * 1.1 - 10)
        ends = line(start, (start[0] - slant * length, start[1] + length))
        paint(mask, ends, 50 + 70 * near, 1)


def _flakes(mask: Pixels, weather: Weather, rng: np.random.Generator) -> None:
    for x, y, near in rng.uniform(0, 1, (round(_FLAKES * weather.rain), 3)):
        size = 0.6 + 1.6 * near**3
        paint(mask, oval(x * WIDTH, y * HEIGHT, size, size * 1.3), 130 + 110 * near)
