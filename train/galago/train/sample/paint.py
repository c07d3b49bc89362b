"""Brushes: smooth outlines in, anti-aliased layers out.

- Every shape is drawn several times too large and averaged down, so no edge has steps.
- A layer is premultiplied: `over` needs one multiplication and one addition a pixel.
- Nothing here draws at random by itself: whoever wants texture hands it in.

Convention: x to the right, y down, in frame pixels (320 x 240), origin at the top left corner.
Colours are RGB, 0-255 as tuples for drawing, 0-1 as float32 in layers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float32]
Points: TypeAlias = NDArray[np.float64]
Colour: TypeAlias = tuple[int, int, int]

WIDTH, HEIGHT = 320, 240  # of a frame, in pixels

_SUB_BITS = 4  # fractional bits of the coordinates that OpenCV draws with
_SPLINE_STEPS = 6  # points drawn between two that are given
_SUPER = 3  # canvas pixels a frame pixel, each way
_EDGE = 2  # frame pixels left free around a figure
_ROUND = np.linspace(0, 2 * np.pi, 20, endpoint=False)
_CIRCLE: Points = np.column_stack([np.cos(_ROUND), np.sin(_ROUND)])


@dataclass(frozen=True, slots=True)
class Part:
    """One brush stroke of a figure, in the figure's own units.

    `points`: (n, 2) float. A "shape" adds to the figure; a "mark" only colours what is already
    there; a "stroke" is a line of `width` units with round ends, and adds to the figure.
    """

    points: Points
    colour: Colour
    kind: Literal["shape", "mark", "stroke"] = "shape"
    width: float = 0.0


@dataclass(frozen=True, slots=True)
class Layer:
    """A drawn figure, its top left pixel at (`x`, `y`) of the frame.

    `rgb` (h, w, 3) float32 0-1 is premultiplied by `alpha`, (h, w, 3) float32 0-1 as well, the same
    in each channel: NumPy multiplies equal shapes several times faster than it broadcasts.
    """

    rgb: Floats
    alpha: Floats
    x: int = 0
    y: int = 0

    def lit(self, light: Floats) -> "Layer":
        """The same figure under `light`, (3,) for all of it or (h, w, 3)."""
        rgb = tinted(self.rgb, light) if light.ndim == 1 else self.rgb * light
        return Layer(rgb, self.alpha, self.x, self.y)

    def faded(self, opacity: float) -> "Layer":
        """The same figure, `opacity` (0-1) times as dense."""
        share = np.float32(opacity)
        return Layer(self.rgb * share, self.alpha * share, self.x, self.y)

    def blurred(self, sigma_x: float, sigma_y: float = 0.0) -> "Layer":
        """The same figure out of focus, or in motion when the two sigmas (pixels) differ."""
        edge = int(np.ceil(2.5 * max(sigma_x, sigma_y)))
        rgb, alpha = (
            floats(cv2.GaussianBlur(_bordered(part, edge), (0, 0), sigma_x, sigmaY=sigma_y))
            for part in (self.rgb, self.alpha)
        )
        return Layer(rgb, alpha, self.x - edge, self.y - edge)


def over(frame: Floats, layer: Layer) -> None:
    """Lay a layer over a frame (H, W, 3) float32, in place; what lies outside is cut off."""
    height, width = layer.alpha.shape[:2]
    top, left = max(0, layer.y), max(0, layer.x)
    bottom, right = min(frame.shape[0], layer.y + height), min(frame.shape[1], layer.x + width)
    if top >= bottom or left >= right:
        return
    part = (slice(top - layer.y, bottom - layer.y), slice(left - layer.x, right - layer.x))
    view = frame[top:bottom, left:right]
    view *= 1 - layer.alpha[part]
    view += layer.rgb[part]


def tinted(picture: Floats, colour: Floats) -> Floats:
    """A picture (h, w, 3) times a colour (3,)."""
    height, width = picture.shape[:2]
    # Row by row, for the same reason as Layer's alpha.
    return (picture.reshape(height, -1) * np.tile(colour, width)).reshape(picture.shape)


def tripled(mask: Floats) -> Floats:
    """A mask (h, w) as (h, w, 3)."""
    return floats(cv2.merge([mask, mask, mask]))


def placed(
    x: float, y: float, size: float, turn_deg: float = 0.0, aspect: tuple[float, float] = (1, 1)
) -> Points:
    """The affine map (2, 3) that takes a figure (y up, feet at its origin) into the frame.

    `size` is in pixels a unit; `aspect` stretches the figure's own axes before it turns, and a
    negative first one mirrors it. A positive `turn_deg` leans it towards where it looks.
    """
    angle = np.deg2rad(turn_deg) * np.sign(aspect[0])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    linear = np.diag([size, -size]) @ turn @ np.diag(aspect)
    return np.column_stack([linear, (x, y)])


def smooth(points: ArrayLike) -> Points:
    """A closed curve through (n, 2) points (Catmull-Rom), as (m, 2) points."""
    here = np.asarray(points, np.float64)
    a, b, c, d = (np.roll(here, shift, 0)[:, None, :] for shift in (1, 0, -1, -2))
    t = np.linspace(0, 1, _SPLINE_STEPS, endpoint=False)[None, :, None]
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.asarray(curve.reshape(-1, 2), np.float64)


def oval(x: float, y: float, rx: float, ry: float, turn_deg: float = 0.0) -> Points:
    """The outline of an ellipse, as (20, 2) points."""
    turn = math.radians(turn_deg)
    cosine, sine = math.cos(turn), math.sin(turn)
    return np.asarray(_CIRCLE @ ((rx * cosine, rx * sine), (-ry * sine, ry * cosine)) + (x, y))


def line(*points: tuple[float, float]) -> Points:
    """Corners, as (n, 2) points."""
    return np.asarray(points, np.float64)


def drawn(
    parts: Sequence[Part], place: Points, volume: float = 0.0, grain: Floats | None = None
) -> Layer:
    """Draw a figure and return it as a layer.

    `volume` (0-1) rounds it: lighter towards the sky, darker below. `grain`, (h, w) float32 around
    1, is the texture of fur, feathers or wood; it is repeated when it is smaller than the figure.
    """
    corner, size = _bounds(parts, place)
    rgb, alpha = _painted(parts, place, corner, size)
    if volume:
        rgb *= tripled(_relief(alpha, volume))
    if grain is not None:
        rgb *= tripled(_tiled(grain, alpha.shape))
    dense = tripled(alpha)
    return Layer(np.minimum(rgb, 1) * dense, dense, int(corner[0]), int(corner[1]))


def _bordered(picture: Floats, edge: int) -> Floats:
    return floats(cv2.copyMakeBorder(picture, edge, edge, edge, edge, cv2.BORDER_CONSTANT))


def _bounds(parts: Sequence[Part], place: Points) -> tuple[Points, Points]:
    """Top left corner and size, in whole frame pixels, of all that adds to the figure."""
    scale = float(np.sqrt(abs(np.linalg.det(place[:, :2]))))
    low, high = [], []
    for part in parts:
        if part.kind != "mark":
            points = _mapped(part.points, place)
            low.append(points.min(0) - part.width * scale / 2)
            high.append(points.max(0) + part.width * scale / 2)
    corner = np.floor(np.min(low, axis=0)) - _EDGE
    return corner, np.ceil(np.max(high, axis=0)) + _EDGE - corner


def _painted(
    parts: Sequence[Part], place: Points, corner: Points, size: Points
) -> tuple[Floats, Floats]:
    width, height = int(size[0]), int(size[1])
    scale = float(np.sqrt(abs(np.linalg.det(place[:, :2])))) * _SUPER
    # The whole canvas starts in the figure's colour, so its edge does not fade to black.
    rgb = np.empty((height * _SUPER, width * _SUPER, 3), np.uint8)
    cv2.rectangle(rgb, (0, 0), rgb.shape[1::-1], parts[0].colour, cv2.FILLED)
    alpha = np.zeros(rgb.shape[:2], np.uint8)
    for part in parts:
        points = (_mapped(part.points, place) - corner) * _SUPER
        paint(rgb, points, part.colour, part.width * scale)
        if part.kind != "mark":
            paint(alpha, points, 255, part.width * scale)
    return shrunk(rgb, (width, height)), shrunk(alpha, (width, height))


def paint(canvas: NDArray[np.uint8], points: Points, colour: Any, width: float = 0.0) -> None:
    """Fill an outline of (n, 2) canvas pixels, or with a `width` draw it as a line, in place."""
    corners = np.round((points - 0.5) * (1 << _SUB_BITS)).astype(np.int32)
    if width:
        thick = max(1, round(width))
        cv2.polylines(
            canvas, [corners], isClosed=False, color=colour, thickness=thick,
            lineType=cv2.LINE_AA, shift=_SUB_BITS,
        )  # fmt: skip
    else:
        cv2.fillPoly(canvas, [corners], colour, cv2.LINE_AA, _SUB_BITS)


def shrunk(canvas: NDArray[np.uint8], size: tuple[int, int]) -> Floats:
    """Average a canvas of uint8 down to (width, height), as float32 0-1."""
    return floats(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)) / np.float32(255)


def floats(array: Any) -> Floats:
    """What OpenCV returned, as float32."""
    return np.asarray(array, np.float32)


def _mapped(points: Points, place: Points) -> Points:
    return np.asarray(points @ place[:, :2].T + place[:, 2], np.float64)


def _relief(alpha: Floats, volume: float) -> Floats:
    """Shading (h, w) of a figure blown up like a cushion, with the light above and left."""
    soft = cv2.GaussianBlur(alpha, (0, 0), max(1.0, 0.07 * sum(alpha.shape)))
    slope_y = cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3)
    slope_x = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3)
    steep = (slope_y + 0.4 * slope_x) * np.float32(0.035 * sum(alpha.shape))
    return np.asarray(1 + volume * np.clip(steep, -1, 1), np.float32)


def _tiled(grain: Floats, shape: tuple[int, ...]) -> Floats:
    down, across = -(-shape[0] // grain.shape[0]), -(-shape[1] // grain.shape[1])
    return np.tile(grain, (down, across))[: shape[0], : shape[1]]
