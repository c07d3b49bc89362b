"""A classifier from elsewhere, and the pictures it is tried on: what is found, before any change.

- What the file itself says (size, types, scales, how it ends) is read from it; what it cannot say
  is the owner's claim; a claim that contradicts the file is refused at once.
- Labels are taken in the order of the file; numbers before them are left out.

    guest = Guest.open(Path("model.tflite"), Path("labels.txt"), Claims())
    pictures = Pictures.find(Path("photos"), guest)
"""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from galago.bundle.classifier import Scores
from galago.bundle.image import is_image, read_image
from galago.bundle.interpreter import Interpreter, dequantize
from galago.bundle.manifest import Head
from galago.bundle.model_file import ModelFile, read_limited
from galago.bundle.preprocess import Pixels, PreprocessSpec, as_pixels, preprocess
from galago.bundle.verify import try_out
from galago.convert.assemble import GOLDEN_FRAMES, as_camera
from galago.convert.assumptions import Claim, Truth, check_range
from galago.convert.flatbuffer import Model, pack, unpack
from galago.convert.graph import (
    Border,
    Channels,
    Ending,
    ending_of,
    finish,
    input_of,
    natural_range,
    output_of,
)
from galago.errors import DataError, ModelFileError, UsageError
from galago.progress import say, track
from galago.train.data.images import in_turn
from galago.train.data.source import Entry, find

MOST_PICTURES = 300  # enough to see a few points of difference


@dataclass(frozen=True, slots=True)
class Claims:
    """What the owner says of the model.

    `mean` and `std`: the model was made for (pixel − mean) / std, one value or one per channel in
    the order of `colour`; None: for its quantized input's own range. `ending`: what its outputs
    are; None: what its last operation says, and its answers to noise.
    """

    mean: Channels | None = None
    std: Channels | None = None
    colour: Literal["rgb", "bgr"] = "rgb"
    crop: Literal["none", "centre"] = "none"
    ending: Ending | None = None


def channels(text: str, option: str) -> Channels:
    """One value or three, "127.5" or "103.9,116.8,123.7"; `option` names them in the error.

    Raises:
        UsageError: they are not.
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) not in {1, 3} or not np.isfinite(values).all():
        raise UsageError(f"{option} {text}: expected one number, or three with commas between them")
    if option == "--std" and min(values) <= 0:
        raise UsageError(f"--std {text}: expected numbers above 0, values are divided by them")
    return values


@dataclass(frozen=True, slots=True, eq=False)
class Guest:
    """A model as it came, with its claims made complete.

    `reading` is what is held against pictures. `interpreter` runs the graph with its own input and
    with scores at its end.
    """

    path: Path
    content: bytes
    claims: Claims
    reading: Claim
    ending: Ending
    input: Border
    output: Border
    interpreter: Interpreter

    @classmethod
    def open(cls, path: Path, labels: Path, claims: Claims) -> "Guest":
        """Read a .tflite and its labels.

        Raises:
            UsageError: labels or claims do not fit the model, or it is one of Galago's own.
            ModelFileError: damaged, or no image classifier.
            GateError: a quantized input cannot hold what is claimed.
        """
        content = read_limited(path)
        _check_foreign(path, content)
        try:
            model = unpack(content)
            input_, output = input_of(model), output_of(model)
            ending = claims.ending or _ending(model)
            names = read_labels(labels)
            _check_count(labels, names, output)
            reading = Claim(names, claims.colour, *_normalisation(path, input_, claims))
            if input_.real_range:
                check_range(reading, *input_.real_range)
            finish(model, ending)
            interpreter = _load(model)
        except ModelFileError as error:
            raise ModelFileError(f"{path}: {error}") from error
        return cls(path, content, claims, reading, ending, input_, output, interpreter)

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the scores."""
        return self.reading.labels

    @property
    def spec(self) -> PreprocessSpec:
        """How pictures are prepared: RGB always, a BGR model turns them itself."""
        return PreprocessSpec(*self.interpreter.size, crop=self.claims.crop)

    @property
    def head(self) -> Head:
        """What the outputs are once they are scores."""
        if int(np.prod(self.output.shape)) == 1:
            return "sigmoid"
        return "independent" if self.ending == "sigmoid" else "softmax"

    @property
    def sha256(self) -> str:
        """Digest of the file as it came."""
        return hashlib.sha256(self.content).hexdigest()

    def unpack(self) -> Model:
        """Its graph, anew, to be changed."""
        return unpack(self.content)

    def predict(self, values: NDArray[np.float32]) -> Scores:
        """Scores of the model as it came, (n, classes), for `values` as it was made for them.

        Convention: (n, h, w, 3) float32 in its own colour order and range.
        """
        return np.stack([self._predict(value) for value in values])

    def _predict(self, value: NDArray[np.float32]) -> Scores:
        # A float input takes floats.
        image = as_pixels(self.input.pixels(value) if self.input.scale else value)
        scores = _answer(self.interpreter, image)
        return np.array([1 - scores[0], scores[0]]) if self.head == "sigmoid" else scores


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Pictures as the model sees them, and the first of them as a camera would.

    Convention: `images` (n, h, w, 3) uint8 RGB; `truth` (n,) indices of the model's labels, None
    where nobody says what they show; `frames` (H, W, 3) uint8 RGB, classes taking turns.
    """

    images: Pixels
    truth: Truth | None
    frames: tuple[Pixels, ...]

    @classmethod
    def find(cls, data: Path, guest: Guest) -> "Pictures":
        """Choose, read and prepare pictures: of a dataset, or of one folder without labels.

        Of a dataset with a test split, that is used; a network has not learnt from it.

        Raises:
            DataError: there are none, or they show what the model does not know.
        """
        entries = _choose(data, guest.labels)
        images: list[Pixels] = []
        truth: list[int] = []
        frames: list[Pixels] = []
        for entry in track(entries, "Reading pictures"):
            try:
                picture = read_image(entry.path)
            except DataError as error:
                say(f"left out: {error}")
                continue
            images.append(preprocess(picture, guest.spec))
            truth.append(guest.labels.index(entry.label) if entry.label else -1)
            if len(frames) < GOLDEN_FRAMES:
                frames.append(as_camera(picture, guest.spec))
        if not images:
            raise DataError(f"{data}: none of its {len(entries)} pictures can be read")
        known = np.array(truth, np.int64) if min(truth) >= 0 else None
        return cls(np.stack(images), known, tuple(frames))

    def __len__(self) -> int:
        return len(self.images)


def read_labels(path: Path) -> tuple[str, ...]:
    """The labels of a text file, one a line.

    Lines that count themselves ("0 cat", "1 dog", as Coral and Teachable Machine write) lose their
    numbers; of a label that comes again the second is called "crane (2)", as ImageNet's bird and
    machine need it.

    Raises:
        UsageError: it is not text.
        OSError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text: expected one label a line, in UTF-8") from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    counted = [re.fullmatch(r"(\d+)[\s:,]+(\S.*)", line) for line in lines]
    if all(match and int(match[1]) == number for number, match in enumerate(counted)):
        lines = [match[2] for match in counted if match]
    seen: Counter[str] = Counter()
    labels = []
    for line in lines:
        seen[line] += 1
        labels.append(line if seen[line] == 1 else f"{line} ({seen[line]})")
    return tuple(labels)


