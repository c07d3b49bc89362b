"""How fast the machine is with a model: the bare interpreter, and the daemon's whole loop.

- All is measured in turns in the same run, so that a busy machine disturbs everything alike.
- The loop is the daemon's own, fed 640 × 480 frames by the scripted camera: once as fast as it can,
  for its rate; once by a live camera of half that rate, for its latency and what it drops.
- Start-up and memory are those of a real `galago run`, in a process of its own.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from galago.bundle import container
from galago.bundle.classifier import Classifier
from galago.bundle.interpreter import Interpreter
from galago.bundle.model_file import ModelFile, read_limited
from galago.bundle.preprocess import Pixels, PreprocessSpec, Scratch, preprocess
from galago.bundle.verify import try_out
from galago.edge.camera import open_camera
from galago.edge.daemon_cost import daemon_cost
from galago.edge.decision import Decision, DecisionSettings, decide
from galago.edge.loop import Loop
from galago.edge.machine import this_machine
from galago.edge.rules import Rules
from galago.edge.threads import save_threads
from galago.errors import ModelFileError

ROUNDS = 5
FRAME_SIZE = (480, 640)
ROUND_S = 0.4  # long enough for 1 % of a median, short enough for a Pi Zero

_WARM_UP = 20
_MAX_LIVE_FPS = 200.0


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
    640 × 480 frame to the input. `decide_us`: raw answer to scores to decision. `loop_us`: from one
    decision to the next, as fast as it goes. `ratio`: the loop's rate as a share of the raw rate.
    `latency_us`: from a live camera's hand-over of a frame to its decision; `live_fps` its rate,
    `dropped` what the loop did not look at of `live_frames`. `cpu_s_per_1000`: processor seconds,
    of all threads, for a thousand frames. `startup_s`, `rss_mb`: of `galago run`, None where that
    does not run the model.
    """

    threads: int
    raw_us: Times
    preprocess_us: Times
    decide_us: Times
    sequence_us: Times
    loop_us: Times
    ratio: float
    fps: float
    latency_us: Times
    live_fps: float
    live_frames: int
    dropped: int
    cpu_s_per_1000: float
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


def fastest(results: list[Benchmark]) -> Benchmark:
    """The thread count to use; the lower one unless more gain a twentieth."""
    best = results[0]
    for result in results[1:]:
        if result.fps > 1.05 * best.fps:
            best = result
    return best


def save(path: Path, results: list[Benchmark]) -> str:
    """Have `galago run` use the best thread count for this model; says so in a line.

    Raises:
        ModelFileError: the file is none that `galago run` takes.
        OSError: it cannot be written down.
    """
    best = fastest(results)
    saved = save_threads(ModelFile.read(path).sha256, best.interpreter, best.threads)
    return f"galago run will use {best.threads} threads for {path.name} ({saved})"


def document(results: list[Benchmark]) -> dict[str, Any]:
    """What `galago bench --json` prints: the best thread count, and all of them."""
    by_threads = [asdict(result) for result in results]
    machine = asdict(this_machine())
    return asdict(fastest(results)) | {"by_threads": by_threads, "machine": machine}


def as_text(path: Path, results: list[Benchmark]) -> str:
    """A table for people, and a line to paste where a figure is talked about."""
    columns = [(f"{result.threads} thread{'s' * (result.threads > 1)}") for result in results]
    rows = [
        ("raw interpreter, µs", [_times(result.raw_us) for result in results]),
        ("preprocessing, µs", [_times(result.preprocess_us) for result in results]),
        ("scores and decision, µs", [_times(result.decide_us) for result in results]),
        ("one after the other, µs", [_times(result.sequence_us) for result in results]),
        ("whole loop, µs", [_times(result.loop_us) for result in results]),
        ("  frames per second", [f"{result.fps:.0f}" for result in results]),
        ("  share of the raw rate", [f"{result.ratio:.2f}" for result in results]),
        ("  CPU s per 1000 frames", [f"{result.cpu_s_per_1000:.2f}" for result in results]),
        ("frame to decision, µs", [_times(result.latency_us) for result in results]),
        ("  camera's frames per second", [f"{result.live_fps:.0f}" for result in results]),
        ("  dropped", [f"{result.dropped} of {result.live_frames}" for result in results]),
    ]
    best = fastest(results)
    if best.startup_s is not None:
        rows.append(("start to first answer, s", [f"{r.startup_s:.2f}" for r in results]))
        rows.append(("peak memory, MB", [f"{r.rss_mb:.0f}" for r in results]))
    lines = [f"{'median (p95, p99)':<30}" + "".join(f"{column:>24}" for column in columns)]
    lines += [f"{name:<30}" + "".join(f"{cell:>24}" for cell in cells) for name, cells in rows]
    return "\n".join([*lines, "", _one_line(path, best)])


