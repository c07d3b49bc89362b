"""What is tried in a child process, because it may crash, hang, or spoil this one.

- `probe` always returns by its deadline, with what the child found or with "error".
- The child loads what the daemon loads, in the same Python.

    probe("interpreter")  # {"name": "ai-edge-litert 2.3.0", "delegated": true}
"""

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.resources import files
from typing import Any

from galago.bundle import sandbox
from galago.errors import GalagoError
from galago.noise import hushed

DEADLINE_S = 40.0  # a Pi Zero 2 W needs ten seconds for numpy, OpenCV and LiteRT


def probe(task: str, *words: str, deadline_s: float = DEADLINE_S) -> dict[str, Any]:
    """What a child process found; "error" says in words why there is nothing."""
    command = [sys.executable, "-P", "-m", __name__, task, *words]
    child = sandbox.run(command, b"", deadline_s)
    if child.late:
        return {"error": f"did not end within {deadline_s:g} s"}
    if child.signal_name:
        return {"error": f"crashed ({child.signal_name})"}
    lines = child.output.decode(errors="replace").splitlines()
    try:
        return dict(json.loads(next(line for line in reversed(lines) if line.startswith("{"))))
    except (StopIteration, ValueError):
        return {"error": lines[-1].strip() if lines else f"ended with status {child.status}"}


def _imported(name: str) -> dict[str, Any]:
    """A module's version and place."""
    with hushed():
        module = import_module(name)
    return {"version": str(getattr(module, "__version__", "?")), "file": module.__file__}


def _interpreter() -> dict[str, Any]:
    """The interpreter that the daemon would take, given a quantized convolution.

    tiny.tflite: 8x8 pixels, one convolution, two classes, full integer, made by TensorFlow 2.21.
    """
    from galago.bundle.interpreter import Interpreter  # noqa: PLC0415

    interpreter = Interpreter(files("galago.edge.doctor").joinpath("tiny.tflite").read_bytes())
    interpreter.invoke()
    return {"name": interpreter.name, "delegated": interpreter.delegated}


def _libcamera() -> dict[str, Any]:
    """The cameras that libcamera finds; they may be in use."""
    from picamera2 import Picamera2  # type: ignore[import-not-found] # noqa: PLC0415

    cameras = Picamera2.global_camera_info()
    return {"cameras": [str(camera.get("Model", "?")) for camera in cameras]}


def _camera(source: str) -> dict[str, Any]:
    """A camera's first picture."""
    from galago.edge.camera import open_camera  # noqa: PLC0415

    began = time.monotonic()
    with open_camera(source) as camera:
        frame = next(iter(camera), None)
        seconds = time.monotonic() - began
        if frame is None:
            return {"error": f"{camera.source} gives no picture"}
        height, width = frame.pixels.shape[:2]
        return {
            "source": camera.source,
            "detail": camera.detail,
            "size": [width, height],
            "seconds": round(seconds, 2),
        }


_TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "import": _imported,
    "interpreter": _interpreter,
    "libcamera": _libcamera,
    "camera": _camera,
}


def _child(task: str, *words: str) -> None:
    try:
        found = _TASKS[task](*words)
    except GalagoError as error:
        found = {"error": " ".join(str(error).split())}
    except Exception as error:  # noqa: BLE001 - whatever a broken package raises is the finding
        found = {"error": f"{type(error).__name__}: {' '.join(str(error).split())}"}
    sys.stdout.write(f"\n{json.dumps(found)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _child(*sys.argv[1:])
