"""How long imports, help and the first classification take, and how much memory `run` needs.

    python bench/startup.py MODEL.tflite

Every figure is the median of several fresh processes, in turns.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from machine import describe

ROUNDS = 9
PYTHON = [sys.executable, "-P"]
COMMANDS = {
    "bare python": [*PYTHON, "-c", "pass"],
    "import numpy, cv2": [*PYTHON, "-c", "import numpy, cv2"],
    "import galago.edge": [*PYTHON, "-c", "import galago.edge"],
    "import galago.edge.run": [*PYTHON, "-c", "import galago.edge.run"],
    "galago --help": [*PYTHON, "-m", "galago.cli", "--help"],
}


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print a table."""
    model = Path(sys.argv[1])
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    bench = [*PYTHON, "-m", "galago.cli", "bench", str(model), "--threads", "1", "--json"]
    document = json.loads(subprocess.run(bench, check=True, stdout=subprocess.PIPE).stdout)
    print(describe())
    print("| what | median |\n|---|---|")
    for name, values in times.items():
        print(f"| `{name}` | {statistics.median(values):.3f} s |")
    print(f"| `galago run`, start to first frame | {document['startup_s']:.2f} s |")
    print(f"| `galago run`, peak resident memory | {document['rss_mb']:.0f} MB |")


if __name__ == "__main__":
    main()
