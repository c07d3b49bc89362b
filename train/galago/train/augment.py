"""Changes to training pictures that do not change what they show.

- Whole batches, in TensorFlow operations of the input pipeline: none of it reaches the model.
- Every random number follows from the key: the same step of a run always sees the same batch.

Convention: images (b, h, w, 3) float32 RGB 0–255; targets (b, k) float32, 0–1; key (2,) int32.
"""

from dataclasses import dataclass
from typing import Any

from galago.errors import UsageError
from galago.train.tensorflow import tf

_GREY = 127.0  # what lies outside the picture, and under a cut-out


@dataclass(frozen=True, slots=True)
class Strength:
    """How much may change; zeros change nothing.

    `shift`: largest move, share of the side; `zoom`: largest share of the side that is cut off;
    `stretch`: largest change of proportions; `brightness`, `contrast`, `saturation`: largest
    relative change; `cutout`: largest side of a grey square (DeVries and Taylor, 2017), share of
    the side; `mixup`: parameter of the Beta distribution (Zhang et al., 2018).
    """

    flip: bool = True
    shift: float = 0.0
    zoom: float = 0.0
    stretch: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    cutout: float = 0.0
    mixup: float = 0.0


STRENGTHS = {
    "none": Strength(flip=False),
    "light": Strength(shift=0.125),
    "medium": Strength(
        shift=0.1, zoom=0.3, stretch=0.15, brightness=0.15, contrast=0.2, saturation=0.3
    ),
    "strong": Strength(
        shift=0.1,
        zoom=0.5,
        stretch=0.25,
        brightness=0.25,
        contrast=0.35,
        saturation=0.5,
        cutout=0.4,
        mixup=0.2,
    ),
}


def strength(name: str) -> Strength:
    """The strength of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in STRENGTHS:
        raise UsageError(f"no augmentation is called {name!r}: expected {', '.join(STRENGTHS)}")
    return STRENGTHS[name]


def augment(images: Any, targets: Any, key: Any, chosen: Strength) -> tuple[Any, Any]:
    """Change a batch within the chosen strength."""
    draw = _Draw(key, tf.shape(images)[0])
    images = _move(tf.cast(images, tf.float32), draw, chosen)
    if chosen.brightness or chosen.contrast or chosen.saturation:
        images = _recolour(images, draw, chosen)
    if chosen.cutout:
        images = _cut_out(images, draw, chosen.cutout)
    if chosen.mixup:
        return _mix(images, targets, draw, chosen.mixup)
    return images, targets


class _Draw:
    """Random numbers, one per picture, each call from a stream of its own."""

    def __init__(self, key: Any, n: Any) -> None:
        self._key, self.n, self._stream = key, n, 0

    def uniform(self, low: float, high: float) -> Any:
        self._stream += 1
        return tf.random.stateless_uniform([self.n], self._next(), low, high)

    def gamma(self, alpha: float) -> Any:
        self._stream += 1
        return tf.random.stateless_gamma([self.n], self._next(), alpha)

    def _next(self) -> Any:
        return tf.random.experimental.stateless_fold_in(self._key, self._stream)


def _move(images: Any, draw: _Draw, chosen: Strength) -> Any:
    """Crop, shift, stretch and mirror, in one resampling."""
    if not (chosen.flip or chosen.shift or chosen.zoom or chosen.stretch):
        return images
    side = 1 - draw.uniform(0, chosen.zoom)  # share of the side that stays in view
    proportions = tf.exp(draw.uniform(-chosen.stretch, chosen.stretch) / 2)
    high, wide = side * proportions, side / proportions
    shape = tf.shape(images)
    top = 0.5 + _offset(draw, side, chosen.shift, shape[1]) - high / 2
    left = 0.5 + _offset(draw, side, chosen.shift, shape[2]) - wide / 2
    right = left + wide
    if chosen.flip:
        mirrored = draw.uniform(0, 1) < 0.5
        left, right = tf.where(mirrored, right, left), tf.where(mirrored, left, right)
    boxes = tf.stack([top, left, top + high, right], axis=1)
    return tf.image.crop_and_resize(
        images, boxes, tf.range(draw.n), shape[1:3], extrapolation_value=_GREY
    )


def _offset(draw: _Draw, side: Any, shift: float, pixels: Any) -> Any:
    """How far the view's centre leaves the picture's: half of what the crop frees, and `shift`."""
    offset = draw.uniform(-1, 1) * ((1 - side) / 2 + shift)
    # By whole pixels: a move by part of one blurs, which small pictures do not bear.
    pixel = 1 / tf.cast(pixels - 1, tf.float32)
    return tf.round(offset / pixel) * pixel


def _recolour(images: Any, draw: _Draw, chosen: Strength) -> Any:
    def factor(change: float) -> Any:
        return (1 + draw.uniform(-change, change))[:, None, None, None]

    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    images = grey + (images - grey) * factor(chosen.saturation)
    mean = tf.reduce_mean(grey, axis=(1, 2), keepdims=True)
    images = mean * factor(chosen.brightness) + (images - mean) * factor(chosen.contrast)
    return tf.clip_by_value(images, 0, 255)


def _cut_out(images: Any, draw: _Draw, largest: float) -> Any:
    def outside(pixels: Any, side: Any) -> Any:
        """Whether a row or column lies outside the square, (b, pixels)."""
        centre = draw.uniform(0, 1)[:, None]
        at = (tf.range(pixels, dtype=tf.float32) + 0.5) / tf.cast(pixels, tf.float32)
        return tf.abs(at[None] - centre) > side[:, None] / 2

    side = draw.uniform(0, largest)
    shape = tf.shape(images)
    rows, columns = outside(shape[1], side), outside(shape[2], side)
    keep = tf.logical_or(rows[:, :, None], columns[:, None, :])
    return tf.where(keep[..., None], images, _GREY)


def _mix(images: Any, targets: Any, draw: _Draw, alpha: float) -> tuple[Any, Any]:
    """Blend every picture with another of the batch, and its target likewise."""
    one, other = draw.gamma(alpha), draw.gamma(alpha)
    share = one / tf.maximum(one + other, 1e-12)
    share = tf.maximum(share, 1 - share)
    of_images, of_targets = share[:, None, None, None], share[:, None]
    return (
        images * of_images + images[::-1] * (1 - of_images),
        targets * of_targets + targets[::-1] * (1 - of_targets),
    )
