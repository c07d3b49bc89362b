"""Which test pictures the page shows: those of which the converted model says something else.

Convention: scores (n, classes) float32 of the same n pictures, in their order.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from galago.bundle.classifier import Scores
from galago.convert.gate import most_changed, turned
from galago.train.data.images import Images
from galago.train.report.pictures import Thumbnail, thumbnails

SHOWN = 24
_SHOWN_UNCHANGED = 6  # where no answer has changed: enough to see how little moved

Effect = Literal["worse", "better", "neither", "none"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's best class for a picture, and that class's score, 0–1."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Changed:
    """A test picture and both models' answers to it.

    `effect`: what the change did; "neither" where both answers are wrong, "none" where they are the
    same.
    """

    picture: Thumbnail
    truth: str
    before: Answer
    after: Answer

    @property
    def effect(self) -> Effect:
        """Whether the picture got worse, better, or neither."""
        if self.before.label == self.after.label:
            return "none"
        if self.before.label == self.truth:
            return "worse"
        return "better" if self.after.label == self.truth else "neither"


def changed_pictures(
    test: Images, original: Scores, converted: Scores, labels: tuple[str, ...]
) -> list[Changed]:
    """Up to SHOWN pictures with another answer, most changed first.

    Where there are none, the few whose scores have moved most.
    """
    count = int(turned(original, converted).sum())
    indices = most_changed(original, converted)[: min(count, SHOWN) or _SHOWN_UNCHANGED]
    return [
        Changed(
            picture,
            truth=labels[test.labels[index]],
            before=_answer(original, index, labels),
            after=_answer(converted, index, labels),
        )
        for picture, index in zip(thumbnails(test, indices), indices, strict=True)
    ]


def _answer(scores: Scores, index: np.intp, labels: tuple[str, ...]) -> Answer:
    best = int(scores[index].argmax())
    return Answer(labels[best], float(scores[index, best]))
