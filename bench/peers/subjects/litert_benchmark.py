"""The floor: LiteRT's own benchmark program, which only invokes the model, on one random input.

It is the console script `litert-benchmark` of the wheel, a Python program around the compiled
model; it tells times in hundredths of a millisecond.
"""

import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from peers.subjects.clock import Task

WARM_UP = 20


def measure(model: Path, runs: int) -> dict[str, Any]:
    """Times in milliseconds, one thread."""
    program = str(Path(sys.executable).parent / "litert-benchmark")
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [program, f"--model={model}", "--num_threads=1", f"--num_runs={runs}"]
        command += [f"--warmup_runs={WARM_UP}", f"--result_json={result}"]
        subprocess.run(command, check=True, capture_output=True)
        latency: dict[str, Any] = json.loads(result.read_text())["latency"]
        return latency


def main() -> None:
    """Measure, with as many runs as fill the time."""
    task = Task.from_command_line()
    first = measure(task.model, WARM_UP)
    runs = max(WARM_UP, round(1000 * task.seconds / max(first["avg_ms"], 0.01)))
    latency = measure(task.model, runs)
    result: dict[str, Any] = {
        "labels_prepared": [],
        "labels": [],
        "memory": {"fps": 1000 / latency["avg_ms"], "cpu_ms": None},
        "file": None,
        "versions": {"ai-edge-litert": version("ai-edge-litert")},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
