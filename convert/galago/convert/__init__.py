"""From a trained Keras model to one verified .tflite file."""
