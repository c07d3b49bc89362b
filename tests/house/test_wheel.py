"""The guard: what is built is whole, and is found beside files of the same names."""

import os
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.house.environments import REPOSITORY, ROOTS, Environment

PACKAGES = os.pathsep.join(sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))

TYPED_CONSUMER = """
from galago.bundle.preprocess import PreprocessSpec
from galago.convert.gate import Comparison
from galago.edge.decision import DecisionSettings
from galago.errors import GalagoError
from galago.train.metrics import Metrics

height: int = PreprocessSpec(64, 64).height
wrong: str = PreprocessSpec(64, 64).height  # type: ignore[assignment]
hold_s: float = DecisionSettings().hold_s
wrong = DecisionSettings().hold_s  # type: ignore[assignment]
exit_code: int = GalagoError().exit_code
wrong = GalagoError().exit_code  # type: ignore[assignment]


def accuracy(comparison: Comparison, metrics: Metrics) -> None:
    wrong: list[str] = comparison.drop_points  # type: ignore[assignment]
    wrong = metrics.accuracy  # type: ignore[assignment]
"""


def source_files() -> set[str]:
    """Every file of the four roots, by its name in a wheel."""
    return {
        str((Path(folder) / name).relative_to(REPOSITORY / root))
        for root in ROOTS
        for folder, _, names in os.walk(REPOSITORY / root / "galago", followlinks=True)
        if "__pycache__" not in Path(folder).parts
        for name in names
    }


def modules() -> list[str]:
    """Every module of the four roots, by the name that it is imported by."""
    names = (name.removesuffix(".py") for name in source_files() if name.endswith(".py"))
    return sorted(name.removesuffix("/__init__").replace("/", ".") for name in names)


def parts() -> list[str]:
    """The folders directly in galago: bundle, edge, train and so on."""
    return sorted({name.split("/")[1] for name in source_files() if name.count("/") > 1})


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with a file for every part's name, each of which fails when it is imported."""
    for part in parts():
        (tmp_path / f"{part}.py").write_text("raise SystemExit('the wrong file was imported')\n")
    return tmp_path


def test_every_folder_that_holds_a_portion_is_known() -> None:
    """A fifth source root cannot be forgotten by the tests that walk the roots."""
    found = {
        folder.parent.name for folder in REPOSITORY.glob("*/galago") if any(folder.rglob("*.py"))
    }
    assert found == set(ROOTS)


def test_the_only_top_level_name_is_galago(wheel: Path) -> None:
    """An installed Galago takes one name in the user's environment, and no other."""
    tops = {name.split("/")[0] for name in names(wheel)}
    (information,) = {top for top in tops if top.endswith(".dist-info")}
    assert tops == {"galago", information}


def test_galago_is_a_namespace(wheel: Path) -> None:
    """An __init__.py in galago/ would hide all roots but one."""
    assert "galago/__init__.py" not in names(wheel)


def test_the_wheel_holds_every_source_file(wheel: Path) -> None:
    """Nothing of any root is left out, nothing else gets in."""
    assert {name for name in names(wheel) if name.startswith("galago/")} == source_files()


def test_the_roots_hold_what_the_guard_looks_for() -> None:
    """The lists above are of real things: a part, a subpackage and a module of every root."""
    assert {"bundle", "convert", "deploy", "edge", "train"} <= set(parts())
    assert {"galago.cli", "galago.edge.camera.fake", "galago.train.sample"} <= set(modules())


def test_every_part_says_that_it_is_typed(wheel: Path) -> None:
    """Type checkers look into a part only where its py.typed lies."""
    markers = {"galago/py.typed", *(f"galago/{part}/py.typed" for part in parts())}
    assert markers <= names(wheel)


def test_the_report_travels_with_its_template(wheel: Path) -> None:
    """A file that is no module is in the wheel too."""
    assert "galago/train/templates/report.html" in names(wheel)


def test_hostile_files_are_hostile(fresh: Environment, hostile: Path) -> None:
    """In that folder `import train` does take the wrong file, so the next tests prove something."""
    done = fresh.run("-c", "import train", cwd=hostile)
    assert done.returncode == 1
    assert "the wrong file was imported" in done.stderr


def test_every_part_is_imported_beside_hostile_files(fresh: Environment, hostile: Path) -> None:
    """Every module comes from the wheel, whatever lies in the current folder."""
    code = f"import {', '.join(modules())}\nprint(*galago.__path__, sep='\\n')"
    done = fresh.run("-c", code, cwd=hostile, PYTHONPATH=PACKAGES)
    assert done.returncode == 0, done.stderr
    (origin,) = done.stdout.splitlines()
    assert Path(origin).is_relative_to(fresh.python.parents[1])


def test_the_command_runs_beside_hostile_files(fresh: Environment, hostile: Path) -> None:
    """The installed command, and the module that it starts, take no part from there."""
    for done in (
        fresh.galago("--help", cwd=hostile, PYTHONPATH=PACKAGES),
        fresh.run("-m", "galago.cli", "--help", cwd=hostile, PYTHONPATH=PACKAGES),
    ):
        assert done.returncode == 0, done.stderr
        assert "Usage: galago" in done.stdout


def test_a_model_is_verified_beside_hostile_files(
    fresh: Environment, hostile: Path, model_path: Path
) -> None:
    """The child process that runs the golden frames takes nothing from there either."""
    (hostile / "numpy.py").write_text("raise SystemExit('the wrong file was imported')\n")
    done = fresh.galago("verify", model_path, cwd=hostile, PYTHONPATH=PACKAGES)
    assert done.returncode == 0, done.stderr


def test_types_reach_whoever_imports_the_wheel(
    fresh: Environment, workstation: Environment, tmp_path: Path
) -> None:
    """To mypy --strict every part's types are known: a wrong line is an error, or its ignore is."""
    (tmp_path / "consumer.py").write_text(TYPED_CONSUMER)
    options = ["--strict", "--config-file=", "--cache-dir=cache"]
    options += ["--python-executable", str(fresh.python)]
    done = workstation.run("-m", "mypy", *options, "consumer.py", cwd=tmp_path, PYTHONPATH=PACKAGES)
    assert done.returncode == 0, done.stdout + done.stderr