def sum_tolerance(interpreter: Interpreter) -> float:
    """By how much a row of softmax scores may miss 1: quantized ones are rounded one by one."""
    return 0.05 + interpreter.output.shape[1] * interpreter.output.scale / 2


def _check_foreign(path: Path, content: bytes) -> None:
    try:
        ModelFile.parse(content)
    except ModelFileError:
        return
    raise UsageError(f"{path} is one of Galago's own model files: there is nothing to adopt")


def _ending(model: Model) -> Ending:
    """How the graph ends; a softmax may also be spelt out in exponentials and a division."""
    ending = ending_of(model)
    if ending != "logits" or int(np.prod(output_of(model).shape)) == 1:
        return ending
    copied = unpack(pack(model))
    finish(copied, "softmax")
    interpreter = _load(copied)
    noise = np.random.default_rng(0).integers(0, 256, (4, *interpreter.size, 3), np.uint8)
    outputs = np.stack([_answer(interpreter, image) for image in noise])
    sums_to_1 = np.abs(outputs.sum(axis=1) - 1).max() < sum_tolerance(interpreter)
    return "softmax" if outputs.min() >= 0 and sums_to_1 else "logits"


def _load(model: Model) -> Interpreter:
    """Load a stranger's graph here, once it has run in a child process: it might crash."""
    flatbuffer = pack(model)
    try_out(flatbuffer)
    return Interpreter(flatbuffer)


def _answer(interpreter: Interpreter, image: Pixels) -> NDArray[np.float32]:
    interpreter.write(image)
    return dequantize(interpreter.invoke(), interpreter.output)


def _check_count(path: Path, labels: tuple[str, ...], output: Border) -> None:
    outputs = int(np.prod(output.shape))
    expected = 2 if outputs == 1 else outputs
    if len(labels) == expected:
        return
    reason = "one output tells two apart" if outputs == 1 else "every output needs one"
    raise UsageError(
        f"wrong label count: {path} names {len(labels)}, the model has {outputs} "
        f"output{'s' * (outputs != 1)}: {reason}; expected {expected} lines, in the outputs' order"
    )


def _normalisation(path: Path, input_: Border, claims: Claims) -> tuple[Channels, Channels]:
    if claims.mean is not None and claims.std is not None:
        return claims.mean, claims.std
    if claims.mean is not None or claims.std is not None:
        raise UsageError("--mean and --std belong together: values are (pixel − mean) / std")
    if natural := natural_range(input_):
        return natural
    raise UsageError(
        f"{path} takes float32, of which range it does not say: expected --mean and --std, such as "
        "127.5 and 127.5 for −1…1, 0 and 255 for 0…1, 0 and 1 for 0…255"
    )


def _choose(data: Path, labels: tuple[str, ...]) -> list[Entry]:
    """Pictures to look at, classes taking turns; label "" where there are none."""
    if data.is_dir() and _is_flat(data):
        paths = sorted(path for path in data.iterdir() if is_image(path))
        return [Entry(path, "") for path in paths[:MOST_PICTURES]]
    listing = find(data)
    if unknown := [label for label in listing.labels if label not in labels]:
        raise DataError(
            f"{data} shows {', '.join(unknown)}, which the labels do not name: expected folders "
            f"called like lines of the label file ({', '.join(labels[:3])} …)"
        )
    entries = [entry for entry in listing.entries if entry.split == "test"] or listing.entries
    shown = np.array([listing.labels.index(entry.label) for entry in entries])
    return [entries[row] for row in in_turn(shown, seed=0)[:MOST_PICTURES]]


def _is_flat(folder: Path) -> bool:
    """Pictures side by side, without folders of classes or a manifest."""
    inside = list(folder.iterdir())
    return any(map(is_image, inside)) and not any(path.suffix == ".csv" for path in inside)
