"""A model serves only after it has passed its golden frames on this very machine.

- `judge` runs them in this process and returns what it saw; it decides nothing.
- `verify` has a child process do so, because a hostile flatbuffer can crash the interpreter; a
  crash, a hang and a wrong answer are all the same ModelFileError to the caller.
- The child is given the bytes that the caller holds: what was verified is what will serve.
"""

import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galago.bundle.classifier import Classifier
from galago.bundle.golden import Golden
from galago.bundle.interpreter import Raw
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import preprocess
from galago.errors import GalagoError, ModelFileError

# Steps of 1/256 by which a score may differ from the recorded one. LiteRT is bit-exact on x86-64
# and aarch64; tflite-runtime's kernels may round otherwise (docs/benchmarks.md, Interpreters).
TOLERANCE_STEPS = 16

# A picture may come out one level different: cv2 rounds in other places on other processors.
TOLERANCE_LEVELS = 1

DEADLINE_S = 60.0  # a Pi Zero 2 W needs a few seconds for the largest model one would give it


@dataclass(frozen=True, slots=True)
class Verification:
    """What the golden frames showed.

    `agreement`: share of the golden frames whose top class is the recorded one. `exact`: every
    output is the recorded one, bit for bit. `worst_steps`: largest difference of any score, in
    1/256. `median_us`: time of one invoke. `accelerated`: an XNNPACK delegate runs the graph.
    """

    passed: bool
    n: int
    agreement: float
    exact: bool
    worst_steps: float
    median_us: float
    interpreter: str
    accelerated: bool

    def to_dict(self) -> dict[str, Any]:
        """The document that `galago verify --json` prints."""
        return asdict(self)


def verify(
    model: ModelFile,
    *,
    threads: int = 1,
    provider: str | None = None,
    deadline_s: float = DEADLINE_S,
) -> Verification:
    """Run the golden frames in a child process.

    Raises:
        ModelFileError: the model crashes, hangs, cannot be run, or answers otherwise than recorded.
        GalagoError: there is no interpreter.
    """
    # -P: a numpy.py in the current folder must not be taken for the library.
    command = [sys.executable, "-P", "-m", __name__, str(threads), provider or ""]
    try:
        child = _run(command, model.content, deadline_s)
        if child.returncode == -signal.SIGINT:
            # Ctrl-C came in the instant before the child had its session: no fault of the model's.
            child = _run(command, model.content, deadline_s)
    except subprocess.TimeoutExpired as error:
        raise ModelFileError(
            f"the model did not finish its golden frames within {deadline_s:g} s"
        ) from error
    return _read_answer(child)


def open_verified(
    path: Path, *, threads: int = 1, provider: str | None = None
) -> tuple[ModelFile, Verification]:
    """Read a model file, verify it, and return it ready to serve.

    Raises:
        ModelFileError: it is damaged, or fails; the message names `path`.
    """
    model = ModelFile.read(path)
    try:
        return model, verify(model, threads=threads, provider=provider)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error


def as_text(verification: Verification) -> str:
    """The same for a terminal."""
    answers = "bit for bit" if verification.exact else "within tolerance"
    speed = "accelerated" if verification.accelerated else "NOT accelerated"
    return (
        f"passed: {verification.n} golden frames, {verification.agreement:.0%} the same top class, "
        f"answers as recorded {answers}\n"
        f"{verification.interpreter}, {speed}, {verification.median_us:.0f} µs per picture (median)"
    )


def judge(model: ModelFile, *, threads: int = 1, provider: str | None = None) -> Verification:
    """Run the golden frames here.

    Raises:
        ModelFileError: the pictures are prepared differently here, or the answers differ.
    """
    classifier = Classifier.open(model, threads, provider)
    _check_preprocessing(model)
    outputs, median_us = _timed_answers(classifier, model.golden)
    return _compare(classifier, model.golden, outputs, median_us)


def _check_preprocessing(model: ModelFile) -> None:
    spec = model.manifest.preprocess
    for frame, recorded in zip(model.golden.frames, model.golden.inputs, strict=False):
        here = preprocess(frame, spec)
        worst = int(np.abs(here.astype(np.int16) - recorded).max())
        if worst > TOLERANCE_LEVELS:
            raise ModelFileError(
                f"golden frames: preprocessing gives pictures that differ by {worst} levels from "
                "the recorded ones; the model would see other pictures than in training"
            )


def _timed_answers(classifier: Classifier, golden: Golden) -> tuple[list[Raw], float]:
    outputs, times_ns = [], []
    for image in golden.inputs:
        classifier.interpreter.write(image)
        start = time.perf_counter_ns()
        outputs.append(classifier.interpreter.invoke())
        times_ns.append(time.perf_counter_ns() - start)
    return outputs, float(np.median(times_ns)) / 1000


def _compare(
    classifier: Classifier, golden: Golden, outputs: list[Raw], median_us: float
) -> Verification:
    here = np.stack([classifier.scores(raw) for raw in outputs])
    recorded = np.stack([classifier.scores(raw) for raw in golden.outputs])
    worst_steps = float(np.abs(here - recorded).max()) * 256
    agreement = float(np.mean(here.argmax(axis=1) == recorded.argmax(axis=1)))
    # Written so that a NaN fails.
    if not worst_steps <= TOLERANCE_STEPS:
        raise ModelFileError(
            f"golden frames: {agreement:.0%} of {len(here)} answers are the recorded ones, a score "
            f"is off by {worst_steps / 256:.2f}; at most {TOLERANCE_STEPS / 256:.2f} is allowed"
        )
    return Verification(
        passed=True,
        n=len(here),
        agreement=agreement,
        exact=bool(np.array_equal(np.stack(outputs), golden.outputs)),
        worst_steps=round(worst_steps, 2),
        median_us=round(median_us, 1),
        interpreter=classifier.interpreter.name,
        accelerated=classifier.interpreter.delegated,
    )


def _run(
    command: list[str], content: bytes, deadline_s: float
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(  # noqa: S603 - our own module, in our own interpreter
        command,
        input=content,
        capture_output=True,
        timeout=deadline_s,
        check=False,
        start_new_session=True,  # Ctrl-C is for the parent: a killed child looks like a crash
    )


def _read_answer(child: "subprocess.CompletedProcess[bytes]") -> Verification:
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        raise ModelFileError(f"the model crashed the interpreter ({name})")
    try:
        answer = json.loads(child.stdout)
    except ValueError as error:
        last = child.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise ModelFileError(f"the golden frames could not be run: {''.join(last)}") from error
    if "error" in answer:
        kind = ModelFileError if answer["exit_code"] == ModelFileError.exit_code else GalagoError
        raise kind(answer["error"])
    return Verification(**answer)


def _child() -> None:
    """Read a model file from standard input, write the verification to standard output."""
    threads, provider = int(sys.argv[1]), sys.argv[2] or None
    try:
        model = ModelFile.parse(sys.stdin.buffer.read())
        answer = asdict(judge(model, threads=threads, provider=provider))
    except GalagoError as error:
        answer = {"error": str(error), "exit_code": error.exit_code}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    _child()
