"""The same network with an input of another size, for programs that insist on one.

The picture is made smaller inside the graph, by halves, so that nothing aliases, in operations that
are accelerated. What that costs is measured like everything else: against the network at its own
size, prepared by Galago.

    shown = at_size(origin, (224, 224))
"""

from dataclasses import replace
from typing import Any

from galago.convert.origin import Origin
from galago.train.tensorflow import keras


def at_size(origin: Origin, size: tuple[int, int]) -> Origin:
    """An origin whose model takes (n, *size, 3) float32 of 0–255.

    Convention: `size` is height and width in pixels.
    """
    spec = origin.preprocess
    image = keras.Input((*size, 3))
    scores = origin.model(_resize(image, size, (spec.height, spec.width)))
    return replace(
        origin,
        model=keras.Model(image, scores),
        preprocess=replace(spec, height=size[0], width=size[1]),
        provenance={**origin.provenance, "network_input": [spec.height, spec.width]},
    )


def _resize(image: Any, size: tuple[int, int], wanted: tuple[int, int]) -> Any:
    height, width = size
    while (height, width) != wanted:
        # Not below the half at once: bilinear interpolation sees two pixels a side and no more.
        height, width = max(wanted[0], -(-height // 2)), max(wanted[1], -(-width // 2))
        image = keras.layers.Resizing(height, width)(image)
    return image
