"""Every page of the project: what it links to is there, what it tells one to type is understood.

- A command needs not be run for that: a verb, an option or a value that has been renamed shows.
- Configurations are read by the daemon's own reader.
"""

import json
import re
from pathlib import Path

import pytest

from galago.edge.config.example import example
from galago.edge.config.read import read_config
from tests.house.environments import REPOSITORY
from tests.house.markdown import Page, lines_of, words_of
from tests.house.typed import NotUnderstoodError, options, understand

_FOLDERS = (".", "docs", "docs/guide", "docs/adr", "systemd")
PAGES = [
    Page.read(path) for folder in _FOLDERS for path in sorted((REPOSITORY / folder).glob("*.md"))
]

# Options that pages name, of programs that are not ours.
FOREIGN = {
    "--dev",
    "--list-cameras",
    "--no-install-recommends",
    "--system-site-packages",
    "--upgrade",
}
_OPTION = re.compile(r"(--[a-z][a-z-]+)( .*)?")
_KEY = re.compile(r"\[(?P<section>[a-z.]+)\] (?P<key>[a-z_]+)( = .*)?")


def each_page(*, kind: str = "") -> pytest.MarkDecorator:
    """All pages, or those with a block of a kind."""
    chosen = [page for page in PAGES if not kind or any(b.kind == kind for b in page.blocks)]
    names = [str(page.path.relative_to(REPOSITORY)) for page in chosen]
    return pytest.mark.parametrize("page", chosen, ids=names)


@each_page()
def test_what_is_linked_is_there(page: Page) -> None:
    """A page, a heading in it, or a picture."""
    for target in (*page.links, *page.pictures):
        if target.startswith(("http:", "https:")):
            continue
        name, _, anchor = target.partition("#")
        path = (page.path.parent / name).resolve() if name else page.path
        assert path.exists(), target
        if anchor:
            assert anchor in Page.read(path).anchors, target


@each_page()
def test_what_is_to_be_typed_is_understood(page: Page) -> None:
    """The verb is there, and its options; no word is missing and none is too much."""
    for block in page.blocks:
        if block.kind.startswith(("sh", "console")) or not block.kind:
            for line in lines_of(block):
                for words in words_of(line):
                    _must_be_understood(f"{block}: {line}", words, whole=True)


@each_page()
def test_what_is_spoken_of_is_understood(page: Page) -> None:
    """In a sentence a command may be cut short, but not have a verb or option that is not there."""
    for span in page.spans:
        for words in words_of(span.replace("…", "")) if "galago " in span else ():
            _must_be_understood(span, words, whole=False)
        option = _OPTION.fullmatch(span)
        assert option is None or option[1] in options() | FOREIGN, span


@each_page(kind="toml")
def test_configurations_can_be_read(page: Page, tmp_path: Path) -> None:
    """By the reader of the daemon, with no complaint."""
    for block in page.blocks:
        if block.kind == "toml":
            path = tmp_path / "galago.toml"
            path.write_text(block.text, "utf-8")
            read_config(path)


@each_page(kind="json")
def test_documents_can_be_read(page: Page) -> None:
    """By anybody's reader."""
    for block in page.blocks:
        if block.kind == "json":
            json.loads(block.text)


@each_page()
def test_keys_that_are_spoken_of_are_there(page: Page) -> None:
    """`[section] key` is a key of the configuration."""
    keys = _keys()
    for found in filter(None, map(_KEY.fullmatch, page.spans)):
        assert (found["section"], found["key"]) in keys, found[0]


def _keys() -> set[tuple[str, str]]:
    """Section and name of every key, as the example has them."""
    keys, section = set(), ""
    for line in example().splitlines():
        if head := re.fullmatch(r"#?\[([a-z._]+)\]", line):
            section = head[1]
        elif key := re.match(r"#?([a-z_]+) = ", line):
            keys.add((section, key[1]))
    return keys


def _must_be_understood(where: str, words: list[str], *, whole: bool) -> None:
    try:
        understand(words, whole=whole)
    except NotUnderstoodError as error:
        complaint = f"{where}\n{error}"
    else:
        return
    pytest.fail(complaint, pytrace=False)
