"""One line that says where a figure was measured."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "galago",
    "tensorflow",
    "ai-edge-litert",
    "opencv-python",
    "opencv-python-headless",
    "numpy",
    "tflite-runtime",
)


def describe() -> str:
    """Date, processor, cores, Python and the packages that matter."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.machine()
    found = [(name, _version(name)) for name in PACKAGES]
    packages = ", ".join(f"{name} {number}" for name, number in found if number)
    date = datetime.now(UTC).date().isoformat()
    python = platform.python_version()
    return f"{date}, {processor}, {os.cpu_count()} cores, Python {python}, {packages}"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:  # a camera's environment has no TensorFlow
        return None
