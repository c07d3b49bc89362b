"""The networks, by name. Each normalises inside its graph: it takes pixel values 0–255."""

from typing import Any

from galago.errors import UsageError
from galago.train.tensorflow import keras

MODELS = ("cnn",)


def build(name: str, height: int, width: int, classes: int) -> Any:
    """An untrained, compiled Keras model.

    Input shape: (batch, height, width, 3) float32, RGB, 0–255.
    Output shape: (batch, 1), the probability of the second class, for two classes; otherwise
    (batch, classes), softmax.

    Raises:
        UsageError: no model has that name, or the picture is too small for it.
    """
    if name not in MODELS:
        raise UsageError(f"no model is called {name!r}: expected one of {', '.join(MODELS)}")
    if min(height, width) < 10:  # two 3 × 3 convolutions and two poolings leave nothing below
        raise UsageError(f"{name} needs at least 10 × 10 pixels, received {height} × {width}")
    model = _cnn(height, width, classes)
    loss = "binary_crossentropy" if classes == 2 else "categorical_crossentropy"
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return model


def _cnn(height: int, width: int, classes: int) -> Any:
    """The network of the classic beginners' tutorial."""
    layers = keras.layers
    head = (
        layers.Dense(1, activation="sigmoid")
        if classes == 2
        else layers.Dense(classes, activation="softmax")
    )
    return keras.Sequential(
        [
            keras.Input((height, width, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            head,
        ],
        name="cnn",
    )
