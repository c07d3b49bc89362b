"""Chatter of C++ libraries stays off the screen; everything else reaches it."""

import subprocess
import sys

SAID = """
import os, sys, warnings
from galago.noise import hushed

with hushed():
    os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\\n")
    os.write(2, b"ERROR: the tensor is on fire\\n")
    sys.stderr.write("mind the gap\\n")
    warnings.warn("deprecated since 2.0")
sys.stderr.write("after\\n")
with hushed():
    os.write(2, b"about to divide\\n")
    1 / 0
"""


def test_chatter_is_dropped_and_the_rest_is_passed_on() -> None:
    """Whether it comes through Python or straight to the file descriptor, and before an error."""
    child = subprocess.run(
        [sys.executable, "-P", "-c", SAID], capture_output=True, text=True, check=False
    )
    lines = child.stderr.splitlines()
    assert lines[:4] == ["ERROR: the tensor is on fire", "mind the gap", "after", "about to divide"]
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert "deprecated" not in child.stderr
