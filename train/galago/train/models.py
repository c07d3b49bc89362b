"""The networks, by name. Each normalises inside its graph: it takes pixel values 0–255.

- Only architectures whose int8 graph stays one delegate partition: convolutions, ReLU, additions
  and pooling. Hard-swish and squeeze-and-excite would fall back to slow kernels on the camera.
- `width` scales the number of channels of every layer; 1.0 is the published network.

    network = build("mobilenet_v2", (160, 160), classes=3, width=0.35, weights="imagenet")
    network.model.summary()
"""

import importlib
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galago.errors import UsageError
from galago.noise import hushed
from galago.train.tensorflow import keras

_DROPOUT = 0.2  # before the head of the mobilenets, as published


@dataclass(frozen=True, slots=True)
class Network:
    """A model and, where weights can be given to it, the part of it before its head.

    Input shape: (batch, height, width, 3) float32, RGB, 0–255.
    Output shape: (batch, 1), the probability of the second class, for two classes; otherwise
    (batch, classes), softmax.
    """

    model: Any
    backbone: Any = None


@dataclass(frozen=True, slots=True)
class Architecture:
    """What the zoo knows of a network: `backbone(height, width, multiplier)`, all but the head.

    `size` is the usual side of its input, `smallest` the least, in pixels; `widths` those for which
    Keras offers ImageNet weights, from the constructor `application`.
    """

    backbone: Callable[[int, int, float], Any]
    size: int
    smallest: int
    width: float = 1.0
    widths: tuple[float, ...] = ()
    application: Callable[..., Any] | None = None


def build(
    name: str, size: tuple[int, int], classes: int, *, width: float = 1.0, weights: str = "none"
) -> Network:
    """A network, its weights random or given.

    Args:
        name: one of `ZOO`, or `module:function` for a function of (height, width, classes) that
            returns a Keras model with the input and output described at Network.
        size: height and width of the input, in pixels.
        classes: how many.
        width: multiplier of the number of channels.
        weights: "none", "imagenet" (downloaded once by Keras, into its own cache), or the path of a
            .weights.h5 for the backbone.

    Raises:
        UsageError: no such network, a picture too small for it, or weights that do not fit.
        OSError: the weights cannot be downloaded.
    """
    height, width_px = size
    if ":" in name:
        return Network(_own(name, height, width_px, classes))
    check_name(name)
    architecture = ZOO[name]
    if min(height, width_px) < architecture.smallest:
        raise UsageError(
            f"{name} needs at least {architecture.smallest} × {architecture.smallest} pixels, "
            f"received {height} × {width_px}"
        )
    backbone = architecture.backbone(height, width_px, width)
    if weights != "none":
        _load(backbone, name, width, weights)
    image = keras.Input((height, width_px, 3))
    features = backbone(image)
    if architecture.application:
        features = keras.layers.Dropout(_DROPOUT)(features)
    return Network(keras.Model(image, _head(classes)(features), name=name), backbone)


def check_name(name: str) -> None:
    """Raise UsageError unless the name is in the zoo or is a `module:function`."""
    if ":" not in name and name not in ZOO:
        raise UsageError(
            f"no model is called {name!r}: expected one of {', '.join(ZOO)}, or module:function "
            "for a Keras model of your own"
        )


def _head(classes: int) -> Any:
    # float32 also where the rest computes in half precision: the loss needs it.
    if classes == 2:
        return keras.layers.Dense(1, activation="sigmoid", dtype="float32")
    return keras.layers.Dense(classes, activation="softmax", dtype="float32")


def _cnn(height: int, width_px: int, width: float) -> Any:
    """The network of the classic beginners' tutorial, less its last layer."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((height, width_px, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(_channels(32, width), 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(_channels(64, width), 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(_channels(64, width), activation="relu"),
        ],
        name="cnn",
    )


def _resnet8(height: int, width_px: int, width: float) -> Any:
    """ResNet-8 of MLPerf Tiny (Banbury et al., 2021), with pooling to one pixel at any size."""
    layers = keras.layers

    def convolution(inputs: Any, channels: int, kernel: int, stride: int) -> Any:
        return layers.Conv2D(
            channels, kernel, stride, padding="same", kernel_initializer="he_normal"
        )(inputs)

    def normalised(inputs: Any) -> Any:
        return layers.BatchNormalization()(inputs)

    image = keras.Input((height, width_px, 3))
    features = layers.Rescaling(1 / 127.5, offset=-1)(image)
    features = layers.ReLU()(normalised(convolution(features, _channels(16, width), 3, 1)))
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        n = _channels(channels, width)
        residual = layers.ReLU()(normalised(convolution(features, n, 3, stride)))
        residual = normalised(convolution(residual, n, 3, 1))
        shortcut = features if stride == 1 else convolution(features, n, 1, stride)
        features = layers.ReLU()(layers.Add()([shortcut, residual]))
    return keras.Model(image, layers.GlobalAveragePooling2D()(features), name="resnet8")


def _application(construct: Callable[..., Any], **options: Any) -> Callable[[int, int, float], Any]:
    """A backbone of keras.applications behind the normalisation that it was trained with."""

    def backbone(height: int, width_px: int, width: float) -> Any:
        image = keras.Input((height, width_px, 3))
        body = construct(
            input_shape=(height, width_px, 3),
            alpha=width,
            include_top=False,
            pooling="avg",
            weights=None,
            **options,
        )
        scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
        return keras.Model(image, body(scaled), name="backbone")

    return backbone


def _channels(base: int, width: float) -> int:
    """A whole number of channels, a multiple of 8 as the camera's kernels like it."""
    return base if width == 1 else max(8, 8 * round(base * width / 8))


