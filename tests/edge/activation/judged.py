"""A probation that is shown pictures and scores by hand."""

import threading

import numpy as np
from numpy.typing import NDArray

from galago.bundle.preprocess import Pixels
from galago.edge.activation.models import Models
from galago.edge.activation.probation import Probation
from galago.edge.camera.base import Frame
from galago.edge.config.schema import ModelSection
from galago.edge.decision import Decision
from galago.edge.loop import Seen
from galago.edge.regions import WHOLE


class Judged:
    """The active model of a folder, opened."""

    def __init__(self, models: Models) -> None:
        self._asked = threading.Event()
        self._probation = Probation(self._asked.set, models)
        self._probation.open(ModelSection())

    def judge(self, scores: NDArray[np.float32], pixels: Pixels) -> None:
        """One picture, (H, W, 3) uint8, and what the model said of it, (classes,)."""
        decision = Decision(scores, 0, 0, 0)
        self._probation.judge(Seen(Frame(pixels, 0, 0), WHOLE, scores, decision, None))

    def until_asked(self) -> None:
        """Until the probation wants the model opened anew."""
        assert self._asked.wait(20)

    def close(self) -> None:
        """A good end."""
        self._probation.__exit__(None)
