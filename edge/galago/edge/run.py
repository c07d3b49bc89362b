"""The daemon: start up, look until told to stop, leave cleanly.

- It looks through nobody's eyes but a verified model's: the golden frames come first.
- Standard output carries events, one JSON line each, and nothing else.
"""

import platform
import sys
from pathlib import Path
from typing import TextIO

from galago.bundle.classifier import Classifier
from galago.bundle.verify import Verification, open_verified
from galago.edge.camera import open_camera
from galago.edge.event import make_event
from galago.edge.loop import Loop
from galago.edge.stopping import stop_on_signals


def run(model_path: Path, source: str, out: TextIO, *, threads: int = 1) -> None:
    """Classify what `source` shows until it ends or a signal comes; write events to `out`.

    Raises:
        ModelFileError: the model is damaged or fails its golden frames.
        CameraError: the camera cannot be opened, fails, or stalls.
        BrokenPipeError: nobody reads `out` any more.
    """
    with stop_on_signals() as stop:
        model, verification = open_verified(model_path, threads=threads)
        classifier = Classifier.open(model, threads)
        with open_camera(source) as camera, Loop(camera, classifier, stop) as loop:
            _tell(f"{model_path.name} looks at {camera.source}, {_how(verification)}")
            sha256, device = model.sha256, platform.node()  # once: the digest reads the whole file
            events = 0
            for seen in loop:
                if seen.changed:
                    event = make_event(seen, classifier.labels, sha256, device)
                    print(event.to_json(), file=out, flush=True)
                    events += 1
            why = "stopped by a signal" if stop.is_set() else f"{camera.source} has ended"
            _tell(f"{why}: {loop.frames} frames, {loop.dropped} dropped, {events} events")


def _how(verification: Verification) -> str:
    speed = "" if verification.accelerated else ", WITHOUT acceleration"
    return f"{verification.n} golden frames passed with {verification.interpreter}{speed}"


def _tell(line: str) -> None:
    sys.stderr.write(f"galago: {line}\n")
