"""How fast the machine is with a model: the bare interpreter, and the daemon's whole loop.

- Both are measured in turns in the same run, so that a busy machine disturbs both alike.
- The loop is the daemon's own, fed 640 × 480 frames by the scripted camera.
- Start-up and memory are those of a real `galago run`, in a process of its own.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from galago.bundle import container
from galago.bundle.classifier import Classifier
from galago.bundle.interpreter import Interpreter
from galago.bundle.model_file import ModelFile, read_limited
from galago.bundle.preprocess import Pixels, PreprocessSpec, preprocess
from galago.bundle.verify import try_out
from galago.edge.camera import open_camera
from galago.edge.loop import Loop
from galago.errors import ModelFileError

ROUNDS = 5
FRAME_SIZE = (480, 640)

_WARM_UP = 20
ROUND_S = 0.4  # long enough for 1 % of a median, short enough for a Pi Zero

# `galago run`, which says at its end how much memory it had.
_DAEMON = """
import sys
from galago.cli import main
code = main(sys.argv[1:])
from galago.edge.bench import peak_memory_mb
sys.stderr.write(f"{peak_memory_mb():.1f}\\n")
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Times:
    """Microseconds."""

    median: float
    p95: float
    p99: float

    @classmethod
    def of(cls, times_ns: list[int]) -> "Times":
        """Summarise single times in nanoseconds."""
        median, p95, p99 = np.percentile(times_ns, (50, 95, 99)) / 1000
        return cls(round(float(median), 1), round(float(p95), 1), round(float(p99), 1))


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What was measured with one number of threads.

    `raw_us`: a prepared picture into the interpreter, invoke, answer out. `preprocess_us`: a
    640 × 480 frame to the input. `loop_us`: from one decision to the next. `ratio`: the loop's rate
    as a share of the raw rate. `startup_s`, `rss_mb`: of `galago run`, None where that does not
    run the model.
    """

    threads: int
    raw_us: Times
    preprocess_us: Times
    loop_us: Times
    ratio: float
    fps: float
    interpreter: str
    accelerated: bool
    startup_s: float | None = None
    rss_mb: float | None = None


def bench(
    path: Path, thread_counts: list[int], provider: str | None = None, round_s: float = ROUND_S
) -> list[Benchmark]:
    """Measure a model file, or any TFLite image classifier, once per thread count.

    `round_s`: seconds for each of ROUNDS rounds of each measurement.

    Raises:
        ModelFileError: the model cannot be used.
    """
    try:
        content = read_limited(path)
        results = [
            _measure(_open(content, threads, provider), round_s) for threads in thread_counts
        ]
        # The daemon takes the first interpreter that there is; with another, there is no daemon.
        if provider is None and container.split(content)[1]:
            results = [_with_daemon_cost(result, path) for result in results]
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error
    return results


def thread_counts() -> list[int]:
    """1, 2, 4 … up to the cores of this machine."""
    cores = os.cpu_count() or 1
    return [2**power for power in range(cores.bit_length()) if 2**power <= min(cores, 4)]


def document(results: list[Benchmark]) -> dict[str, Any]:
    """What `galago bench --json` prints: the fastest thread count, and all of them."""
    return asdict(_fastest(results)) | {"by_threads": [asdict(result) for result in results]}


def daemon_cost(path: Path, threads: int) -> tuple[float, float]:
    """Run the daemon on a few hundred frames: seconds to its first frame, peak memory in MB.

    Raises:
        ModelFileError: it fails.
    """
    command = [sys.executable, "-P", "-c", _DAEMON, "run", "--model", str(path)]
    command += ["--camera", "fake:noise*300?pace=max", "--threads", str(threads)]
    start = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr is not None  # noqa: S101 - for the type checker
        first = child.stderr.readline()  # "… looks at …": the next thing is the first frame
        startup_s = time.perf_counter() - start
        *rest, peak_mb = child.stderr.read().splitlines() or [""]
    if child.returncode != 0:
        raise ModelFileError(" ".join([first.strip(), *rest]))
    return round(startup_s, 2), float(peak_mb)


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


def as_text(results: list[Benchmark]) -> str:
    """A table for people."""
    lines = ["threads   raw µs   preprocess µs   loop µs  (p95, p99)          fps   ratio"]
    lines += [
        f"{r.threads:>7}  {r.raw_us.median:>7.0f}  {r.preprocess_us.median:>14.0f}  "
        f"{r.loop_us.median:>8.0f}  {f'({r.loop_us.p95:.0f}, {r.loop_us.p99:.0f})':<16}  "
        f"{r.fps:>6.0f}  {r.ratio:>6.2f}"
        for r in results
    ]
    best = _fastest(results)
    accelerated = "accelerated" if best.accelerated else "NOT accelerated"
    lines.append(f"{best.interpreter}, {accelerated}; frames of 640 × 480")
    if best.startup_s is not None:
        lines.append(f"start to first frame {best.startup_s:.2f} s, peak memory {best.rss_mb} MB")
    return "\n".join(lines)


def _fastest(results: list[Benchmark]) -> Benchmark:
    return max(results, key=lambda result: result.fps)


def _with_daemon_cost(result: Benchmark, path: Path) -> Benchmark:
    startup_s, rss_mb = daemon_cost(path, result.threads)
    return replace(result, startup_s=startup_s, rss_mb=rss_mb)


def _open(content: bytes, threads: int, provider: str | None) -> Classifier:
    """Open a model file; of a foreign model, take size and classes from its tensors."""
    flatbuffer, entries = container.split(content)
    if entries:
        return Classifier.open(ModelFile.parse(content), threads, provider)
    try_out(flatbuffer, provider=provider)
    interpreter = Interpreter(flatbuffer, threads, provider)
    labels = tuple(str(index) for index in range(interpreter.output.shape[1]))
    return Classifier(interpreter, PreprocessSpec(*interpreter.size), labels, "softmax")


def _measure(classifier: Classifier, round_s: float) -> Benchmark:
    random = np.random.default_rng(0)
    frame: Pixels = random.integers(0, 256, (*FRAME_SIZE, 3), np.uint8)
    image = preprocess(frame, classifier.spec)
    interpreter = classifier.interpreter

    def raw() -> None:
        interpreter.write(image)
        interpreter.invoke()

    def prepare() -> None:
        preprocess(frame, classifier.spec, out=image)

    raw_ns: list[int] = []
    prepare_ns: list[int] = []
    loop_ns: list[int] = []
    for _ in range(ROUNDS):
        raw_ns += _time(raw, round_s)
        prepare_ns += _time(prepare, round_s)
        loop_ns += _time_loop(classifier, frames=min(2000, max(50, len(raw_ns) // ROUNDS)))
    mean_loop_us = sum(loop_ns) / len(loop_ns) / 1000
    raw_us, loop_us = Times.of(raw_ns), Times.of(loop_ns)
    return Benchmark(
        threads=interpreter.threads,
        raw_us=raw_us,
        preprocess_us=Times.of(prepare_ns),
        loop_us=loop_us,
        ratio=round(raw_us.median / loop_us.median, 3),
        fps=round(1e6 / mean_loop_us, 1),
        interpreter=interpreter.name,
        accelerated=interpreter.delegated,
    )


def _time(call: Callable[[], None], round_s: float) -> list[int]:
    """Times of single calls, in nanoseconds, for about `round_s`."""
    for _ in range(_WARM_UP):
        call()
    times_ns = []
    end_ns = time.perf_counter_ns() + int(round_s * 1e9)
    while (start_ns := time.perf_counter_ns()) < end_ns:
        call()
        times_ns.append(time.perf_counter_ns() - start_ns)
    return times_ns


def _time_loop(classifier: Classifier, frames: int) -> list[int]:
    height, width = FRAME_SIZE
    source = f"fake:noise*{frames + _WARM_UP}?size={width}x{height}&pace=max"
    with open_camera(source) as camera, Loop(camera, classifier, threading.Event()) as loop:
        decided_ns = [time.perf_counter_ns() for _seen in loop]
    return [after - before for before, after in pairwise(decided_ns[_WARM_UP:])]
