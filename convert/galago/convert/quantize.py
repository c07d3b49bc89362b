"""From a Keras model to TFLite flatbuffers, by recipes that are plain data.

- The batch is fixed to one picture: that removes shape arithmetic from the graph and keeps it one
  delegate partition.
- Whatever the recipe, a camera's bytes go in unchanged: an integer model's input has the scale 1
  exactly, and recipes that compute in floats turn bytes into them inside the graph.

    flatbuffer = quantize(model, RECIPES["int8"], calibration)
"""

import contextlib
from dataclasses import dataclass
from io import StringIO
from typing import Any, Literal

from galago.bundle.preprocess import Pixels
from galago.convert.integer import Io, to_integer
from galago.noise import hushed
from galago.train.tensorflow import keras, tf


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to store and compute a network.

    `weights`, `activations`: the type they have in the file and in memory; integer activations need
    calibration pictures. `gain`: for people, in a few words.
    """

    name: str
    weights: Literal["int8", "float16", "float32"]
    activations: Literal["int8", "float32"]
    gain: str

    @property
    def is_calibrated(self) -> bool:
        """Whether ranges of activations are taken from pictures."""
        return self.activations == "int8"


# Smallest and fastest first: the order in which a harder try goes through them.
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("int8", "int8", "int8", "everything integer: smallest and fastest"),
        Recipe("dynamic", "int8", "float32", "small, computed in floats where it matters"),
        Recipe("float16", "float16", "float32", "half the size, as exact as one can see"),
        Recipe("float32", "float32", "float32", "nothing lost, nothing gained"),
    )
}


def later_recipes(recipe: Recipe) -> tuple[Recipe, ...]:
    """What a harder try goes on with after `recipe`."""
    names = list(RECIPES)
    return tuple(RECIPES[name] for name in names[names.index(recipe.name) + 1 :])


def to_float(model: Any) -> bytes:
    """The flatbuffer as TensorFlow's converter leaves it, float32 in and out, batch 1.

    It is what integers are made from, and the measure for size and speed of every other form.

    Convention: `model` takes (n, h, w, 3) float32 of 0–255.
    """
    return _convert(_converter(model, "float32"))


def quantize(
    model: Any,
    recipe: Recipe,
    calibration: Pixels | None = None,
    io: Io = "uint8",
    *,
    original: bytes | None = None,
) -> bytes:
    """A flatbuffer of `model` by a recipe, with batch 1 and pixels 0–255 as its input.

    Convention: `model` as in `to_float`; `calibration` (n, h, w, 3) uint8, prepared pictures that
    the camera may see, for recipes with integer activations. `io` is the type of input and output
    of these; the others take uint8 and give float32. `original` is what `to_float` made of the
    model, where that is there already.
    """
    if recipe.is_calibrated:
        if calibration is None:
            raise ValueError(f"the recipe {recipe.name} needs calibration pictures")
        return to_integer(original or to_float(model), calibration, io)
    converter = _converter(model, "uint8")
    if recipe.weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if recipe.weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return _convert(converter)


def _converter(model: Any, dtype: str) -> Any:
    # Names end up in the file: without a fresh count the second conversion would differ.
    keras.utils.clear_session()
    image = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="image", dtype=dtype)
    values = image if dtype == "float32" else keras.ops.cast(image, "float32")
    fixed = keras.Model(image, model(values), name="galago")
    return tf.lite.TFLiteConverter.from_keras_model(fixed)


def _convert(converter: Any) -> bytes:
    # TensorFlow prints its intermediate graph to standard output, where only results belong.
    with hushed(), contextlib.redirect_stdout(StringIO()):
        flatbuffer: bytes = converter.convert()
    return flatbuffer
