"""Which pictures the page shows, and how they get into it.

Convention: pictures (h, w, 3) uint8 RGB as the network sees them; indices into a split's pictures.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from galago.bundle.classifier import Scores
from galago.bundle.confidence import UNKNOWN, answers, as_limits
from galago.bundle.preprocess import Pixels, as_pixels
from galago.train.assess import Assessment
from galago.train.data.images import Images

_SIDE = 128  # pixels of a picture's longer side; the page shows it about that large
_QUALITY = 78
_SHEET = 96  # pictures of the contact sheet, over all classes; at least one of each
_WORST, _UNSURE = 18, 12


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small JPEG as a data: address; width and height in its own pixels."""

    uri: str
    width: int
    height: int
    path: Path


@dataclass(frozen=True, slots=True)
class Answered:
    """A test picture and the network's two best answers to it.

    `scores` softened, 0–1; `withheld`: below the class's threshold, so the answer is `unknown`.
    """

    picture: Thumbnail
    truth: str
    best: str
    second: str
    scores: tuple[float, float]
    withheld: bool

    @property
    def right(self) -> bool:
        """Whether the best answer is the truth."""
        return self.best == self.truth


def contact_sheet(pictures: Images, labels: tuple[str, ...]) -> list[tuple[str, list[Thumbnail]]]:
    """A few pictures of each class, evenly spread over its files."""
    each = min(12, _SHEET // len(labels))
    each = max(1, each - each % 2)  # they stand in two columns where there are many classes
    sheet = []
    for index, label in enumerate(labels):
        of_class = np.flatnonzero(pictures.labels == index)
        spread = np.linspace(0, len(of_class) - 1, min(each, len(of_class))).round().astype(int)
        sheet.append((label, thumbnails(pictures, of_class[spread])))
    return sheet


def worst_mistakes(test: Images, scores: Scores, assessment: Assessment) -> list[Answered]:
    """Wrong answers, the surest first."""
    wrong = np.flatnonzero(scores.argmax(axis=1) != test.labels)
    surest = wrong[np.argsort(-scores[wrong].max(axis=1), kind="stable")]
    return _answered(test, scores, assessment, surest[:_WORST])


def least_certain(test: Images, scores: Scores, assessment: Assessment) -> list[Answered]:
    """Pictures whose best score is lowest."""
    unsure = np.argsort(scores.max(axis=1), kind="stable")
    return _answered(test, scores, assessment, unsure[:_UNSURE])


def thumbnails(pictures: Images, indices: NDArray[np.int64]) -> list[Thumbnail]:
    """Some pictures of a split, small."""
    if not len(indices):
        return []
    return [
        _thumbnail(pixels, pictures.paths[index])
        for pixels, index in zip(pictures[indices], indices, strict=True)
    ]


def _answered(
    test: Images, scores: Scores, assessment: Assessment, indices: NDArray[np.int64]
) -> list[Answered]:
    labels = assessment.metrics.labels
    given = answers(scores, as_limits(assessment.thresholds))
    shown = []
    for picture, index in zip(thumbnails(test, indices), indices, strict=True):
        best, second = np.argsort(-scores[index], kind="stable")[:2]
        shown.append(
            Answered(
                picture,
                truth=labels[test.labels[index]],
                best=labels[best],
                second=labels[second],
                scores=(float(scores[index, best]), float(scores[index, second])),
                withheld=bool(given[index] == UNKNOWN),
            )
        )
    return shown


def _thumbnail(pixels: Pixels, path: Path) -> Thumbnail:
    height, width = pixels.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = as_pixels(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    text = base64.b64encode(encoded.tobytes()).decode("ascii")
    return Thumbnail(f"data:image/jpeg;base64,{text}", *size, path)
