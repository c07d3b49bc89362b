"""Keras with TensorFlow behind it, and its start-up chatter off.

The only place that imports either, so that the settings below hold wherever they are used.
"""

import os

from galago.noise import hushed

os.environ["KERAS_BACKEND"] = "tensorflow"  # the converter reads TensorFlow graphs
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what matters is raised as well

with hushed():
    import keras
    import tensorflow as tf

__all__ = ["keras", "tf"]
