"""The commented example, made from the schema."""

import re
from pathlib import Path

from galago.edge.config.example import example
from galago.edge.config.keys import leaves
from galago.edge.config.read import read_config
from galago.edge.config.schema import Config


def test_the_example_changes_nothing(tmp_path: Path) -> None:
    """As it is written, everything is at its default."""
    path = tmp_path / "galago.toml"
    path.write_text(example(), encoding="utf-8")
    assert read_config(path).config == Config()


def test_every_line_of_the_example_can_be_put_to_use(tmp_path: Path) -> None:
    """With every # before a key taken away each key is set, to its default where it has one."""
    path = tmp_path / "galago.toml"
    path.write_text(re.sub(r"^#(?=[^ \n])", "", example(), flags=re.MULTILINE), encoding="utf-8")
    loaded = read_config(path)
    assert "default" not in loaded.origins.values()
    for place, key, value in leaves(loaded.config):
        if key.example is None:
            assert value == key.default(), place


def test_no_line_of_the_example_is_cut_off() -> None:
    """Prose fits a terminal, and says of each number what it may be."""
    text = example()
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "# Port to listen at; 0: any that is free.\n# A whole number from 0 to 65535." in text
    assert '# One of "while", "pulse".' in text
