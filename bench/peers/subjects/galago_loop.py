"""Galago: the daemon's own loop, on a camera that gives frames from memory, and on `file:`."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from time import monotonic_ns

from galago.bundle.classifier import Classifier
from galago.bundle.model_file import ModelFile
from galago.edge.camera import Camera, Frame, open_camera
from galago.edge.camera.closing import Closing
from galago.edge.loop import Loop
from peers.subjects.clock import Pixels, Task, time_answers


class Memory(Closing):
    """A camera whose frames are already there: (n, H, W, 3) uint8 RGB, over and over."""

    live = False

    def __init__(self, frames: Pixels) -> None:
        super().__init__("memory:")
        self._frames = frames

    def __iter__(self) -> Iterator[Frame]:
        for number in count():
            if self._closed.is_set():
                return
            yield Frame(self._frames[number % len(self._frames)], monotonic_ns(), number)


def answers(opener: Callable[[], Camera], classifier: Classifier) -> Iterator[str]:
    """The best class of every frame, by the daemon's loop. The only place that knows its API."""
    with Loop(opener, classifier, threading.Event()) as loop:
        for seen in loop:
            yield classifier.labels[seen.scores.argmax()]


def main() -> None:
    """Measure."""
    task = Task.from_command_line()
    classifier = Classifier.open(ModelFile.read(task.model), threads=1)

    clip = f"file:{task.clip}?pace=max"

    def from_file() -> Iterator[str]:
        while True:
            yield from answers(partial(open_camera, clip), classifier)

    time_answers(
        task,
        lambda frames: answers(partial(Memory, frames), classifier),
        from_file,
        "galago",
        "ai-edge-litert",
        "opencv-python-headless",
        "numpy",
    )


if __name__ == "__main__":
    main()
