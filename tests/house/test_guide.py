"""The guide, followed to the letter by somebody in a clean environment; see the head of guide.md.

- What needs no device, no network and no pictures of one's own is run as it stands there: the guide
  first, then its chapters in the order of their table, all in one folder that begins empty.
- Whoever follows it has a home of their own and no way to the network.
- What needs more must at least be understood: test_pages.py.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.environments import HANG_S, REPOSITORY
from tests.house.markdown import Block, Page, lines_of

GUIDE = Page.read(REPOSITORY / "docs" / "guide.md")
CHAPTERS = [
    Page.read(GUIDE.path.parent / target)
    for target in dict.fromkeys(GUIDE.links)
    if re.fullmatch(r"guide/\w+\.md", target)
]
PAGES = [GUIDE, *CHAPTERS]

RUN, SAYS = "sh run", "text says"
KINDS = {RUN, SAYS, "sh", "text", "toml", "json", "csv"}
BLOCKS = [block for page in PAGES for block in page.blocks]

MADE = r"(run/|feeder)[\w./]+|convert\.html"  # files that come of following the first page

NUMBER = re.compile(r"\d+(?:\.\d+)?")
TOLERANCE = (
    0.25  # what a promise may be off: other processors and versions learn a little otherwise
)


@dataclass(frozen=True)
class Step:
    """A block to run, and the lines that it must print."""

    block: Block
    promised: tuple[str, ...]

    def __str__(self) -> str:
        return str(self.block)


@dataclass(frozen=True)
class Outcome:
    """How a block's commands ended. `failed`: the first that did not go well."""

    said: list[str]
    failed: str | None


class Reader:
    """Somebody who does what the guide says, step by step, and stops where it does not work."""

    def __init__(self, folder: Path) -> None:
        self.desk = folder / "desk"
        self.desk.mkdir()
        home = folder / "home"
        home.mkdir()
        nowhere = "http://127.0.0.1:9"  # the port that discards; nothing of ours needs a proxy
        self._variables = {
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
            "LANG": "C.UTF-8",
            "COLUMNS": "200",
            "https_proxy": nowhere,
            "http_proxy": nowhere,
        }
        self._done: list[Outcome] = []

    def follow(self, steps: list[Step], until: int) -> Outcome:
        """Do all that comes before a step and has not been done, then the step."""
        for step in steps[len(self._done) : until + 1]:
            if any(outcome.failed for outcome in self._done):
                pytest.fail("an earlier step of the guide has failed", pytrace=False)
            self._done.append(self._run(step.block))
        return self._done[until]

    def _run(self, block: Block) -> Outcome:
        said: list[str] = []
        for line in lines_of(block):
            done = subprocess.run(
                ["/bin/sh", "-c", line],
                cwd=self.desk,
                env=self._variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=HANG_S,
                check=False,
            )
            said += done.stdout.splitlines()
            if done.returncode:
                return Outcome(said, f"{line}\nended with {done.returncode}:\n{done.stdout}")
        return Outcome(said, None)


def steps() -> list[Step]:
    """Blocks to run, in order, with the promise that follows directly."""
    found = []
    for index, block in enumerate(BLOCKS):
        after = BLOCKS[index + 1] if index + 1 < len(BLOCKS) else block
        kept = after.kind == SAYS and after.page == block.page
        if block.kind == RUN:
            found.append(Step(block, tuple(after.text.splitlines()) if kept else ()))
    return found


STEPS = steps()


def keeps(promise: str, line: str) -> bool:
    """Whether a line is what was promised: the same words, and numbers that are near.

    `…` in the promise is any text; how much space there is between words does not count.
    """
    words = re.split(r"(…|\d+(?:\.\d+)?|\s+)", promise.strip())
    pattern = "".join(map(_pattern, words))
    match = re.fullmatch(pattern, line.strip())
    wanted = [float(number) for number in NUMBER.findall(promise)]
    found = [float(number) for number in match.groups()] if match else []
    return match is not None and all(
        abs(one - other) <= TOLERANCE * one for one, other in zip(wanted, found, strict=True)
    )


def _pattern(word: str) -> str:
    if word == "…":
        return ".*"
    if NUMBER.fullmatch(word):
        return r"(\d+(?:\.\d+)?)"
    return r"\s+" if word.isspace() else re.escape(word)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """One for all steps."""
    return Reader(tmp_path_factory.mktemp("guide"))


def test_every_chapter_is_in_the_table() -> None:
    """Nobody writes a chapter that nobody finds, and that nobody follows."""
    written = set((GUIDE.path.parent / "guide").glob("*.md"))
    assert {page.path for page in CHAPTERS} == written


def test_every_block_says_what_it_is() -> None:
    """No command hides in a block that is not looked at."""
    for page in PAGES:
        assert not re.search(r"^(    |\t)\S", page.prose, re.MULTILINE), f"{page.path}: indented"
        assert {block.kind for block in page.blocks} <= KINDS, page.path


def test_what_is_promised_follows_what_is_run() -> None:
    """Each promise stands directly behind the commands that keep it."""
    promises = [block for block in BLOCKS if block.kind == SAYS]
    assert sum(bool(step.promised) for step in STEPS) == len(promises) > 0


@pytest.mark.parametrize("number", range(len(STEPS)), ids=[str(step) for step in STEPS])
def test_what_the_guide_says_is_what_one_gets(reader: Reader, number: int) -> None:
    """Each command goes well, and prints the lines that the guide shows, in their order."""
    step, outcome = STEPS[number], reader.follow(STEPS, number)
    assert outcome.failed is None, f"{step.block}: {outcome.failed}"
    said = iter(outcome.said)
    for promise in step.promised:
        assert any(keeps(promise, line) for line in said), (
            f"{step.block} promises\n{promise}\nand there is\n" + "\n".join(outcome.said)
        )


def test_what_the_guide_names_is_there(reader: Reader) -> None:
    """After its steps, each file that the first page speaks of lies where it says."""
    reader.follow(STEPS, len(STEPS) - 1)
    named = {span for span in GUIDE.spans if re.fullmatch(MADE, span)}
    assert {"run/report.html", "convert.html"} <= named
    assert {name for name in named if not (reader.desk / name).exists()} == set()
