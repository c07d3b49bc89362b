"""A window with the live picture and what the model says of it; q ends it."""

import os
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from galago.bundle.classifier import best_first
from galago.bundle.preprocess import Pixels, as_pixels
from galago.edge.camera import open_camera
from galago.edge.event import name
from galago.edge.loop import Loop, Seen
from galago.edge.serving import open_serving
from galago.edge.stopping import stop_on_signals
from galago.errors import UsageError

TITLE = "galago"

_MIN_HEIGHT = 480  # smaller pictures are enlarged, so that the text on them can be read
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE, _GREEN, _DARK = (255, 255, 255), (90, 200, 90), (32, 32, 32)  # BGR


def watch(model_path: Path, source: str, *, threads: int | None = None) -> None:
    """Show `source` with its label until q, the window's cross, a signal, or its end.

    Raises:
        UsageError: there is no display, or this OpenCV has no windows.
        ModelFileError, CameraError: as `run`.
    """
    # The opencv-python wheel has no fonts for Qt's menus, which are not shown; Qt would say so.
    os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
    _check_display()
    with stop_on_signals() as stop:
        classifier = open_serving(model_path, threads).classifier
        try:
            with Loop(partial(open_camera, source), classifier, stop) as loop:
                _show(loop, classifier.labels, stop)
        finally:
            cv2.destroyAllWindows()


def draw(seen: Seen, labels: tuple[str, ...], fps: float) -> Pixels:
    """The picture with the label, a bar per class and the frame rate on it.

    Convention: returns (H, W, 3) uint8 **BGR**, as cv2.imshow wants it, H at least 480.
    """
    picture = cv2.cvtColor(seen.frame.pixels, cv2.COLOR_RGB2BGR)
    scale = max(1.0, _MIN_HEIGHT / picture.shape[0])
    picture = as_pixels(
        cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    )
    decision = seen.decision
    _darken(picture[:56])
    _text(picture, f"{name(decision.label, labels)}  {decision.score:.0%}", (16, 40), 1.1)
    _text(picture, f"{fps:.0f} fps", (picture.shape[1] - 110, 36), 0.7)
    top = best_first(decision.scores)[:5]
    _darken(picture[-24 * len(top) - 14 :, :400])
    for row, index in enumerate(top):
        y = picture.shape[0] - 24 * (len(top) - row)
        length = round(200 * float(decision.scores[index]))
        cv2.rectangle(picture, (16, y - 2), (216, y + 14), _DARK, cv2.FILLED)
        cv2.rectangle(picture, (16, y - 2), (16 + length, y + 14), _GREEN, cv2.FILLED)
        _text(picture, labels[index], (228, y + 13), 0.6)
    return picture


def _check_display() -> None:
    """Open a window in a child process first: without a display, Qt ends the whole process."""
    code = "import cv2; cv2.namedWindow('galago')"
    try:
        child = subprocess.run(  # noqa: S603 - our own line, in our own interpreter
            [sys.executable, "-P", "-c", code], capture_output=True, timeout=30, check=False
        )
        opened = child.returncode == 0
    except subprocess.TimeoutExpired:  # a display on another machine that does not answer
        opened = False
    if not opened:
        raise UsageError(
            "watch cannot open a window: it needs a display, and opencv-python instead of "
            "opencv-python-headless; without a display use galago run"
        )


def _show(loop: Loop, labels: tuple[str, ...], stop: threading.Event) -> None:
    fps, last = 0.0, time.monotonic()
    for seen in loop:
        now = time.monotonic()
        fps, last = 0.9 * fps + 0.1 / max(now - last, 1e-6), now
        cv2.imshow(TITLE, draw(seen, labels, fps))
        key = cv2.waitKey(1) & 0xFF
        # Looked at after waitKey, which hears a click on the cross, and before imshow, which would
        # open the window again.
        if key == ord("q") or _is_closed():
            stop.set()


def _is_closed() -> bool:
    try:
        return cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1
    except cv2.error:  # what Qt's windows answer when there is none of that name
        return True


def _darken(view: Pixels) -> None:
    """Halve a part of the picture, so that light letters can be read on it."""
    np.floor_divide(view, 2, out=view)


def _text(picture: Pixels, text: str, at: tuple[int, int], size: float) -> None:
    cv2.putText(picture, text, at, _FONT, size, _WHITE, 2, cv2.LINE_AA)
