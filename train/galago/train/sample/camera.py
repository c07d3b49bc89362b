"""The camera: what lens, exposure and sensor make of the light.

- Exposure follows the light only part of the way, so dusk stays dark and noon stays bright.
- The less light, the more gain, and the more noise.

Convention: (240, 320, 3) float32 RGB light in, the same shape as uint8 0-255 out.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from galago.bundle.preprocess import Pixels
from galago.train.sample.paint import HEIGHT, WIDTH, Floats, floats, oval, paint, tinted, tripled

_TARGET = 0.36  # mean brightness that the exposure aims for
_METERED = (slice(80, 164, 3), slice(84, 236, 3))  # rows and columns
_FOLLOWS = 0.85  # how far exposure makes up for the light, 0-1
_GAIN = (0.55, 3.4)
_READ_NOISE, _GAIN_NOISE = 0.010, 0.020  # at gain 0, and for each unit of gain above 1
_VIGNETTE = 0.20  # darkening of the corners
_FLICKER = 0.012  # of the exposure, from frame to frame
_DIRTY_DAYS = 0.15
_KNEE = 0.78  # where highlights begin to bend instead of clipping


def _vignette() -> Floats:
    y = np.linspace(-1, 1, HEIGHT)[:, None]
    x = np.linspace(-1, 1, WIDTH)[None, :]
    dark = np.asarray(1 - _VIGNETTE * (x**2 + y**2) ** 1.5 / 2.8, np.float32)
    return tripled(dark)


_VIGNETTING = _vignette()


@dataclass(frozen=True, slots=True)
class Camera:
    """One day's state of the camera.

    `transmission` (240, 320, 3) float32 holds vignette, dirt and white balance; `bias` multiplies
    the exposure.
    """

    bias: float = 1.0
    defocus_px: float = 0.45
    shake_px: float = 0.4
    transmission: Floats = field(default_factory=lambda: _VIGNETTING)

    def expose(self, light: Floats, noise: Floats, rng: np.random.Generator) -> Pixels:
        """Take one picture; `noise` is a field of standard deviation 1, larger than the frame."""
        image = self._focused(light, rng)
        gain = self.bias * _gain(image) * (1 + _FLICKER * rng.standard_normal())
        image *= self.transmission * np.float32(gain)
        sigma = _READ_NOISE + _GAIN_NOISE * max(0.0, gain - 1)
        image += _crop(noise, rng) * (image + np.float32(0.6)) * np.float32(sigma)
        return _toned(image)

    def _focused(self, light: Floats, rng: np.random.Generator) -> Floats:
        shift_x, shift_y = self.shake_px * rng.standard_normal(2)
        shift = np.array([(1.0, 0.0, shift_x), (0.0, 1.0, shift_y)])
        moved = cv2.warpAffine(light, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        return floats(cv2.GaussianBlur(moved, (0, 0), self.defocus_px))


def clean_camera() -> Camera:
    """The camera on its best day."""
    return Camera()


def random_camera(rng: np.random.Generator) -> Camera:
    """The camera on one day: in and out of focus, clean or dirty, a little warm or cold."""
    warmth = float(rng.normal(0, 0.035))
    balance = np.array((1 + warmth, 1 - abs(warmth) / 3, 1 - warmth), np.float32)
    dirt = _dirt(rng) if rng.uniform() < _DIRTY_DAYS else np.float32(1)
    return Camera(
        bias=float(np.exp(rng.normal(0, 0.13))),
        defocus_px=float(0.35 + rng.gamma(1.2, 0.28)),
        shake_px=float(rng.uniform(0.1, 0.9)),
        transmission=tinted(_VIGNETTING, balance) * dirt,
    )


def _gain(image: Floats) -> float:
    """Exposure, measured at the feeder: snow around it must not darken who sits inside."""
    brightness = max(1e-3, float(image[_METERED].mean()))
    return float(np.clip((_TARGET / brightness) ** _FOLLOWS, *_GAIN))


def _toned(image: Floats) -> Pixels:
    """Bend highlights softly towards white and quantize."""
    above = image - np.float32(_KNEE)
    np.maximum(above, 0, out=above)
    image -= above * above / (above + np.float32(1 - _KNEE))
    # Rounds, and clips at 0; the curve itself never reaches 255.
    return np.asarray(cv2.convertScaleAbs(np.maximum(image, 0), alpha=255.0), np.uint8)


def _crop(noise: Floats, rng: np.random.Generator) -> Floats:
    top = rng.integers(noise.shape[0] - HEIGHT + 1)
    left = rng.integers(noise.shape[1] - WIDTH + 1)
    return noise[top : top + HEIGHT, left : left + WIDTH]


def _dirt(rng: np.random.Generator) -> Floats:
    """Drops and dust on the glass, far out of focus."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for _ in range(rng.integers(1, 5)):
        x, y, size = rng.uniform((0, 0, 5), (WIDTH, HEIGHT, 26))
        paint(mask, oval(x, y, size, size * rng.uniform(0.7, 1.2)), int(rng.integers(50, 130)))
    soft = floats(cv2.GaussianBlur(mask, (0, 0), 5)) / 255
    return tripled(floats(1 - soft))
