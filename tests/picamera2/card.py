"""A colour card, as a picture for a camera to look at and as the judge of what it gives."""

import cv2
import numpy as np

from galago.bundle.preprocess import Pixels, as_pixels

COLOURS = np.array(
    [
        [(200, 40, 40), (40, 180, 60), (50, 60, 210), (220, 200, 50)],
        [(60, 190, 200), (190, 60, 180), (235, 235, 235), (128, 128, 128)],
        [(20, 20, 20), (150, 100, 70), (90, 120, 160), (250, 150, 40)],
    ],
    np.uint8,
)
"""(3, 4, 3) uint8 RGB: the patches, row by row."""

_ROWS, _COLUMNS = COLOURS.shape[:2]


def draw_card() -> Pixels:
    """(480, 640, 3) uint8 RGB."""
    return as_pixels(COLOURS.repeat(480 // _ROWS, axis=0).repeat(640 // _COLUMNS, axis=1))


def planes(pixels: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    """Take (H, W, 3) RGB apart as a Pi's processor does: luma (H, W), blue, red (H/2, W/2)."""
    height, width = pixels.shape[:2]
    yuv = as_pixels(cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420))  # BT.601, limited range
    blue, red = yuv[height:].reshape(2, height // 2, width // 2)
    return yuv[:height], blue, red


def card_error(pixels: Pixels) -> float:
    """How far, of 255, the worst channel of the worst patch is from its colour, less the edges."""
    height, width = pixels.shape[0] // _ROWS, pixels.shape[1] // _COLUMNS
    patches = pixels.reshape(_ROWS, height, _COLUMNS, width, 3)
    inner = patches[:, height // 8 : -height // 8, :, width // 8 : -width // 8]
    return float(np.abs(inner.mean(axis=(1, 3)) - COLOURS).max())
