"""Scores of many prepared pictures at once, from a Keras model or a TFLite classifier.

Convention: pixels (n, h, w, 3) uint8 → scores (n, classes) float32, rows of sum 1.
"""

from typing import Any

import numpy as np

from galago.bundle.classifier import Classifier, Scores
from galago.bundle.preprocess import Pixels


def predict_keras(model: Any, pixels: Pixels) -> Scores:
    """Scores of a Keras model whose output is (batch, classes) or one sigmoid unit."""
    outputs: Scores = model.predict(pixels, batch_size=256, verbose=0)
    if outputs.shape[1] == 1:
        return np.hstack([1 - outputs, outputs])
    return outputs


def predict_tflite(classifier: Classifier, pixels: Pixels) -> Scores:
    """Scores as the device computes them, picture by picture."""
    return np.stack([classifier.classify(image) for image in pixels])
