"""The first page, in English and in Korean: the same page twice, and two commands before all else.

Links, pictures and commands themselves are looked at in test_pages.py.
"""

import re

import pytest

from tests.house.environments import REPOSITORY
from tests.house.markdown import Block, Page, lines_of

ENGLISH = Page.read(REPOSITORY / "README.md")
KOREAN = Page.read(REPOSITORY / "README.ko.md")
BOTH = pytest.mark.parametrize("page", [ENGLISH, KOREAN], ids=["english", "korean"])
OTHER = {"README.md", "README.ko.md"}

_COMMENT = re.compile(r"\s+# .*$")
_GAP = re.compile(r"\s{2,}|(?<=\.py)\s+")  # between a name in the tree and what it is


def typed(block: Block) -> list[str]:
    """A block's commands without their comments; of the tree, the names."""
    if block.kind == "text":
        return [
            _GAP.split(line.strip())[0] for line in block.text.splitlines() if not is_more(line)
        ]
    return [_COMMENT.sub("", line) for line in lines_of(block)]


def indented(tree: Block) -> list[bool]:
    """Of each name in the tree: whether it lies in the one before that is not."""
    return [line.startswith(" ") for line in tree.text.splitlines() if not is_more(line)]


def is_more(line: str) -> bool:
    """Whether a line of the tree goes on with what the line before says."""
    return line.startswith("   ")


def shape(page: Page) -> list[str]:
    """What each line is: a heading, a point, a picture, a paragraph, nothing."""
    return [
        line[:1] if line[:2] in {"# ", "##", "- ", "!["} else line and "…"
        for line in page.prose.splitlines()
    ]


@BOTH
def test_the_first_commands_are_the_two(page: Page) -> None:
    """Before a reader has to know anything: see it, and test it."""
    assert typed(page.blocks[0]) == ["make demo", "make test"]


@BOTH
def test_make_has_the_verbs_that_are_named(page: Page) -> None:
    """What stands behind `make` in a block or a sentence is in the Makefile."""
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    said = [*page.spans, *(line for block in page.blocks for line in typed(block))]
    verbs = {line.split()[1] for line in said if re.match(r"make \w", line)}
    assert verbs >= {"demo", "test"}
    assert all(re.search(rf"^{verb}:", makefile, re.MULTILINE) for verb in verbs), verbs


def test_each_leads_to_the_other() -> None:
    """One click, at the top."""
    assert ENGLISH.links[0] == "README.ko.md"
    assert KOREAN.links[0] == "README.md"


def test_both_have_the_same_parts() -> None:
    """As many headings of each level, paragraphs and points, in the same order."""
    assert [level for level, _ in ENGLISH.headings] == [level for level, _ in KOREAN.headings]
    assert shape(ENGLISH) == shape(KOREAN)


def test_both_have_the_same_commands_and_the_same_tree() -> None:
    """Word for word, but for what is said of them."""
    assert [block.kind for block in ENGLISH.blocks] == [block.kind for block in KOREAN.blocks]
    for english, korean in zip(ENGLISH.blocks, KOREAN.blocks, strict=True):
        assert typed(english) == typed(korean)


def test_both_have_the_same_pictures_and_links() -> None:
    """In the same order."""
    assert ENGLISH.pictures == KOREAN.pictures
    assert [t for t in ENGLISH.links if t not in OTHER] == [
        t for t in KOREAN.links if t not in OTHER
    ]


def test_both_name_the_same_things() -> None:
    """Files, commands and options between backticks, as often."""
    assert sorted(ENGLISH.spans) == sorted(KOREAN.spans)


def test_the_tree_is_the_one_that_is_there() -> None:
    """Every folder and module of it is in the repository."""
    (tree,) = (block for block in ENGLISH.blocks if block.kind == "text")
    place = REPOSITORY
    for name, is_inner in zip(typed(tree), indented(tree), strict=True):
        place = place if is_inner else REPOSITORY / name
        for part in name.split(", ") if is_inner else ["."]:
            assert (place / part).exists() or (place / f"{part}.py").exists(), f"{place}: {part}"
