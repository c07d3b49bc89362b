"""Every state of health is in the table."""

import ast
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

import galago.edge.health
from galago.edge.config.schema import Config
from galago.edge.health import State
from galago.edge.vitals.levels import FAMILIES, STATES, advice, level, summed_up

EDGE = Path(galago.edge.health.__file__).parent
GROUPS = {name.split(".")[0] for name in STATES} | {prefix[:-1] for prefix in FAMILIES}


def named(tree: ast.AST) -> Iterator[str]:
    """Every text in a program that has the form of a state's name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            group, dot, rest = node.value.partition(".")
            if dot and group in GROUPS and rest.isidentifier():
                yield node.value


def reported(tree: ast.AST) -> Iterator[str]:
    """First arguments of every `report` that can be read: a text, a constant, an f-string."""
    constants = {
        target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            first = node.args[0]
            if isinstance(first, ast.JoinedStr):
                first = first.values[0]
            name = getattr(first, "value", constants.get(getattr(first, "id", "")))
            if node.func.attr in {"report", "report_anew", "_report"} and isinstance(name, str):
                yield name


def keys(settings: type) -> Iterator[str]:
    """What may be configured, as `section.key`: has the same form, and is no state."""
    for section in fields(settings):
        if isinstance(section.default_factory, type) and is_dataclass(section.default_factory):
            yield from (f"{section.name}.{key.name}" for key in fields(section.default_factory))


def test_every_state_that_is_reported_is_in_the_table() -> None:
    """Whoever adds one says how bad it is and what to do."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in EDGE.rglob("*.py")]
    found = {name for tree in trees for name in reported(tree)}
    assert {"camera.stalled", "snapshots.failed", "web.failed", "publisher."} <= found
    found |= {name for tree in trees for name in named(tree)} - {*keys(Config)}
    assert {"camera.dark", "machine.hot"} <= found
    assert {name for name in found - set(STATES) if not name.startswith(tuple(FAMILIES))} == set()


@pytest.mark.parametrize("name", [*STATES, "publisher.mqtt", "publisher.webhook.garden", "new.one"])
def test_every_state_has_a_level_and_one_sentence(name: str) -> None:
    """Also one that nobody has thought of."""
    assert level(name) in {"warning", "error"}
    sentence = advice(name)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 90


def test_a_publisher_is_never_worse_than_a_warning() -> None:
    """Its events wait: nothing is lost yet."""
    assert level("publisher.mqtt") == level("publisher.command.light") == "warning"


def test_what_is_wrong_fits_one_line() -> None:
    """The worst first; nothing to say where nothing is wrong."""
    states = [State("machine.hot", "82 °C", 1), State("store.failed", "read-only file system", 2)]
    assert summed_up(states) == "store.failed: read-only file system; machine.hot: 82 °C"
    assert summed_up([]) is None
