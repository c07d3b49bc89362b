"""Scores of many prepared pictures, from a Keras model or a TFLite classifier.

Convention: (n, h, w, 3) uint8 → scores (n, classes) float32, rows of sum 1.
"""

from typing import Any

import numpy as np

from galago.bundle.classifier import Classifier, Scores
from galago.bundle.preprocess import Pixels
from galago.train.data.images import Images

_BATCH = 256  # as many as are in memory at a time


def predict_keras(model: Any, images: Images | Pixels) -> Scores:
    """Scores of a Keras model whose output is (batch, classes) or one sigmoid unit."""
    starts = range(0, len(images), _BATCH)
    outputs: Scores = np.concatenate(
        [model.predict_on_batch(images[start : start + _BATCH]) for start in starts]
    )
    if outputs.shape[1] == 1:
        return np.hstack([1 - outputs, outputs])
    return outputs


def predict_tflite(classifier: Classifier, images: Images | Pixels) -> Scores:
    """Scores as the device computes them, picture by picture."""
    return np.stack([classifier.classify(images[row]) for row in range(len(images))])
