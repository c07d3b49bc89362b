"""A model serves only after it has passed its golden frames on that very machine.

- `judge` runs them in this process and returns what it saw, or raises if a step came out otherwise;
  the message says which: the preparing of the pictures, or the model's answers to them.
- Where the bits must be the same they have to be: an integer model, the interpreter that recorded
  the answers, accelerated as then, on a 64-bit PC or Arm. From the one to the other a value may be
  one step off. Elsewhere within the recorded tolerance.
- `verify` has a child process do so, because a hostile file can crash the interpreter, never end or
  ask for all memory; a crash, a limit and a wrong answer are all a ModelFileError to the caller.
- The child is given the bytes that the caller holds: what was verified is what will serve.
- `try_out` asks less, of models without golden frames: do they load and run at all?
"""

import importlib
import json
import math
import platform
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galago.bundle import sandbox
from galago.bundle.classifier import Classifier, Scores
from galago.bundle.golden import Golden
from galago.bundle.interpreter import PROVIDERS, Interpreter
from galago.bundle.manifest import Recorded
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import PreprocessSpec, preprocess
from galago.errors import GalagoError, ModelFileError
from galago.noise import hushed

# A picture may come out one level different: cv2 rounds in other places on other processors.
TOLERANCE_LEVELS = 1

# Where LiteRT's integer kernels were measured to give the same bits, by kind of processor. From one
# kind to the other they do so up to SOFTMAX, which has other tables on 64-bit Arm: with ten classes
# one answer in two hundred has a value one step off (docs/benchmarks.md).
_KINDS = {"x86_64": "PC", "amd64": "PC", "aarch64": "Arm", "arm64": "Arm"}

DEADLINE_S = 60.0  # a Pi Zero 2 W needs a few seconds for the largest model one would give it

# For the child, beyond the 70 MB that Python, numpy, OpenCV and LiteRT take: together below 300 MB,
# on a Pi of 512 MB that serves meanwhile. It holds a model twice: as it is, and packed for kernels.
MEMORY = 192 << 20

Rule = Literal["same bits", "one step", "within tolerance"]
Task = Literal["judge", "try"]

_RUNS: dict[Task, str] = {"judge": "its golden frames", "try": "a single picture"}


