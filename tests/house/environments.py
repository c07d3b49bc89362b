"""Real Python environments, made from packages as a user would make them.

- Third-party packages come from the project's own locks, with their digests checked.
- What is tested in them is the wheel, never the source tree.
- A made environment is kept in .cache/environments until its lock or its Python changes; the wheel
  in it is replaced in every session.

    edge = locked("edge", Path(sys.executable), wheel)
    print(edge.answer("verify", model, "--json"))
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
ROOTS = ("train", "convert", "edge", "deploy")

HANG_S = 240.0  # what a command may last at most before a test calls it a hang


@dataclass(frozen=True)
class Environment:
    """A Python with packages; commands see none of the caller's PYTHON… variables."""

    python: Path

    def run(
        self, *words: object, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run this Python with the given arguments."""
        return _run(self.python, *words, cwd=cwd, **variables)

    def galago(
        self, *words: object, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the installed command."""
        return _run(self.python.parent / "galago", *words, cwd=cwd, **variables)

    def answer(self, *words: object, cwd: Path | None = None, **variables: str) -> Any:
        """Run the installed command and return the one JSON document that it prints."""
        done = self.galago(*words, cwd=cwd, **variables)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def build_wheel(folder: Path) -> Path:
    """Build the project as it lies here, and return the wheel."""
    _must(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=REPOSITORY)
    (wheel,) = folder.glob("*.whl")
    return wheel


def bare(folder: Path, wheel: Path) -> Environment:
    """A new environment with the wheel and nothing else."""
    return _with_wheel(_venv(folder, Path(sys.executable)), wheel)


def locked(name: str, python: Path, wheel: Path) -> Environment:
    """The environment of locks/<name>.txt for `python`, made where it is missing."""
    lock = REPOSITORY / "locks" / f"{name}.txt"
    version = _must(python, "-c", "import sys; print(sys.version, sys.base_prefix)")
    digest = hashlib.sha256(lock.read_bytes() + version.encode()).hexdigest()[:16]
    folder = REPOSITORY / ".cache" / "environments" / f"{name}-{digest}"
    ready = folder / "ready"  # absent when making it was interrupted
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        install(_venv(folder, python), "--require-hashes", "-r", lock)
        ready.touch()
    return _with_wheel(Environment(folder / "bin" / "python"), wheel)


def install(environment: Environment, *words: object) -> None:
    """Install packages with this session's pip; the environments need none of their own."""
    _must(sys.executable, "-m", "pip", "--python", environment.python, "install", "--quiet", *words)


def lend(packages: Path, folder: Path, *, without: tuple[str, ...]) -> str:
    """Link installed packages into `folder`, but for some; return the PYTHONPATH that lends them.

    The editable Galago among them stays behind, because Python reads .pth files only where a
    package is installed.
    """
    (folder / "packages").mkdir()
    for entry in packages.iterdir():
        if not entry.name.startswith(without):
            (folder / "packages" / entry.name).symlink_to(entry)
    # cv2 looks for its binary right behind the path's first entry, which so must not be its own.
    return os.pathsep.join([str(folder), str(folder / "packages")])


def users_variables() -> dict[str, str]:
    """The variables of a user who has set none of Python's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def find_python(version: str) -> Path:
    """The running Python if it is of `version`, else one beside it or on the path that works.

    Beside, as version managers keep them.
    """
    name, major_minor = f"python{version}", tuple(int(part) for part in version.split("."))
    if sys.version_info[:2] == major_minor:
        return Path(sys.executable)
    beside = sorted(Path(sys.base_prefix).parent.glob(f"{version}*/bin"), reverse=True)
    for folder in [*beside, *map(Path, os.get_exec_path())]:
        python = folder / name
        # Run, not only found: version managers leave commands that only say what is not installed.
        if python.exists() and _run(python, "-c", "import venv").returncode == 0:
            return python
    pytest.skip(f"{name} is missing from the path")


def _venv(folder: Path, python: Path) -> Environment:
    _must(python, "-m", "venv", "--without-pip", folder)
    return Environment(folder / "bin" / "python")


def _with_wheel(environment: Environment, wheel: Path) -> Environment:
    install(environment, "--no-deps", "--no-index", "--force-reinstall", wheel)
    return environment


def _must(*command: object, cwd: Path | None = None) -> str:
    done = _run(*command, cwd=cwd)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stderr}"
    return done.stdout


def _run(
    *command: object, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=users_variables() | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
