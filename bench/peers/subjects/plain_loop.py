"""A good tutorial's loop: the interpreter is built once, and each frame goes through it.

One thread. With LiteRT or with tflite-runtime, whichever the environment has.
"""

import importlib
from importlib.util import find_spec

import cv2
import numpy as np

from peers.subjects.clock import Pixels, Task, time_function

LITERT, TFLITE_RUNTIME = "ai-edge-litert", "tflite-runtime"


def main() -> None:
    """Measure."""
    task = Task.from_command_line()
    labels = task.names()
    distribution = LITERT if find_spec("ai_edge_litert") else TFLITE_RUNTIME
    module = importlib.import_module(f"{distribution.replace('-', '_')}.interpreter")
    interpreter = module.Interpreter(model_path=str(task.model), num_threads=1)
    interpreter.allocate_tensors()
    input_ = interpreter.get_input_details()[0]
    output = interpreter.get_output_details()[0]
    height, width = (int(side) for side in input_["shape"][1:3])

    def classify(rgb: Pixels) -> str:
        picture = cv2.resize(rgb, (width, height))
        interpreter.set_tensor(input_["index"], np.expand_dims(picture, axis=0))
        interpreter.invoke()
        return labels[int(interpreter.get_tensor(output["index"])[0].argmax())]

    time_function(task, classify, distribution, "opencv-python-headless", "numpy")


if __name__ == "__main__":
    main()