@dataclass(frozen=True, slots=True)
class Verification:
    """What the golden frames showed.

    `agreement`: share of the golden frames whose top class is the recorded one. `rule`: what was
    asked of the answers, "same bits", "one step" of the output's type at most, or "within
    tolerance"; `tolerance`: by how much a score may differ, 0–1, under the last. `exact`: every
    output is the recorded one, bit for bit. `worst_steps`: largest difference of any score, in
    1/256. `same_pictures`: every frame was prepared to the recorded picture, bit for bit; otherwise
    within TOLERANCE_LEVELS. `median_us`: time of one invoke. `accelerated`: an XNNPACK delegate
    runs the graph.
    """

    passed: bool
    n: int
    agreement: float
    exact: bool
    rule: str
    tolerance: float
    worst_steps: float
    same_pictures: bool
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
        ModelFileError: the model crashes, does not end, asks for too much, cannot be run, or
            answers otherwise than recorded.
        GalagoError: there is no interpreter.
    """
    return _checked(_ask("judge", model.content, threads, provider, deadline_s))


def try_out(
    flatbuffer: bytes, *, provider: str | None = None, deadline_s: float = DEADLINE_S
) -> None:
    """Load a bare flatbuffer in a child process and run it once, before anyone does so here.

    Raises:
        ModelFileError: it crashes, does not end, asks for too much, or is no image classifier.
        GalagoError: there is no interpreter.
    """
    _ask("try", flatbuffer, 1, provider, deadline_s)


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
    tolerance = f"within {verification.tolerance:.3f}"
    asked = tolerance if verification.rule == "within tolerance" else verification.rule
    answers = "bit for bit" if verification.exact else tolerance
    pictures = "bit for bit" if verification.same_pictures else "within one level"
    speed = "accelerated" if verification.accelerated else "NOT accelerated"
    return (
        f"passed: {verification.n} golden frames, {verification.agreement:.0%} the same top class\n"
        f"pictures prepared as recorded {pictures}, answers as recorded {answers} "
        f"(asked: {asked})\n"
        f"{verification.interpreter}, {speed}, {verification.median_us:.0f} µs per picture (median)"
    )


def judge(model: ModelFile, *, threads: int = 1, provider: str | None = None) -> Verification:
    """Run the golden frames here.

    Raises:
        ModelFileError: the golden frames are of another model, the pictures are prepared
            differently here, or the answers differ.
    """
    recorded, spec = model.manifest.golden, model.manifest.preprocess
    classifier = Classifier.open(model, threads, provider)
    golden = model.golden
    _check_fit(golden, classifier, recorded)
    levels = _levels_off(golden, spec)
    outputs, median_us = _timed_answers(classifier, golden)
    here, there = (
        np.stack([classifier.scores(raw) for raw in o]) for o in (outputs, golden.outputs)
    )
    off = np.abs(here - there).max(axis=1)
    exact = np.array_equal(outputs, golden.outputs)
    rule = _rule(classifier, recorded)
    _check_steps(levels, _answers_fault(outputs, golden, off, rule, recorded))
    return Verification(
        passed=True,
        n=len(outputs),
        agreement=float(np.mean(here.argmax(axis=1) == there.argmax(axis=1))),
        exact=exact,
        rule=rule,
        tolerance=recorded.tolerance,
        worst_steps=round(float(off.max()) * 256, 2),
        same_pictures=not any(levels),
        median_us=round(median_us, 1),
        interpreter=classifier.interpreter.name,
        accelerated=classifier.interpreter.delegated,
    )


def _check_fit(golden: Golden, classifier: Classifier, recorded: Recorded) -> None:
    n, output = len(golden.inputs), classifier.interpreter.output
    inputs = (n, classifier.spec.height, classifier.spec.width, 3)
    outputs = (n, output.shape[1])
    if golden.inputs.shape != inputs or golden.inputs.dtype != np.uint8:
        raise ModelFileError(
            f"damaged: the golden frames have inputs {golden.inputs.shape} {golden.inputs.dtype}, "
            f"the model needs {inputs} uint8"
        )
    if golden.outputs.shape != outputs or golden.outputs.dtype != output.dtype:
        raise ModelFileError(
            f"damaged: the golden frames have answers {golden.outputs.shape} "
            f"{golden.outputs.dtype}, the model gives {outputs} {output.dtype}"
        )
    # Schema 1 did not say how many there are, and kept fewer frames than inputs.
    if recorded.frames not in (0, len(golden.frames)):
        raise ModelFileError(
            f"damaged: {len(golden.frames)} golden frames, galago.json names {recorded.frames}"
        )


def _levels_off(golden: Golden, spec: PreprocessSpec) -> list[int]:
    """By how many of 255 levels each frame, prepared here, differs from the recorded picture."""
    pairs = zip(golden.frames, golden.inputs, strict=False)
    return [
        int(np.abs(preprocess(frame, spec).astype(np.int16) - recorded).max())
        for frame, recorded in pairs
    ]


def _timed_answers(classifier: Classifier, golden: Golden) -> tuple[NDArray[Any], float]:
    outputs, times_ns = [], []
    for image in golden.inputs:
        classifier.interpreter.write(image)
        start = time.perf_counter_ns()
        outputs.append(classifier.interpreter.invoke())
        times_ns.append(time.perf_counter_ns() - start)
    return np.stack(outputs), float(np.median(times_ns)) / 1000


def _rule(classifier: Classifier, recorded: Recorded) -> Rule:
    """What can be asked of the answers on this machine."""
    interpreter = classifier.interpreter
    here = (interpreter.name, interpreter.delegated)
    as_recorded = here == (recorded.interpreter, recorded.accelerated)
    kind = _KINDS.get(platform.machine().lower())
    if not (kind and as_recorded and recorded.exact and interpreter.is_integer):
        return "within tolerance"
    return "same bits" if kind == _KINDS.get(recorded.machine.lower()) else "one step"


def _answers_fault(
    outputs: NDArray[Any], golden: Golden, off: Scores, rule: Rule, recorded: Recorded
) -> str:
    """What is wrong with the answers, (n, classes) each, whose scores are `off`, (n,); or ""."""
    if rule == "same bits":
        wrong = (outputs != golden.outputs).any(axis=1)
        asked = f"the same bits, as {recorded.interpreter} gives on every such processor"
    elif rule == "one step":
        wrong = (np.abs(outputs.astype(np.int32) - golden.outputs) > 1).any(axis=1)
        asked = f"one step at most, as {recorded.interpreter} gives on every processor"
    else:
        wrong = ~(off <= recorded.tolerance)  # written so that a NaN is wrong
        asked = f"at most {recorded.tolerance:.3f}"
    if not wrong.any():
        return ""
    return (
        f"{wrong.sum()} of {len(off)} answers differ, a score by {float(off.max()):.3f}; expected "
        f"{asked}"
    )


def _check_steps(levels: list[int], answers_fault: str) -> None:
    """Raise unless both steps came out as recorded; the message says which did not."""
    wrong = sum(level > TOLERANCE_LEVELS for level in levels)
    if wrong:
        answers = answers_fault or "its answers to the recorded pictures are right"
        raise ModelFileError(
            f"golden frames: preprocessing differs for {wrong} of {len(levels)} pictures, by up to "
            f"{max(levels)} of 255 levels, at most {TOLERANCE_LEVELS} is allowed: the model would "
            f"see other pictures than in training ({answers})"
        )
    if answers_fault:
        raise ModelFileError(
            f"golden frames: the model answers otherwise: {answers_fault} (the pictures are "
            "prepared as recorded)"
        )


def _ask(
    task: Task, content: bytes, threads: int, provider: str | None, deadline_s: float
) -> dict[str, Any]:
    """Have a child do a task; its answer."""
    arguments = (task, len(content), threads, math.ceil(deadline_s), provider or "")
    # -P: a numpy.py in the current folder must not be taken for the library.
    command = [sys.executable, "-P", "-m", __name__, *map(str, arguments)]
    child = sandbox.run(command, content, deadline_s)
    if child.status == -signal.SIGINT:
        # Ctrl-C came in the instant before the child had its session: no fault of the model's.
        child = sandbox.run(command, content, deadline_s)
    return _read_answer(child, _RUNS[task], deadline_s)


def _read_answer(child: sandbox.Ended, runs: str, deadline_s: float) -> dict[str, Any]:
    if child.late or child.signal_name == "SIGXCPU":
        raise ModelFileError(f"the model did not finish {runs} within {deadline_s:g} s")
    if child.signal_name:
        raise ModelFileError(f"the model crashed the interpreter ({child.signal_name})")
    if len(child.output) > sandbox.MAX_OUTPUT:
        raise ModelFileError(f"the model could not run {runs}: it made too much noise")
    lines = child.output.decode(errors="replace").strip().splitlines()
    # Behind its answer may stand what C++ libraries say when they are unloaded.
    answers = [line for line in lines if line.startswith("{")]
    try:
        answer = json.loads(answers[-1])
    except (IndexError, ValueError, RecursionError) as error:
        last = _plain("".join(lines[-1:])) or f"exit status {child.status}"
        raise ModelFileError(f"the model could not run {runs}: {last}") from error
    if "error" in answer:
        kind = ModelFileError if answer["exit_code"] == ModelFileError.exit_code else GalagoError
        raise kind(_plain(str(answer["error"])))
    return dict(answer)


def _checked(answer: dict[str, Any]) -> Verification:
    """The child may have been taken over: it can claim to have passed, but nothing malformed."""
    expected = {field.name: field.type for field in fields(Verification)}
    if {name: type(value) for name, value in answer.items()} != expected or not answer["passed"]:
        raise ModelFileError("the model could not run its golden frames: the answer is malformed")
    return Verification(**answer)


def _plain(said: str) -> str:
    """One line that leaves a terminal as it is, whatever the child has said."""
    return "".join(sign if sign.isprintable() else " " for sign in said)[:1000].strip()


def _child() -> None:
    """Do the task with what comes from standard input, write the answer to standard output."""
    task, size, threads, cpu_s = sys.argv[1], *map(int, sys.argv[2:5])
    provider = sys.argv[5] or None
    _preload(provider)
    sandbox.confine(memory=MEMORY, cpu_s=cpu_s * threads + 1)
    try:
        content = sys.stdin.buffer.read(size)
        if task == "try":
            answer = _tried(content, threads, provider)
        else:
            # What is read once is not kept twice: a large model needs the room.
            model = replace(ModelFile.parse(content), content=b"")
            del content
            answer = judge(model, threads=threads, provider=provider).to_dict()
    except MemoryError:
        answer = _refusal(f"the model needs more than {MEMORY >> 20} MB")
    except GalagoError as error:
        answer = _refusal(str(error), error.exit_code)
    sys.stdout.write(f"\n{json.dumps(answer)}\n")


def _tried(flatbuffer: bytes, threads: int, provider: str | None) -> dict[str, Any]:
    interpreter = Interpreter(flatbuffer, threads, provider)
    interpreter.write(np.zeros((*interpreter.size, 3), np.uint8))
    interpreter.invoke()
    return {"interpreter": interpreter.name}


def _preload(provider: str | None) -> None:
    """Import the interpreter before memory is limited: its libraries are not the model's fault."""
    for module in [PROVIDERS[provider]] if provider else PROVIDERS.values():
        with suppress(ImportError), hushed():
            importlib.import_module(module)
            return


def _refusal(message: str, exit_code: int = ModelFileError.exit_code) -> dict[str, Any]:
    return {"error": message, "exit_code": exit_code}


if __name__ == "__main__":
    _child()
