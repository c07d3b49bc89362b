"""Put a finished flatbuffer, its description and its golden frames together into a model file.

- What the camera will run is what recorded the golden answers: nothing is changed afterwards.
- The same parts give the same bytes: nothing here knows the time or the machine's name. Its kind
  of processor is written down, because the golden answers are that kind's.
"""

import hashlib
import platform
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from galago.bundle.classifier import Classifier
from galago.bundle.golden import Golden, answers, make_golden
from galago.bundle.interpreter import Interpreter
from galago.bundle.manifest import TOLERANCE, Manifest, Recorded
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import Pixels, PreprocessSpec, as_pixels
from galago.convert.flatbuffer import compact, pack, unpack
from galago.convert.metadata import About, with_metadata
from galago.progress import say

GOLDEN_FRAMES = 32

# Enough for preprocessing to have something to do; more would only make the file larger.
_FRAME_PER_INPUT = 1.5

# More would let wrong answers pass. Some networks with dynamic ranges are beyond it: LiteRT 2.3's
# plain kernels give other answers there, on x86-64 at least.
MOST_TOLERANCE = 64 / 256

_MARGIN = 1.25  # other pictures, other kernels: tflite-runtime's are not quite LiteRT's plain ones


def dress(flatbuffer: bytes, about: About) -> bytes:
    """A flatbuffer as it ships: with TFLite Metadata, without what no interpreter reads."""
    return pack(compact(with_metadata(unpack(flatbuffer), about)))


def assemble(  # noqa: PLR0913 - what the file says, each by its name
    flatbuffer: bytes,
    classifier: Classifier,
    frames: Sequence[Pixels],
    *,
    temperature: float = 1.0,
    thresholds: dict[str, float | None] | None = None,
    quantization: dict[str, Any],
    metrics: dict[str, Any],
    provenance: dict[str, Any],
) -> ModelFile:
    """Record the golden answers of `classifier`, which runs `flatbuffer`, and build the file.

    Convention: `frames` are (H, W, 3) uint8 RGB, as a camera gives them (see `as_camera`).
    """
    interpreter = classifier.interpreter
    golden = make_golden(frames, interpreter, classifier.spec)
    manifest = Manifest(
        labels=classifier.labels,
        preprocess=classifier.spec,
        head=classifier.head,
        flatbuffer_sha256=hashlib.sha256(flatbuffer).hexdigest(),
        golden=Recorded(
            frames=len(golden.frames),
            interpreter=interpreter.name,
            accelerated=interpreter.delegated,
            exact=interpreter.is_integer,
            tolerance=_tolerance(flatbuffer, classifier, golden),
            machine=platform.machine(),
        ),
        temperature=temperature,
        thresholds=thresholds or {},
        quantization={**quantization, **tensors(interpreter)},
        metrics=metrics,
        provenance={**provenance, "interpreter": interpreter.name},
    )
    return ModelFile.build(flatbuffer, manifest, golden)


def as_camera(picture: Pixels, spec: PreprocessSpec) -> Pixels:
    """A picture before preprocessing, not much larger than the input, to keep the file small.

    Convention: (H, W, 3) uint8 RGB → the same, proportions kept, never enlarged.
    """
    height, width = picture.shape[:2]
    scale = _FRAME_PER_INPUT * max(spec.height / height, spec.width / width)
    if scale >= 1:
        return picture
    size = (round(width * scale), round(height * scale))
    return as_pixels(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _tolerance(flatbuffer: bytes, classifier: Classifier, golden: Golden) -> float:
    """By how much a score may differ where other kernels compute it.

    The kernels without acceleration show how much this very model magnifies their rounding. What is
    beyond MOST_TOLERANCE is no rounding: there, the model is not to serve.
    """
    plain = Interpreter(flatbuffer, plain=True)
    differences = [
        np.abs(classifier.scores(here) - classifier.scores(there)).max()
        for here, there in zip(golden.outputs, answers(plain, golden.inputs), strict=True)
    ]
    worst = float(max(differences))
    needed = max(TOLERANCE, round(_MARGIN * worst, 4))
    if needed <= MOST_TOLERANCE:
        return needed
    say(
        f"Warning: without acceleration {plain.name} gives other answers (a score is off by "
        f"{worst:.2f}): an interpreter that does not accelerate this model will refuse it"
    )
    return TOLERANCE


def tensors(interpreter: Interpreter) -> dict[str, Any]:
    """How input and output are quantized: for each its dtype, scale and zero point."""
    return {
        name: {
            "dtype": tensor.dtype.name,
            "scale": tensor.scale,
            "zero_point": tensor.zero_point,
        }
        for name, tensor in (("input", interpreter.input), ("output", interpreter.output))
    }
