"""The project's own pages, taken apart: blocks, headings, links, and what of them is a command.

- Of Markdown no more is known than these pages use: fences, # headings, [links](…), `spans`.
- A command is `galago` in the place of a program: first in a line, or behind sudo, or behind ssh
  and a host. `systemctl reload galago` is none.
"""

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^ *(\d+\. )?```(?P<kind>.*)$")  # also in a list
_HEADING = re.compile(r"^(?P<level>#+) (?P<text>.+)$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_PICTURE = re.compile(r"!\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_SPAN = re.compile(r"`(?P<text>[^`]+)`")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TO_ANCHOR = re.compile(r"[^\w\- ]")
_BEHIND = re.compile(
    r"^(\w+=\S* |sudo |ssh( -\S+( \S+)?)* \S+@\S+ )+"
)  # what may stand before a program


@dataclass(frozen=True)
class Block:
    """A fenced block. `kind`: the words behind the fence; `line`: its first, from 1."""

    page: Path
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


@dataclass(frozen=True)
class Page:
    """A page: its blocks, and what it says outside of them."""

    path: Path
    blocks: tuple[Block, ...]
    prose: str

    @classmethod
    def read(cls, path: Path) -> "Page":
        """Raises ValueError: a block has no end."""
        blocks: list[Block] = []
        prose: list[str] = []
        text: list[str] = []
        opened: tuple[int, str] | None = None
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            fence = _FENCE.match(line)
            if fence and opened is None:
                opened, text = (number + 1, fence["kind"]), []
            elif fence and opened:
                blocks.append(Block(path, *opened, textwrap.dedent("\n".join(text))))
                opened = None
            else:
                (prose if opened is None else text).append(line)
        if opened:
            raise ValueError(f"{path}: the block at line {opened[0]} has no end")
        return cls(path, tuple(blocks), _COMMENT.sub("", "\n".join(prose)))

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Level and text of each."""
        found = filter(None, map(_HEADING.match, self.prose.splitlines()))
        return [(len(heading["level"]), heading["text"]) for heading in found]

    @property
    def anchors(self) -> set[str]:
        """What a link to this page may name behind #, as GitHub makes it of headings."""
        plain = (_TO_ANCHOR.sub("", text.lower().replace("`", "")) for _, text in self.headings)
        return {text.replace(" ", "-") for text in plain}

    @property
    def links(self) -> list[str]:
        """Targets in order, pictures left out."""
        return [link["target"] for link in _LINK.finditer(_PICTURE.sub("", self.prose))]

    @property
    def pictures(self) -> list[str]:
        """Targets in order."""
        return [picture["target"] for picture in _PICTURE.finditer(self.prose)]

    @property
    def spans(self) -> list[str]:
        """What stands between backticks."""
        return [span["text"] for span in _SPAN.finditer(self.prose)]


def lines_of(block: Block) -> list[str]:
    """A block's commands, as they are typed."""
    joined = block.text.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def words_of(line: str) -> Iterator[list[str]]:
    """The words behind `galago` of each command in a line: none, one or more."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if not set(word) <= set("|&;<>"):
            words.append(word)
            continue
        rest = _BEHIND.sub("", f"{shlex.join(words)} ").split(maxsplit=1)
        if rest and Path(rest[0]).name == "galago":
            yield shlex.split(rest[1]) if len(rest) > 1 else []
        words = []
