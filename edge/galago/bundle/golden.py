"""Golden frames: pictures with the answers that the workstation got for them.

- A device that prepares these pictures and runs the model must come to the same answers; otherwise
  its preprocessing, its interpreter or its copy of the model differs, and it shows which.
- They are kept in both forms, as a camera gives them and as the model sees them, without loss.

Pictures are WebP in its lossless form: half of what numpy's deflate makes of photographs.
"""

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from galago.bundle.interpreter import Interpreter
from galago.bundle.preprocess import Pixels, PreprocessSpec, as_pixels, check_frame, preprocess
from galago.errors import FrameError, ModelFileError

_LOSSLESS = [cv2.IMWRITE_WEBP_QUALITY, 101]  # above 100 OpenCV takes WebP's lossless form


@dataclass(frozen=True, slots=True)
class Golden:
    """Pictures, prepared pictures, answers.

    Convention: `frames` are (H, W, 3) uint8 RGB of any size, as a camera gives them; `inputs`
    (n, h, w, 3) uint8 as the model sees them, `inputs[i]` being `frames[i]` prepared. Files of
    schema 1 have fewer frames than inputs. `outputs` (n, classes) in the model's own dtype.
    """

    frames: tuple[Pixels, ...]
    inputs: Pixels
    outputs: NDArray[Any]

    def to_bytes(self) -> bytes:
        """An .npz archive: each picture an array of WebP bytes."""
        buffer = io.BytesIO()
        pictures = {
            f"{kind}_{index}": _encode(picture)
            for kind, group in (("frame", self.frames), ("input", self.inputs))
            for index, picture in enumerate(group)
        }
        np.savez(buffer, outputs=self.outputs, **pictures)  # type: ignore[arg-type]  # numpy's stub takes **pictures for its own flag
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Golden":
        """Read what `to_bytes` made.

        It decodes pictures: those of strangers are for a child process (galago.bundle.verify).

        Raises:
            ModelFileError: it cannot be read, or its parts do not fit together.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                frames = _pictures(archive, "frame")
                # Schema 1 had all of them in one array.
                inputs = (
                    archive["inputs"]
                    if "inputs" in archive
                    else np.stack(_pictures(archive, "input"))
                )
                golden = cls(frames, inputs, archive["outputs"])
            for image in (*golden.frames, *golden.inputs):
                check_frame(image)
        except _UNREADABLE as error:
            told = " ".join(str(error).split())  # OpenCV's messages have several lines
            raise ModelFileError(f"damaged: its golden frames cannot be read ({told})") from error
        if not len(golden.frames) <= len(golden.inputs) == len(golden.outputs) > 0:
            raise ModelFileError("damaged: its golden frames are incomplete")
        return golden


_UNREADABLE = (
    *(KeyError, ValueError, TypeError, AttributeError, EOFError, OSError, MemoryError),
    *(OverflowError, RuntimeError, zipfile.BadZipFile, zlib.error, cv2.error, FrameError),
)


def make_golden(frames: Sequence[Pixels], interpreter: Interpreter, spec: PreprocessSpec) -> Golden:
    """Prepare `frames`, (H, W, 3) uint8 RGB each, and record the answers."""
    prepared = np.stack([preprocess(frame, spec) for frame in frames])
    return Golden(tuple(frames), prepared, answers(interpreter, prepared))


def answers(interpreter: Interpreter, inputs: Pixels) -> NDArray[Any]:
    """Raw outputs of the model, (n, classes), for `inputs` (n, h, w, 3) uint8."""
    rows = []
    for image in inputs:
        interpreter.write(image)
        rows.append(interpreter.invoke())
    return np.stack(rows)


def _encode(picture: Pixels) -> Pixels:
    done, encoded = cv2.imencode(".webp", picture, _LOSSLESS)
    if not done:
        raise ValueError(f"OpenCV could not encode a picture of shape {picture.shape} as WebP")
    return as_pixels(encoded)


def _pictures(archive: Any, kind: str) -> tuple[Pixels, ...]:
    count = sum(name.startswith(f"{kind}_") for name in archive.files)
    return tuple(_decode(archive[f"{kind}_{index}"]) for index in range(count))


def _decode(picture: NDArray[Any]) -> Pixels:
    if picture.ndim != 1:
        return picture  # schema 1
    # OpenCV would call any of a dozen decoders by what a picture says it is.
    webp = bytes(picture[8:12]) == b"WEBP"
    decoded = cv2.imdecode(picture, cv2.IMREAD_UNCHANGED) if webp else None
    if decoded is None:
        raise ValueError("a picture is not WebP")
    return as_pixels(decoded)
