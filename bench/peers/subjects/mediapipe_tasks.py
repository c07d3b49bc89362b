"""MediaPipe's ImageClassifier in VIDEO mode, as its guide for Python shows.

VIDEO is the mode that the guide names for decoded frames of a video. The Python API has no option
for threads: on Linux its inference runs with one, beside the threads of its graph.
Source: https://ai.google.dev/edge/mediapipe/solutions/vision/image_classifier/python
"""

from itertools import count

import mediapipe as mp  # type: ignore[import-not-found]

from peers.subjects.clock import Pixels, Task, time_function

FRAME_MS = 67  # VIDEO mode wants rising times; the clip has 15 frames per second


def main() -> None:
    """Measure."""
    task = Task.from_command_line()
    vision = mp.tasks.vision
    options = vision.ImageClassifierOptions(
        base_options=mp.tasks.BaseOptions(model_asset_path=str(task.model)),
        running_mode=vision.RunningMode.VIDEO,
        max_results=1,
    )
    numbers = count()
    with vision.ImageClassifier.create_from_options(options) as classifier:

        def classify(rgb: Pixels) -> str:
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=rgb)
            result = classifier.classify_for_video(image, next(numbers) * FRAME_MS)
            name: str = result.classifications[0].categories[0].category_name
            return name

        time_function(task, classify, "mediapipe", "opencv-contrib-python", "numpy")


if __name__ == "__main__":
    main()
