"""The command's manners: help with an example, refusals in one line, quiet leave."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from galago.cli import app
from tests.conftest import Outcome
from tests.house.environments import HANG_S, Environment, users_variables

VERBS = [
    command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands
]

# What was typed → what the one line says of it. MODEL stands for a model file.
REFUSED = {
    "verfy MODEL": ["'verfy'", "Did you mean 'verify'"],
    "--nosuch": ["--nosuch", "galago --help"],
    "inspect": ["'file'", "galago --help"],
    "inspect MODEL --nosuch": ["--nosuch", "galago --help"],
    "inspect MODEL another": ["another", "galago --help"],
    "verify MODEL --threads 0": ["--threads", "greater than or equal to 1"],
    "verify MODEL --threads two": ["--threads", "integer"],
    "verify MODEL --interpreter onnx": ["--interpreter", "'onnx'", "'tflite-runtime'"],
    "bench MODEL --interpreter onnx": ["--interpreter", "'onnx'", "'tflite-runtime'"],
    "classify MODEL": ["'images'"],
    "classify MODEL nowhere.jpg": ["nowhere.jpg", "expected a file, a folder or a pattern"],
    "run --model MODEL": ["--camera"],
    "run --model MODEL --camera fake:brs": ["'brs'", "did you mean 'bars'"],
    "train nowhere --out run": ["nowhere is not a folder", "one folder of pictures per class"],
    "train nowhere --out run --epochs 0": ["--epochs", "greater than or equal to 1"],
    "train nowhere --out run --crop middle": ["--crop", "'middle'", "'centre'"],
    "evaluate nowhere pictures": ["nowhere", "galago train"],
    "convert nowhere --out x.tflite": ["nowhere", "galago train"],
    "convert nowhere --out x.tflite --max-drop -1": ["--max-drop", "greater than or equal to 0"],
}

WORKSTATION_VERBS = [
    "train pictures --out run",
    "evaluate run pictures",
    "convert run --out x.tflite",
    "demo demo",
]


def one_line(error: str) -> str:
    """The one line that a refused command may say."""
    assert error.endswith("\n")
    (line,) = error.splitlines()
    assert line.startswith("galago: ")
    return line


def words(typed: str, model: Path) -> list[str]:
    return [str(model) if word == "MODEL" else word for word in typed.split()]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(galago: Callable[..., Outcome], verb: str) -> None:
    """Whoever asks a verb for help sees how it is called."""
    outcome = galago(verb, "--help")
    assert outcome.code == 0
    assert re.search(rf"Example: (sudo )?galago {verb}", outcome.out)
    assert outcome.err == ""


def test_help_lists_every_verb(galago: Callable[..., Outcome]) -> None:
    """Without a word, the command says what it can do."""
    for outcome in (galago(), galago("--help")):
        assert outcome.code == 0
        listed = [line.split()[0] for line in outcome.out.splitlines() if line.startswith("  ")]
        assert set(VERBS) <= set(listed)


@pytest.mark.parametrize("typed", REFUSED)
def test_wrong_usage_is_one_line_and_exit_2(
    galago: Callable[..., Outcome], model_path: Path, typed: str
) -> None:
    """What cannot be meant is refused with what was expected, and nothing on standard output."""
    outcome = galago(*words(typed, model_path))
    assert outcome.code == 2
    assert outcome.out == ""
    line = one_line(outcome.err)
    assert all(said in line for said in REFUSED[typed]), line


def test_the_installed_command_leaves_with_the_same_code(workstation: Environment) -> None:
    """The process ends as the function says."""
    done = workstation.galago("inspect")
    assert (done.returncode, done.stdout) == (2, "")
    one_line(done.stderr)


@pytest.mark.parametrize("typed", WORKSTATION_VERBS)
def test_a_workstations_verb_names_its_extra_on_a_camera(
    edge: Environment, tmp_path: Path, typed: str
) -> None:
    """Where TensorFlow is missing, one line says what to install."""
    done = edge.galago(*typed.split(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'galago[train]'" in one_line(done.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("typed", ["--help", "inspect MODEL", "inspect MODEL --json"])
def test_a_reader_that_has_left_is_no_error_to_shout_about(
    workstation: Environment, model_path: Path, typed: str
) -> None:
    """Into a closed pipe, as with `| head -0`, the command ends without a word."""
    command = [str(workstation.python.parent / "galago"), *words(typed, model_path)]
    assert into_closed_pipe(command) == (1, "")


def test_a_running_camera_ends_when_its_reader_leaves(
    workstation: Environment, model_path: Path, pictures: Path
) -> None:
    """`run` stops at the first event that nobody takes; all it has said is that it looks."""
    source = f"fake:{min(pictures.iterdir())}*forever"
    program = str(workstation.python.parent / "galago")
    command = [program, "run", "--model", str(model_path), "--camera", source]
    code, error = into_closed_pipe(command)
    assert code == 1
    assert "looks at" in one_line(error)


def into_closed_pipe(command: list[str]) -> tuple[int, str]:
    """Run with a standard output that nobody reads; return the exit code and standard error."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as output:
        done = subprocess.run(
            command,
            env=users_variables(),  # PYTHONUNBUFFERED would hide a write that comes too late
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            timeout=HANG_S,
            check=False,
        )
    return done.returncode, done.stderr
