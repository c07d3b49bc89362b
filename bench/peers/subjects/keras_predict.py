"""`Model.predict` on each frame, as beginners' tutorials do, with the float network.

The network is the one from which the int8 file was made. TensorFlow keeps its own default number
of threads, which is that of the cores: tutorials do not set it.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import keras
import numpy as np

from peers.subjects.clock import Pixels, Task, time_function


def main() -> None:
    """Measure."""
    task = Task.from_command_line()
    labels = task.names()
    model = keras.models.load_model(task.model)
    height, width = model.input_shape[1:3]

    def classify(rgb: Pixels) -> str:
        picture = cv2.resize(rgb, (width, height))
        scores = model.predict(np.expand_dims(picture, axis=0), verbose=0)[0]
        return labels[int(scores.argmax())]

    time_function(task, classify, "tensorflow", "keras", "opencv-python", "numpy")


if __name__ == "__main__":
    main()
