"""Golden frames: pictures with the answers that the workstation got for them.

A device that prepares these pictures and runs the model must come to the same answers; otherwise
its preprocessing, its interpreter or its copy of the model differs.
"""

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galago.bundle.interpreter import Interpreter
from galago.bundle.preprocess import Pixels, PreprocessSpec, check_frame, preprocess
from galago.errors import FrameError, ModelFileError


@dataclass(frozen=True, slots=True)
class Golden:
    """Pictures, prepared pictures, answers.

    Convention: `frames` are (H, W, 3) uint8 RGB of any size, as a camera gives them; `inputs`
    (n, h, w, 3) uint8 as the model sees them, `inputs[i]` being `frames[i]` prepared for the first
    `len(frames)` of them; `outputs` (n, classes) in the model's own dtype.
    """

    frames: tuple[Pixels, ...]
    inputs: Pixels
    outputs: NDArray[Any]

    def to_bytes(self) -> bytes:
        """A compressed .npz archive."""
        buffer = io.BytesIO()
        frames = {f"frame_{index}": frame for index, frame in enumerate(self.frames)}
        np.savez_compressed(buffer, inputs=self.inputs, outputs=self.outputs, **frames)  # type: ignore[arg-type]  # numpy's stub takes **frames for its own flag
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Golden":
        """Read what `to_bytes` made.

        Raises:
            ModelFileError: it cannot be read, or its parts do not fit together.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                count = sum(name.startswith("frame_") for name in archive.files)
                frames = tuple(archive[f"frame_{index}"] for index in range(count))
                golden = cls(frames, archive["inputs"], archive["outputs"])
            for image in (*golden.frames, *golden.inputs):
                check_frame(image)
        except (KeyError, ValueError, EOFError, OSError, zipfile.BadZipFile, FrameError) as error:
            raise ModelFileError(f"damaged: its golden frames cannot be read ({error})") from error
        if not len(golden.frames) <= len(golden.inputs) == len(golden.outputs) > 0:
            raise ModelFileError("damaged: its golden frames are incomplete")
        return golden


def make_golden(
    frames: Iterable[Pixels], inputs: Pixels, interpreter: Interpreter, spec: PreprocessSpec
) -> Golden:
    """Prepare `frames`, append `inputs` that are prepared already, and record the answers.

    Convention: `frames` of (H, W, 3) uint8 RGB; `inputs` (n, h, w, 3) uint8.
    """
    kept = tuple(frames)
    prepared = np.stack([*(preprocess(frame, spec) for frame in kept), *inputs])
    return Golden(kept, prepared, answers(interpreter, prepared))


def answers(interpreter: Interpreter, inputs: Pixels) -> NDArray[Any]:
    """Raw outputs of the model, (n, classes), for `inputs` (n, h, w, 3) uint8."""
    rows = []
    for image in inputs:
        interpreter.write(image)
        rows.append(interpreter.invoke())
    return np.stack(rows)
