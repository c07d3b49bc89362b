"""What a real `galago run` costs, in a process of its own: time to its first answer, and memory."""

import subprocess
import sys
import time
from pathlib import Path

from galago.errors import ModelFileError

# `galago run`, which says at its end how much memory it had.
_DAEMON = """
import sys
from galago.cli import main
code = main(sys.argv[1:])
from galago.edge.daemon_cost import peak_memory_mb
sys.stderr.write(f"{peak_memory_mb():.1f}\\n")
sys.exit(code)
"""


def daemon_cost(path: Path, threads: int) -> tuple[float, float]:
    """Run the daemon twice: seconds to its first answer, peak memory in MB over 300 frames.

    Raises:
        ModelFileError: it fails.
    """
    startup_s, _ = _run(path, threads, frames=1)
    _, peak_mb = _run(path, threads, frames=300)
    return round(startup_s, 2), peak_mb


def _run(path: Path, threads: int, frames: int) -> tuple[float, float]:
    """Seconds until so many frames have been answered, and peak memory in MB."""
    command = [sys.executable, "-P", "-c", _DAEMON, "run", "--model", str(path)]
    command += ["--camera", f"fake:noise*{frames}?pace=max", "--threads", str(threads)]
    start = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr is not None  # noqa: S101 - for the type checker
        said = []
        for line in child.stderr:
            said.append(line.strip())
            if " has ended: " in line:
                answered_s = time.perf_counter() - start
    if child.returncode != 0:
        raise ModelFileError(" ".join(said))
    return answered_s, float(said[-1])


def peak_memory_mb() -> float:
    """The most memory that this process has had resident.

    From /proc where there is one: Linux's ru_maxrss also counts the parent from before exec.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    import resource  # noqa: PLC0415 - not on Windows

    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