def _one_line(path: Path, best: Benchmark) -> str:
    accelerated = "accelerated" if best.accelerated else "NOT accelerated"
    return (
        f"{path.name}: raw {best.raw_us.median:.0f} µs, loop {best.loop_us.median:.0f} µs, "
        f"{best.fps:.0f} fps, {best.threads} thread{'s' * (best.threads > 1)}, "
        f"{best.interpreter} {accelerated}; 640 × 480; {this_machine()}"
    )


def _times(times: Times) -> str:
    return f"{times.median:.0f} ({times.p95:.0f}, {times.p99:.0f})"


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
    calls = _calls(classifier)
    times_ns: dict[str, list[int]] = {name: [] for name in calls}
    loop_ns: list[int] = []
    cpu_ns = 0
    for _ in range(ROUNDS):
        for name, call in calls.items():
            times_ns[name] += _time(call, round_s)
        frames = min(2000, max(50, len(times_ns["raw"]) // ROUNDS))
        before_ns = time.process_time_ns()
        loop_ns += _time_loop(classifier, frames)
        cpu_ns += (time.process_time_ns() - before_ns) * 1000 // (frames + _WARM_UP)
    raw_us, loop_us = Times.of(times_ns["raw"]), Times.of(loop_ns)
    fps = 1e9 * len(loop_ns) / sum(loop_ns)
    live_fps = min(_MAX_LIVE_FPS, fps / 2)
    latency_ns, dropped = _time_live(classifier, live_fps, max(20, round(live_fps * 5 * round_s)))
    return Benchmark(
        threads=classifier.interpreter.threads,
        raw_us=raw_us,
        preprocess_us=Times.of(times_ns["prepare"]),
        decide_us=Times.of(times_ns["decide"]),
        sequence_us=Times.of(times_ns["sequence"]),
        loop_us=loop_us,
        ratio=round(raw_us.median / loop_us.median, 3),
        fps=round(fps, 1),
        latency_us=Times.of(latency_ns),
        live_fps=round(live_fps, 1),
        live_frames=len(latency_ns) + dropped,
        dropped=dropped,
        cpu_s_per_1000=round(cpu_ns / ROUNDS / 1e9, 3),
        interpreter=classifier.interpreter.name,
        accelerated=classifier.interpreter.delegated,
    )


def _calls(classifier: Classifier) -> dict[str, Callable[[], None]]:
    """The parts of the loop, one by one."""
    random = np.random.default_rng(0)
    frame: Pixels = random.integers(0, 256, (*FRAME_SIZE, 3), np.uint8)
    image = preprocess(frame, classifier.spec)
    interpreter, scratch = classifier.interpreter, Scratch()
    rules = Rules.of(DecisionSettings(), classifier)
    interpreter.write(image)
    answer = interpreter.invoke()
    decision: Decision | None = None

    def raw() -> None:
        interpreter.write(image)
        interpreter.invoke()

    def prepare() -> None:
        preprocess(frame, classifier.spec, image, scratch)

    def settle() -> None:
        nonlocal decision
        decision = decide(decision, classifier.scores(answer), time.monotonic_ns(), rules)

    def sequence() -> None:
        prepare()
        raw()
        settle()

    return {"raw": raw, "prepare": prepare, "decide": settle, "sequence": sequence}


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
    """Nanoseconds from each decision to the next, as fast as the loop goes."""
    with _loop(classifier, frames, "pace=max") as loop:
        decided_ns = [time.perf_counter_ns() for _seen in loop]
    return [after - before for before, after in pairwise(decided_ns[_WARM_UP:])]


def _time_live(classifier: Classifier, fps: float, frames: int) -> tuple[list[int], int]:
    """Nanoseconds from a frame's hand-over to its decision; how many frames were dropped."""
    with _loop(classifier, frames, f"fps={fps:.3f}") as loop:
        late_ns = [time.monotonic_ns() - seen.frame.time_ns for seen in loop]
        return late_ns[_WARM_UP:], loop.dropped


def _loop(classifier: Classifier, frames: int, pace: str) -> Loop:
    height, width = FRAME_SIZE
    source = f"fake:noise*{frames + _WARM_UP}?size={width}x{height}&{pace}"
    return Loop(partial(open_camera, source), classifier, threading.Event())
