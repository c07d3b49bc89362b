"""Keras networks of people who trained elsewhere: .keras, .h5, or a SavedModel folder.

- What they expect of pixels goes inside the graph, so that the file takes pixels like any other.
- Labels, colours and normalisation are held against the pictures before anything is built on them.

    origin = from_keras(Path("porch.h5"), Path("images"), Claims(mean=(127.5,), std=(127.5,)))
"""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np

from galago.bundle.preprocess import PreprocessSpec
from galago.convert.assumptions import Claim, check_reading
from galago.convert.guest import Claims
from galago.convert.origin import Origin, from_run, one_column_per_label
from galago.errors import UsageError
from galago.noise import hushed
from galago.progress import say
from galago.train.assess import PRECISION
from galago.train.data.dataset import MAX_UNREADABLE, Dataset
from galago.train.data.images import Images
from galago.train.data.source import find
from galago.train.provenance import versions
from galago.train.run_folder import RUN, load_keras
from galago.train.tensorflow import keras, tf

_PICTURES = 500  # enough to tell a wrong reading from chance
_SUM_TOLERANCE = 1e-3
_FEW = 64


Ending = Literal["scores", "logits"]


def open_origin(source: Path, data: Path | None, claims: Claims) -> Origin:
    """A run, or the network of someone who trained elsewhere.

    Raises:
        UsageError: it is neither; it lacks pictures; or a run, which knows all, meets claims.
    """
    if not _is_elsewhere(source):
        if claims != Claims():
            raise UsageError(
                f"{source} is a run, which knows how pictures are prepared: leave out --mean, "
                "--std, --colour, --crop and --head"
            )
        return from_run(source, data)
    if data is None:
        raise UsageError(
            f"{source} does not tell which pictures it can be judged on: name them with --data"
        )
    return from_keras(source, data, claims)


def from_keras(path: Path, data: Path, claims: Claims | None = None) -> Origin:
    """The origin of a network that Galago has not trained.

    The pictures are split as for a training with seed 0; those that judge the conversion may have
    been learnt from, which makes accuracies too good and leaves the comparison fair.

    Raises:
        UsageError: it cannot be loaded, or its input or output are not a classifier's.
        DataError: the pictures cannot serve.
        GateError: another reading fits the pictures clearly better.
    """
    claims = claims or Claims()
    say("Loading the network")
    model = load_saved_model(path) if path.is_dir() else load_keras(path)
    spec = _spec(model, path, claims)
    listing = find(data)
    _check_outputs(model, path, listing.labels)
    dataset = Dataset.open(listing, spec)
    reading = Claim(listing.labels, claims.colour, claims.mean or (0.0,), claims.std or (1.0,))
    say("Checking labels, colours and normalisation against the pictures")
    pictures = _some(dataset.splits["test"])
    ending = _ending(model, reading, claims, pictures)
    check_reading(_predict(model, ending), pictures.pixels, pictures.labels, reading)
    return Origin(
        name=path.stem,
        model=one_column_per_label(_seeing_pixels(model, spec, reading, ending)),
        labels=listing.labels,
        preprocess=spec,
        data=data,
        seed=0,
        grouped=True,
        max_unreadable=MAX_UNREADABLE,
        precision=PRECISION,
        fingerprint=None,
        provenance={
            "source": path.name,
            "source_sha256": _digest(path),
            "claims": {**asdict(reading), "crop": claims.crop, "ending": ending},
            "seed": 0,
            "grouped": True,
            "splits_made": list(dataset.made),
            "data_fingerprint": dataset.fingerprint,
            "counts": {split: dataset.count(split) for split in dataset.splits},
            "versions": versions(),
        },
    )


