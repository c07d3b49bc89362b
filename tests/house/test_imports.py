"""Who imports whom: the device never loads the workstation's part, and arrows point one way."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.environments import REPOSITORY, ROOTS, Environment

HEAVY = ("tensorflow", "keras", "sklearn", "jinja2", "galago.train", "galago.convert")

# Which parts each part may import. What lies directly in galago/ serves all and knows no part …
ARROWS = {
    "bundle": {"bundle"},
    "edge": {"edge", "bundle"},
    "train": {"train", "bundle"},
    "convert": {"convert", "train", "bundle"},
    "deploy": {"deploy", "bundle", "edge"},
}
# … but for these, which know every part and which no part imports.
KNOW_ALL = ("cli", "verbs", "demo")

WALK = """
import importlib, pkgutil
import galago.bundle, galago.cli, galago.edge
for part in galago.bundle, galago.edge:
    for found in pkgutil.walk_packages(part.__path__, part.__name__ + "."):
        importlib.import_module(found.name)
"""

USE = """
import pathlib
from galago.bundle.model_file import ModelFile
from galago.bundle.verify import judge
from galago.cli import main
model, pictures = {model!r}, {pictures!r}
picture = min(pathlib.Path(pictures).iterdir())
for words in (
    ["verify", model],
    ["inspect", model],
    ["classify", model, pictures],
    ["run", "--model", model, "--camera", f"fake:{{picture}}*30?pace=max"],
):
    assert main(words) == 0, words
judge(ModelFile.read(pathlib.Path(model)))  # what the child process of `verify` does
"""

TELL = """
import json, sys
print(json.dumps([name for name in HEAVY if name in sys.modules]))
"""


def loaded(environment: Environment, code: str) -> list[str]:
    """Run `code` in a new process and return what it has loaded of the heavy modules."""
    done = environment.run("-c", f"HEAVY = {HEAVY}\n{code}\n{TELL}")
    assert done.returncode == 0, done.stderr
    result: list[str] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_heavy_modules_are_noticed(workstation: Environment) -> None:
    """The check below sees what it looks for, where it is installed."""
    assert loaded(workstation, "import jinja2, galago.train") == ["jinja2", "galago.train"]


def test_the_devices_modules_load_nothing_heavy(workstation: Environment) -> None:
    """Every module of edge, bundle and the command loads without the workstation's packages."""
    assert loaded(workstation, WALK) == []


def test_the_devices_verbs_load_nothing_heavy(
    workstation: Environment, model_path: Path, pictures: Path
) -> None:
    """Neither does their work, although all of it is installed here."""
    code = USE.format(model=str(model_path), pictures=str(pictures))
    assert loaded(workstation, code) == []


def test_arrows_point_one_way() -> None:
    """Train → bundle; convert → train, bundle; edge → bundle; deploy → bundle, edge; no other."""
    assert [wrong for root in ROOTS for wrong in wrong_arrows(REPOSITORY / root)] == []


@pytest.mark.parametrize(
    ("file", "line", "arrow"),
    [
        ("bundle/bad.py", "import galago.edge.loop", "galago.bundle.bad → edge"),
        ("bundle/bad.py", "from galago import train", "galago.bundle.bad → train"),
        (
            "edge/camera/bad.py",
            "from galago.train.fit import train",
            "galago.edge.camera.bad → train",
        ),
        ("edge/bad.py", "from ..convert import gate", "galago.edge.bad → convert"),
        ("edge/__init__.py", "from ..train import fit", "galago.edge → train"),
        ("edge/bad.py", "def late():\n    import galago.convert", "galago.edge.bad → convert"),
        ("train/bad.py", "import_module('galago.convert.gate')", "galago.train.bad → convert"),
        ("convert/bad.py", "import galago.edge", "galago.convert.bad → edge"),
        ("edge/bad.py", "from galago.cli import main", "galago.edge.bad → cli"),
        ("errors.py", "from galago.bundle import golden", "galago.errors → bundle"),
    ],
)
def test_a_wrong_arrow_is_noticed(tmp_path: Path, file: str, line: str, arrow: str) -> None:
    """However it is written, an import against the arrows is found."""
    path = tmp_path / "galago" / file
    path.parent.mkdir(parents=True)
    path.write_text(line)
    assert wrong_arrows(tmp_path) == [arrow]


def test_right_arrows_pass(tmp_path: Path) -> None:
    """What may be imported is not complained about."""
    path = tmp_path / "galago" / "convert" / "good.py"
    path.parent.mkdir(parents=True)
    path.write_text("import galago.errors\nfrom galago.train import fit\nfrom . import gate\n")
    assert wrong_arrows(tmp_path) == []


def wrong_arrows(root: Path) -> list[str]:
    """Every import below `root` that the arrows do not allow, as "module → part"."""
    return [
        f"{'.'.join(name)} → {target[1]}"
        for path in sorted((root / "galago").rglob("*.py"))
        for name in [_module(path.relative_to(root))]
        if name[1] not in KNOW_ALL
        for target in _imports(path, name)
        if target[0] == "galago" and target[1:] and not _allowed(name[1], target[1])
    ]


def _allowed(part: str, target: str) -> bool:
    return target in ARROWS[part] if part in ARROWS and target in ARROWS else _shared(target)


def _shared(name: str) -> bool:
    """Whether it lies directly in galago/ and serves all parts."""
    return name not in ARROWS and name not in KNOW_ALL


def _module(path: Path) -> tuple[str, ...]:
    name = path.with_suffix("").parts
    return name[:-1] if name[-1] == "__init__" else name


def _imports(path: Path, name: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Names that a file imports, wherever in it, each at least ("galago", part) if Galago's."""
    package = name if path.name == "__init__.py" else name[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names):
                yield from (tuple(alias.name.split(".")) for alias in names)
            case ast.ImportFrom(module, names, level):
                base = package[: len(package) - level + 1] if level else ()
                base += tuple(module.split(".")) if module else ()
                yield from ((*base, alias.name) for alias in names)
            case ast.Call(func, [ast.Constant(str(text)), *_]) if "import" in ast.unparse(func):
                yield tuple(text.split("."))
