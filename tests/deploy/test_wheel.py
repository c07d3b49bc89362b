"""The wheel of the running Galago: the same each time, whole, and of use before it is installed."""

import base64
import csv
import hashlib
import json
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from galago.deploy.wheel import write_wheel
from tests.house.environments import REPOSITORY, ROOTS, Environment, bare

OURS = {"galago.errors", "galago.files"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A fresh environment with it and nothing else."""
    return bare(tmp_path_factory.mktemp("environment") / "venv", wheel)


def files_of_the_tree() -> set[str]:
    return {
        path.relative_to(REPOSITORY / root).as_posix()
        for root in ROOTS
        for path in (REPOSITORY / root / "galago").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_two_wheels_are_equal_to_the_byte(wheel: Path, tmp_path: Path) -> None:
    """Whenever and wherever they are made, so that a release is known by its content."""
    assert write_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_it_holds_what_belongs_to_galago_and_no_more(wheel: Path) -> None:
    """Of the working tree: no tests, no benchmarks, nothing compiled; units and locks followed."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    package = {name for name in names if name.startswith("galago/")}
    assert package >= files_of_the_tree()
    assert {name.split("/")[0] for name in names - package} == {"galago-0.1.0.dist-info"}
    parts = {name.split("/")[1] for name in package if name.count("/") > 1}
    assert parts == {"bundle", "convert", "deploy", "edge", "train", "verbs"}
    units = {
        f"galago/deploy/{p.relative_to(REPOSITORY)}" for p in REPOSITORY.glob("systemd/**/*.*")
    }
    assert units - {f"galago/deploy/systemd/{p.name}" for p in REPOSITORY.glob("systemd/*.d")} <= (
        package
    )
    assert "galago/deploy/locks/bookworm-32.txt" in package
    assert not any("__pycache__" in name for name in names)


def test_its_record_is_true(wheel: Path) -> None:
    """Every file, with its digest and its size."""
    with zipfile.ZipFile(wheel) as archive:
        (record,) = (name for name in archive.namelist() if name.endswith("/RECORD"))
        rows = list(csv.reader(archive.read(record).decode().splitlines()))
        for name, digest, size in rows:
            if name != record:
                found = hashlib.sha256(archive.read(name)).digest()
                wanted = base64.urlsafe_b64encode(found).rstrip(b"=").decode()
                assert (digest, int(size)) == (f"sha256={wanted}", len(archive.read(name)))
        files = {name for name in archive.namelist() if not name.endswith("/")}
    assert {name for name, _, _ in rows} == files


def test_it_can_be_installed_and_answers(installed: Environment) -> None:
    """By pip, in a fresh environment, beside the packages that this one has."""
    packages = sysconfig.get_path("purelib")
    done = installed.galago("--version", PYTHONPATH=packages)
    assert (done.returncode, done.stdout) == (0, "galago 0.1.0\n")


def test_an_installed_galago_makes_the_same_wheel(
    installed: Environment, wheel: Path, tmp_path: Path
) -> None:
    """Whether it is being developed or was installed is not to be seen in it."""
    code = "import pathlib, galago.deploy.wheel as w; w.write_wheel(pathlib.Path())"
    done = installed.run("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_the_installer_in_it_needs_nothing_else(wheel: Path, tmp_path: Path) -> None:
    """Out of the archive, by a Python without any package, it says what this machine is."""
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong file was imported')\n")
    bare_python = Environment(Path(sys.executable))
    words = ["-S", "-P", "-m", "galago.deploy.device", "facts"]
    done = bare_python.run(*words, cwd=tmp_path, PYTHONPATH=str(wheel))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["schema"] == 1


def test_the_installer_loads_only_its_own(wheel: Path) -> None:
    """And so cannot fail for what is not yet there."""
    code = (
        "import sys, galago.deploy.device.__main__\n"
        "print(*(n for n, m in sys.modules.items() if n.startswith('galago.')"
        " and getattr(m, '__file__', None)))"
    )
    done = Environment(Path(sys.executable)).run("-S", "-P", "-c", code, PYTHONPATH=str(wheel))
    assert done.returncode == 0, done.stderr
    found = {name for name in done.stdout.split() if not name.startswith("galago.deploy")}
    assert found <= OURS
