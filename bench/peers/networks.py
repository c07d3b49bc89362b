"""The mobilenets as Keras publishes them, which learn something in a few epochs.

As published, their running means follow over hundreds or thousands of steps: after a short training
they answer the same to everything, and nothing could be said of who agrees with whom. Conversion
folds these means into the convolutions, so that the speed is the published network's.
"""

from typing import Any

import keras

MOMENTUM = 0.9  # of the running means; Keras has 0.99 and 0.999


def mobilenet_v1(height: int, width: int, classes: int) -> Any:
    """MobileNet 0.25; MLPerf Tiny's size for 96 × 96, Google's smallest for 128 × 128."""
    body = keras.applications.MobileNet(
        input_shape=(height, width, 3), alpha=0.25, include_top=False, pooling="avg", weights=None
    )
    return _classifier(body, classes)


def mobilenet_v2(height: int, width: int, classes: int) -> Any:
    """MobileNetV2 1.0."""
    body = keras.applications.MobileNetV2(
        input_shape=(height, width, 3), alpha=1.0, include_top=False, pooling="avg", weights=None
    )
    return _classifier(body, classes)


def _classifier(body: Any, classes: int) -> Any:
    for layer in body.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = MOMENTUM
    image = keras.Input(body.input_shape[1:])
    features = body(keras.layers.Rescaling(1 / 127.5, offset=-1)(image))
    return keras.Model(image, keras.layers.Dense(classes, "softmax")(features))
