"""What every peer shares: where frames come from, and how answers are timed.

- "memory": frames that are already decoded, from handing one over to the name of its class.
- "file": the clip from opening it, decoding included; again from its start until time is up.
- OpenCV computes with one thread everywhere; its video decoder keeps its own default.
- Needs numpy and OpenCV only, since it runs in every peer's environment.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
Classify: TypeAlias = Callable[[Pixels], str]


@dataclass(frozen=True, slots=True)
class Task:
    """What a peer is given.

    `labels`: a text file with a line "index name" for each class. `frames`: (n, 480, 640, 3) uint8
    RGB. `prepared`: the same in the size of the model's input, (n, h, w, 3), as Galago shrinks
    them. `clip`: the video. `seconds`: for each measure. `warm_up`: how many of both to answer
    before; these answers are reported.
    """

    model: Path
    labels: Path
    frames: Pixels
    prepared: Pixels
    clip: Path
    seconds: float
    warm_up: int

    @classmethod
    def from_command_line(cls) -> "Task":
        """Read what the driver passes on."""
        model, labels, frames, prepared, clip, seconds, warm_up = sys.argv[1:]
        cv2.setNumThreads(1)
        return cls(
            Path(model),
            Path(labels),
            np.load(frames),
            np.load(prepared),
            Path(clip),
            float(seconds),
            int(warm_up),
        )

    def names(self) -> list[str]:
        """Names of the classes, in the model's order."""
        return [line.split(maxsplit=1)[1] for line in self.labels.read_text().splitlines()]

    def from_file(self, classify: Classify) -> Iterator[str]:
        """Answers to the clip, over and over, read as OpenCV's tutorial reads one."""
        while True:
            video = cv2.VideoCapture(str(self.clip))
            while True:
                found, bgr = video.read()
                if not found:
                    break
                rgb: Any = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
                yield classify(rgb)
            video.release()


def time_function(task: Task, classify: Classify, *distributions: str) -> None:
    """Time a peer that is a function of one frame, and print the result."""
    time_answers(
        task,
        lambda frames: map(classify, cycle(frames)),
        lambda: task.from_file(classify),
        *distributions,
    )


def time_answers(
    task: Task,
    memory: Callable[[Pixels], Iterator[str]],
    file: Callable[[], Iterator[str]],
    *distributions: str,
) -> None:
    """Time a peer that gives endless answers, and print the result as one line of JSON.

    `memory`: answers to given frames, over and over. `file`: answers to the clip, over and over.
    """
    result = {
        "labels_prepared": _first(memory(task.prepared), task),
        "labels": _first(memory(task.frames), task),
        "memory": _rate(memory(task.frames), task.seconds),
        "file": _rate(file(), task.seconds),
        "versions": {name: version(name) for name in distributions},
    }
    print(json.dumps(result))


def _first(answers: Iterator[str], task: Task) -> list[str]:
    labels = list(islice(answers, min(task.warm_up, len(task.frames))))
    _close(answers)
    return labels


def _rate(answers: Iterator[str], seconds: float) -> dict[str, float]:
    """Frames per second, and milliseconds of processor time for a frame, of all threads."""
    count, elapsed = 0, 0.0
    start, start_cpu = time.perf_counter(), time.process_time()
    for _ in answers:
        count += 1
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            break
    cpu = time.process_time() - start_cpu
    _close(answers)
    return {"fps": count / elapsed, "cpu_ms": 1000 * cpu / count}


def _close(answers: Any) -> None:
    if hasattr(answers, "close"):  # a generator, which may hold threads and files
        with closing(answers):
            pass