def _load(backbone: Any, name: str, width: float, weights: str) -> None:
    architecture = ZOO[name]
    if architecture.application is None:
        raise UsageError(
            f"{name} has no pretrained weights: expected --weights none, received {weights}"
        )
    body = backbone.layers[-1]
    if weights == "imagenet":
        if width not in architecture.widths:
            raise UsageError(
                f"{name} has ImageNet weights for --width "
                f"{', '.join(map(str, architecture.widths))} only, received {width:g}"
            )
        body.set_weights(_imagenet(architecture, width, body.input_shape[1:3]))
        return
    path = Path(weights)
    if not path.is_file():
        raise UsageError(
            f"--weights {weights} is no file: expected none, imagenet, or a .weights.h5 file"
        )
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers for which the file has nothing.
            warnings.simplefilter("error", UserWarning)
            body.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError, UserWarning) as error:
        reason = " ".join(str(error).split())[:160]
        raise UsageError(
            f"{path} does not hold weights of {name} with --width {width:g}: {reason}"
        ) from error


def _imagenet(architecture: Architecture, width: float, size: tuple[int, int]) -> Any:
    assert architecture.application is not None  # noqa: S101 - _load has looked
    # Keras keeps weights for these sides; any of them fits any size.
    side = size[0] if size[0] == size[1] and size[0] in {128, 160, 192} else 224
    try:
        with hushed():  # Keras prints a bar of its own
            donor = architecture.application(
                input_shape=(side, side, 3),
                alpha=width,
                include_top=False,
                pooling="avg",
                weights="imagenet",
            )
    except Exception as error:
        # Keras wraps every failed download in a bare Exception.
        reason = " ".join(str(error).split())[:160]
        raise OSError(
            f"the ImageNet weights cannot be downloaded ({reason}): connect this machine once, "
            "name a file with --weights PATH, or train from scratch with --weights none"
        ) from error
    return donor.get_weights()


def _own(name: str, height: int, width_px: int, classes: int) -> Any:
    """Call a function of the user's; modules in the current folder count, as for python itself."""
    module, _, function = name.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        make = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"--model {name} cannot be found ({error}): expected module:function with a function "
            "of (height, width, classes)"
        ) from error
    model = make(height, width_px, classes)
    units = 1 if classes == 2 else classes
    wanted = ((None, height, width_px, 3), (None, units))
    received = (getattr(model, "input_shape", None), getattr(model, "output_shape", None))
    if received != wanted:
        raise UsageError(
            f"--model {name} must take {wanted[0]} and give {wanted[1]}, probabilities (one "
            f"sigmoid unit for two classes); received {received[0]} and {received[1]}"
        )
    return model


def _mobilenet_v3(**options: Any) -> Any:
    # `minimalistic` leaves out hard-swish and squeeze-and-excite, which int8 kernels lack.
    return keras.applications.MobileNetV3Small(
        minimalistic=True, include_preprocessing=False, **options
    )


def _of_keras(
    construct: Callable[..., Any], *, width: float, widths: tuple[float, ...]
) -> Architecture:
    return Architecture(
        _application(construct),
        size=224,
        smallest=32,
        width=width,
        widths=widths,
        application=construct,
    )


ZOO = {
    "cnn": Architecture(_cnn, size=64, smallest=10),
    "resnet8": Architecture(_resnet8, size=32, smallest=8),
    "mobilenet_v1": _of_keras(
        keras.applications.MobileNet, width=0.25, widths=(0.25, 0.5, 0.75, 1.0)
    ),
    "mobilenet_v2": _of_keras(
        keras.applications.MobileNetV2, width=0.35, widths=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
    ),
    "mobilenet_v3_minimalistic": _of_keras(_mobilenet_v3, width=1.0, widths=(1.0,)),
}
