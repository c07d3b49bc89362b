"""The embedded sample: a labelled dataset and a clip, drawn by the program itself.

- No picture of anyone else is shipped: a garden, a bird feeder and its visitors are painted.
- Everything follows from one seed; the same seed gives the same pixels.
- It is hard enough that a model can fail: dusk, fog, clutter, look-alikes, half-hidden animals.
- Needs NumPy and OpenCV only.

    sample = write_sample(Path("feeder"))
    sample.counts["train"]  # {"bird": 390, "empty": 410, "squirrel": 370}
"""

from galago.train.sample.write import Sample, write_sample

__all__ = ["Sample", "write_sample"]
