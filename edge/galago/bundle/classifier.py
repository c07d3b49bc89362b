"""From a picture to scores.

classifier = Classifier.open(ModelFile.read(path))
scores = classifier(frame)
print(classifier.labels[scores.argmax()])
"""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from galago.bundle.interpreter import Interpreter, Raw, Tensor, dequantize
from galago.bundle.manifest import Head
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import Pixels, PreprocessSpec, Scratch, preprocess
from galago.errors import ModelFileError

Scores: TypeAlias = NDArray[np.float32]


class Classifier:
    """A model ready to look at pictures. Build once, call often; not for two threads at a time.

    `temperature` and `thresholds`, by label and maybe empty, do not touch the scores: they say how
    far those can be believed (galago.bundle.confidence).

    Raises:
        ModelFileError: interpreter, labels and preprocessing do not fit together.
    """

    def __init__(  # noqa: PLR0913 - what a model file says of its model, four times by position
        self,
        interpreter: Interpreter,
        spec: PreprocessSpec,
        labels: tuple[str, ...],
        head: Head,
        *,
        temperature: float = 1.0,
        thresholds: Mapping[str, float | None] | None = None,
    ) -> None:
        _check_fit(interpreter, spec, labels, head)
        self.interpreter, self.spec, self.labels, self.head = interpreter, spec, labels, head
        self.temperature, self.thresholds = temperature, dict(thresholds or {})
        self._image = np.empty((spec.height, spec.width, 3), np.uint8)
        self._scratch = Scratch()
        self._values = _table(interpreter.output)
        self._ones = np.ones(interpreter.output.shape[1], np.float32)

    @classmethod
    def open(cls, model: ModelFile, threads: int = 1, provider: str | None = None) -> "Classifier":
        """Load a model file into an interpreter."""
        manifest = model.manifest
        interpreter = Interpreter(model.flatbuffer, threads, provider)
        return cls(
            interpreter,
            manifest.preprocess,
            manifest.labels,
            manifest.head,
            temperature=manifest.temperature,
            thresholds=manifest.thresholds,
        )

    def __call__(self, frame: Pixels) -> Scores:
        """Classify one picture.

        Convention: (H, W, 3) uint8 RGB → (classes,) float32, 0–1, in the order of `labels`; sum 1
        unless the head is "independent".
        """
        return self.classify(preprocess(frame, self.spec, self._image, self._scratch))

    def classify(self, image: Pixels) -> Scores:
        """Classify one prepared picture, (h, w, 3) uint8 as `preprocess` makes it."""
        self.interpreter.write(image)
        return self.scores(self.interpreter.invoke())

    def scores(self, raw: Raw) -> Scores:
        """Raw outputs of the interpreter, (n,), to (classes,) float32, as when called."""
        values: Scores
        if self._values is None:
            values = raw.astype(np.float32, copy=False)
        else:
            values = self._values.take(raw.view(np.uint8))
        if self.head == "independent":
            return values
        if self.head == "sigmoid":
            return np.array([1 - values[0], values[0]], np.float32)
        # Quantized softmax outputs are rounded one by one; their sum is 1 give or take a few steps.
        total = float(values.dot(self._ones))  # a fourth of the time of `sum`
        return values * np.float32(1 / total) if total > 0 else values


def _table(output: Tensor) -> Scores | None:
    """The real value of each byte that a quantized output can hold, (256,), by its bits."""
    if output.dtype.itemsize > 1:
        return None
    return dequantize(np.arange(256, dtype=np.uint8).view(output.dtype), output)


def best_first(scores: Scores) -> NDArray[np.intp]:
    """Indices of the classes by falling score; of equal ones the first comes first, as in argmax.

    Equal scores are common: a quantized output has 256 steps.
    """
    return np.argsort(-scores, kind="stable")


def _check_fit(
    interpreter: Interpreter, spec: PreprocessSpec, labels: tuple[str, ...], head: Head
) -> None:
    if interpreter.size != (spec.height, spec.width):
        raise ModelFileError(
            f"the model's input is {interpreter.input}, its description says "
            f"{spec.height} × {spec.width}"
        )
    outputs = interpreter.output.shape[1]
    expected = 1 if head == "sigmoid" else len(labels)
    if outputs != expected or (head == "sigmoid" and len(labels) != 2):
        raise ModelFileError(f"the model has {outputs} outputs, its {head} head needs {expected}")
