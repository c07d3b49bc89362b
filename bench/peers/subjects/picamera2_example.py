"""The interpreter as picamera2's TFLite example drives it: built anew for every frame.

Done here as there, for every frame: the labels are read, the interpreter is built from its file,
its details are asked for, cv2.resize. Other than there: one thread instead of four, colour instead
of grey, a classifier's output instead of a detector's four, nothing drawn or printed.
Source: github.com/raspberrypi/picamera2, examples/tensorflow/real_time_with_labels.py
"""

from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from peers.subjects.clock import Pixels, Task, time_function


def read_labels(path: Path) -> dict[int, str]:
    """Names of the classes by number."""
    pairs = (line.strip().split(maxsplit=1) for line in path.read_text().splitlines())
    return {int(number): name.strip() for number, name in pairs}


def infer(rgb: Pixels, model: Path, labels_file: Path) -> str:
    """What the example does between a frame and its label."""
    labels = read_labels(labels_file)
    interpreter = Interpreter(model_path=str(model), num_threads=1)
    interpreter.allocate_tensors()
    input_details = interpreter.get_input_details()
    output_details = interpreter.get_output_details()
    height, width = input_details[0]["shape"][1:3]
    picture = cv2.resize(rgb, (int(width), int(height)))
    interpreter.set_tensor(input_details[0]["index"], np.expand_dims(picture, axis=0))
    interpreter.invoke()
    scores = interpreter.get_tensor(output_details[0]["index"])[0]
    return labels[int(scores.argmax())]


def main() -> None:
    """Measure."""
    task = Task.from_command_line()
    time_function(
        task,
        lambda rgb: infer(rgb, task.model, task.labels),
        "ai-edge-litert",
        "opencv-python-headless",
        "numpy",
    )


if __name__ == "__main__":
    main()
