"""The stage: garden, feeder, clutter and light put together, for actors to enter.

- A `World` is made once from a seed; it never changes, so threads share it.
- A `Stage` is the world on one day at one hour; it draws any moment of that day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from galago.train.sample.actors import Actor
from galago.train.sample.branch import Branch, draw_branch, falling_leaf, swayed
from galago.train.sample.clutter import Clutter
from galago.train.sample.feeder import Feeder, build_feeder
from galago.train.sample.garden import Garden, cloudy, paint_garden
from galago.train.sample.paint import HEIGHT, WIDTH, Floats, Layer, over
from galago.train.sample.season import SEASONS
from galago.train.sample.weather import (
    Light,
    Weather,
    cast_shadows,
    daylight,
    fall,
    fogged,
    sky,
)

_FEEDER_DEPTH, _GARDEN_DEPTH = 0.25, 0.95  # how much fog lies before each
_INDOORS = 0.55  # share of the sun that reaches the tray under its roof
_HORIZON_Y = 110  # no sky shows below
_CLEAR = np.float32(1e-3)  # an alpha that nobody sees
_NOISE_SHAPE = (360, 480, 3)
_FIELD_SHAPE = (480, 640)  # of clouds and leaf shadows; a day sees a window of it


@dataclass(frozen=True, slots=True)
class World:
    """What the camera looks at, by season name, and the textures that all days share.

    `clouds` and `dapple` (480, 640) and `noise` (360, 480, 3) are float32 of deviation about 1;
    `grain` (97, 89) float32 is around 1.
    """

    gardens: dict[str, Garden]
    feeders: dict[str, Feeder]
    branches: dict[str, Branch]
    clouds: Floats
    dapple: Floats
    noise: Floats
    grain: Floats


@dataclass(frozen=True, slots=True)
class Entrance:
    """An actor at one moment: `away` (0-1) is how far it still is from its perch."""

    actor: Actor
    away: float = 0.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A day's scene.

    `back` (240, 320, 3) float32 is lit and complete up to the tray; `near` are the lit layers that
    can hide an animal; `branch` is unlit.
    """

    weather: Weather
    light: Light
    back: Floats
    near: Sequence[Layer]
    branch: Branch
    grain: Floats

    def frame(self, entrances: Sequence[Entrance], t: float, rng: np.random.Generator) -> Floats:
        """The light (240, 320, 3) float32 that reaches the lens at time `t` (s)."""
        frame = self.back.copy()
        self._enter(frame, [e for e in entrances if not e.actor.perch.before], t)
        for layer in self.near:
            over(frame, layer)
        self._enter(frame, [e for e in entrances if e.actor.perch.before], t)
        over(frame, swayed(self.branch, self.weather.breeze, t).lit(self.light.at(0.7)))
        for leaf in falling_leaf(self.weather, t):
            over(frame, leaf.lit(self.light.at(0.8)))
        fall(frame, self.weather, self.light, rng)
        return frame

    def _enter(self, frame: Floats, entrances: Sequence[Entrance], t: float) -> None:
        for entrance in entrances:
            light = self.light.at(entrance.actor.perch.sunlit)
            for layer in entrance.actor.layers(t, entrance.away, self.grain):
                over(frame, _veiled(layer.lit(light), self.weather, self.light))


def build_world(rng: np.random.Generator) -> World:
    """Paint the garden and the feeder in all seasons."""
    noise = rng.standard_normal(_NOISE_SHAPE, np.float32)
    noise = 0.75 * noise + 0.9 * cv2.GaussianBlur(noise, (0, 0), 0.8)
    return World(
        gardens={season.name: paint_garden(season, rng) for season in SEASONS},
        feeders={season.name: build_feeder(rng, snow=season.snow) for season in SEASONS},
        branches={season.name: draw_branch(season, rng) for season in SEASONS},
        clouds=cloudy(rng, _FIELD_SHAPE, 5),
        dapple=cloudy(rng, _FIELD_SHAPE, 16),
        noise=np.asarray(noise, np.float32),
        grain=np.asarray(1 + 0.06 * rng.standard_normal((97, 89)), np.float32),
    )


def set_stage(
    world: World, weather: Weather, clutter: Sequence[Clutter], window: tuple[float, float]
) -> Stage:
    """Light the world for one hour; `window` (0-1, 0-1) is where clouds and leaf shadows are."""
    light = daylight(weather)
    name = weather.season.name
    shadow = cast_shadows(light, _window(world.dapple, window))
    ground = _cluttered(world.gardens[name].colour, clutter) * light.at_each(shadow)
    back = fogged(ground, weather, light, _GARDEN_DEPTH)
    _hang(sky(weather, _window(world.clouds, window)[:_HORIZON_Y]), back, world.gardens[name].sky)
    feeder = world.feeders[name]
    for layer in (feeder.back, *(thing.layer for thing in clutter if thing.depth == "tray")):
        over(back, _veiled(layer.lit(light.at(_INDOORS)), weather, light))
    fronts = [feeder.front, *(thing.layer for thing in clutter if thing.depth == "front")]
    near = [_veiled(_shaded(layer, light, shadow), weather, light) for layer in fronts]
    return Stage(weather, light, back, near, world.branches[name], world.grain)


def blended(first: Stage, second: Stage, share: float) -> Stage:
    """The same day between two hours; `share` (0-1) is how much of the second."""

    def mix(one: Floats, other: Floats) -> Floats:
        return np.asarray(cv2.addWeighted(one, 1 - share, other, share, 0), np.float32)

    near = [
        Layer(mix(one.rgb, other.rgb), one.alpha, one.x, one.y)
        for one, other in zip(first.near, second.near, strict=True)
    ]
    nearer = first if share < 0.5 else second
    return replace(nearer, back=mix(first.back, second.back), near=near)


def _cluttered(colour: Floats, clutter: Sequence[Clutter]) -> Floats:
    """The garden's colours with what stands about in it."""
    colour = colour.copy()
    for thing in clutter:
        if thing.depth == "garden":
            over(colour, thing.layer)
    return colour


def _hang(heaven: Floats, picture: Floats, gaps: Floats) -> None:
    """Let the sky show through the gaps (240, 320, 3) that trees and fence leave, in place."""
    top = picture[:_HORIZON_Y]
    top += (heaven - top) * gaps[:_HORIZON_Y]


def _shaded(layer: Layer, light: Light, shadow: Floats) -> Layer:
    """A layer in front, with the shadows of leaves upon it."""
    height, width = layer.alpha.shape[:2]
    rows = np.clip(np.arange(layer.y, layer.y + height), 0, HEIGHT - 1)
    columns = np.clip(np.arange(layer.x, layer.x + width), 0, WIDTH - 1)
    # Above the lawn only, where no long shadow of the feeder itself lies.
    here = shadow[np.minimum(rows, 137)[:, None], columns[None, :]]
    return layer.lit(light.at_each(here))


def _veiled(layer: Layer, weather: Weather, light: Light) -> Layer:
    """A lit layer behind the fog that lies before the feeder."""
    if not (weather.fog or weather.rain):
        return layer
    opaque = np.asarray(layer.rgb / np.maximum(layer.alpha, _CLEAR), np.float32)
    full = fogged(opaque, weather, light, _FEEDER_DEPTH)
    return Layer(full * layer.alpha, layer.alpha, layer.x, layer.y)


def _window(field: Floats, window: tuple[float, float]) -> Floats:
    top = int(window[0] * (field.shape[0] - HEIGHT))
    left = int(window[1] * (field.shape[1] - WIDTH))
    return field[top : top + HEIGHT, left : left + WIDTH]