def load_saved_model(path: Path) -> Any:
    """A SavedModel with one picture in and one tensor out, as a Keras model.

    Raises:
        UsageError: it is none.
    """
    try:
        with hushed():
            signature = tf.saved_model.load(str(path)).signatures["serving_default"]
            (image,) = signature.structured_input_signature[1].values()
            layer = keras.layers.TFSMLayer(str(path), call_endpoint="serving_default")
            entrance = keras.Input(image.shape[1:])
            (output,) = layer(entrance).values()
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(
            f"{path} cannot be loaded as a SavedModel with one picture in and one tensor out: "
            f"{reason}"
        ) from error
    return keras.Model(entrance, output)


def _is_elsewhere(source: Path) -> bool:
    """A Keras file, unless it lies in the folder of a run; or the folder of a SavedModel."""
    if source.is_dir():
        return (source / "saved_model.pb").is_file()
    return source.suffix in {".keras", ".h5", ".hdf5"} and not (source.parent / RUN).exists()


def _spec(model: Any, path: Path, claims: Claims) -> PreprocessSpec:
    shape = model.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] != 3 or None in shape[1:]:
        raise UsageError(
            f"{path} takes {shape}, expected (batch, height, width, 3) of a fixed size: build it "
            "with such an input and load its weights"
        )
    return PreprocessSpec(height=shape[1], width=shape[2], crop=claims.crop)


def _check_outputs(model: Any, path: Path, labels: tuple[str, ...]) -> None:
    """One output per label, or a single one for two."""
    shape = model.output_shape
    outputs = shape[-1] if isinstance(shape, tuple) and len(shape) == 2 else 0
    if outputs != len(labels) and (outputs, len(labels)) != (1, 2):
        raise UsageError(
            f"{path} gives {shape}, the pictures have {len(labels)} labels ({', '.join(labels)}): "
            "expected (batch, labels), in alphabetical order of the labels; or (batch, 1) for two"
        )


def _some(images: Images) -> Images:
    """At most _PICTURES of them, evenly spread."""
    rows = np.unique(np.linspace(0, len(images) - 1, _PICTURES).round().astype(np.int64))
    return images.take(rows)


def _ending(model: Any, reading: Claim, claims: Claims, pictures: Images) -> Ending:
    """Whether the network's outputs are scores already; probabilities show in their values.

    Raises:
        UsageError: they are probabilities that do not exclude each other.
    """
    if claims.ending is not None:
        return "logits" if claims.ending == "logits" else "scores"
    found = model.predict_on_batch(reading.values(pictures[:_FEW]))
    if found.min() < 0 or found.max() > 1:
        return "logits"
    if found.shape[1] > 1 and np.abs(found.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
        raise UsageError(
            "the network's outputs lie in 0–1 and do not add up to 1, as if a picture could have "
            "several labels: expected softmax, logits, or a single sigmoid"
        )
    return "scores"


def _predict(model: Any, ending: Ending) -> Any:
    """For `check_reading`: values to one column per label; only the largest matters."""

    def predict(values: Any) -> Any:
        found = model.predict_on_batch(values)
        if found.shape[1] > 1:
            return found
        middle = 0 if ending == "logits" else 0.5
        return np.hstack([2 * middle - found, found])

    return predict


def _seeing_pixels(model: Any, spec: PreprocessSpec, reading: Claim, ending: Ending) -> Any:
    """The network with its normalisation in front and scores behind."""
    image = keras.Input((spec.height, spec.width, 3))
    values = image
    if reading != Claim(reading.labels):
        # One convolution of a single pixel orders the colours and normalises them.
        std, mean = (np.broadcast_to(value, 3) for value in (reading.std, reading.mean))
        order = np.eye(3)[:: 1 if reading.colour == "rgb" else -1]
        entrance = keras.layers.Conv2D(3, 1, name="as_trained")
        values = entrance(image)
        entrance.set_weights([(order / std)[None, None], -mean / std])
    scores = model(values)
    if ending == "logits":
        activation = "softmax" if scores.shape[-1] > 1 else "sigmoid"
        scores = keras.layers.Activation(activation)(scores)
    return keras.Model(image, scores)


def _digest(path: Path) -> str:
    """sha256 of a file, or of a folder's files in the order of their names."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
