"""The guide, followed to the letter by somebody in a clean environment; see the head of guide.md.

- What needs no device, no network and no pictures of one's own is run as it stands there: the guide
  first, then its chapters in the order of their table, all in one folder that begins empty.
- A card and a device have stand-ins: a folder as the system's image has it, and this very machine,
  looked at over ssh and not changed.
- What needs more must at least be understood: test_pages.py.
"""

import os
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.deploy.sshd import Sshd
from tests.house.environments import REPOSITORY
from tests.house.markdown import Block, Page
from tests.house.reader import Outcome, Reader, keeps, missing

GUIDE = Page.read(REPOSITORY / "docs" / "guide.md")
CHAPTERS = [
    Page.read(GUIDE.path.parent / target)
    for target in dict.fromkeys(GUIDE.links)
    if re.fullmatch(r"guide/\w+\.md", target)
]
PAGES = [GUIDE, *CHAPTERS]
BLOCKS = [block for page in PAGES for block in page.blocks]

RUN, SAYS, SHOWS = "sh run", "text says", "text shows"
KINDS = {RUN, SAYS, SHOWS, "sh", "text", "toml", "json", "csv"}

MADE = r"(run/|feeder)[\w./]+|convert\.html"  # files that come of following the first page

STEPS = [block for block in BLOCKS if block.kind == RUN]
PROMISES = {one: other for one, other in pairwise(BLOCKS) if other.kind in {SAYS, SHOWS}}

# A card as pi-gen leaves it, of Raspberry Pi OS 13, Lite; as far as anybody looks at it.
CARD = {
    "issue.txt": "Raspberry Pi reference 2026-06-18\nGenerated using pi-gen, stage2\n",
    "cmdline.txt": "console=tty1 root=PARTUUID=0-02 rootfstype=ext4 fsck.repair=yes rootwait\n",
    "config.txt": "arm_64bit=1\nauto_initramfs=1\n",
    "kernel8.img": "",
    "user-data": "#cloud-config\n",
    "meta-data": "dsmode: local\ninstance_id: rpios-image\n",
    "network-config": "",
}
KEY = f"ssh-ed25519 {'A' * 68} reader@desk\n"


class Follower:
    """Goes through the steps in order, none twice, and no further than where one has failed."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._done: list[Outcome] = []

    def until(self, number: int) -> Outcome:
        """Do all steps up to this one, as far as they are not done; returns how this one ended."""
        for step in STEPS[len(self._done) : number + 1]:
            if any(outcome.failed for outcome in self._done):
                pytest.fail("an earlier step of the guide has failed", pytrace=False)
            self._done.append(self.reader.follow(step))
        return self._done[number]


@pytest.fixture(scope="module")
def follower(tmp_path_factory: pytest.TempPathFactory) -> Follower:
    """One for the whole guide."""
    return Follower(Reader(tmp_path_factory.mktemp("guide")))


@pytest.fixture
def reader(follower: Follower) -> Reader:
    """At a desk where all that the guide makes lies already."""
    follower.until(len(STEPS) - 1)
    return follower.reader


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """The boot partition of a card that was just written."""
    folder = tmp_path / "bootfs"
    folder.mkdir()
    for name, text in CARD.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Sshd]:
    """This machine, over ssh, as one that has no Galago."""
    if os.geteuid() != 0:
        pytest.skip("only root can be the device: sudo would ask")
    if Path("/opt/galago").exists():
        pytest.skip("this machine has a Galago in /opt already")
    with Sshd(tmp_path / "sshd") as sshd:
        yield sshd


def must_keep(block: Block, outcome: Outcome) -> None:
    """A block's commands went well and have said what stands behind them."""
    assert outcome.failed is None, f"{block}: {outcome.failed}"
    line = missing(PROMISES[block], outcome.said) if block in PROMISES else None
    there = "\n".join(outcome.said)
    assert line is None, f"{block} promises\n{line}\nand there is\n{there}"


def block_with(command: str) -> Block:
    """The block that begins so and shows what comes of it."""
    (block,) = (b for b in PROMISES if b.text.startswith(command) and b.kind == "sh")
    return block


def test_every_chapter_is_in_the_table() -> None:
    """Nobody writes a chapter that nobody finds, and that nobody follows."""
    written = set((GUIDE.path.parent / "guide").glob("*.md"))
    assert {page.path for page in CHAPTERS} == written


def test_every_block_says_what_it_is() -> None:
    """No command hides in a block that is not looked at."""
    for page in PAGES:
        assert not re.search(r"^(    |\t)\S", page.prose, re.MULTILINE), f"{page.path}: indented"
        assert {block.kind for block in page.blocks} <= KINDS, page.path


def test_every_promise_follows_what_keeps_it() -> None:
    """What a page shows stands right behind the commands that print it, and on the same page."""
    assert {(one.kind, other.kind) for one, other in PROMISES.items()} == {
        (RUN, SAYS),
        ("sh", SHOWS),
    }
    assert all(one.page == other.page for one, other in PROMISES.items())
    assert len(PROMISES) == sum(block.kind in {SAYS, SHOWS} for block in BLOCKS)


@pytest.mark.parametrize(
    ("promise", "line", "kept"),
    [
        ("wrote … (1630 kB)", "wrote a.tflite (1655 kB)", True),
        ("wrote … (1630 kB)", "wrote a.tflite (16 kB)", False),
        ("accuracy  93.94%", "accuracy      91.2%", True),
        ("accuracy  93.94%", "accuracy  62%", False),
        ("no problems found", "2 problems found", False),
    ],
)
def test_a_promise_is_kept_or_not(promise: str, line: str, *, kept: bool) -> None:
    """Words are the same, numbers are near, and … is anything."""
    assert keeps(promise, line) is kept


@pytest.mark.parametrize("number", range(len(STEPS)), ids=map(str, STEPS))
def test_what_the_guide_says_is_what_one_gets(follower: Follower, number: int) -> None:
    """Each command goes well, and prints the lines that the guide shows, in their order."""
    must_keep(STEPS[number], follower.until(number))


def test_what_the_guide_names_is_there(reader: Reader) -> None:
    """After its steps, each file that the first page speaks of lies where it says."""
    named = {span for span in GUIDE.spans if re.fullmatch(MADE, span)}
    assert {"run/report.html", "convert.html"} <= named
    assert {name for name in named if not (reader.desk / name).exists()} == set()


def test_a_card_is_flashed_as_the_guide_shows(reader: Reader, card: Path, tmp_path: Path) -> None:
    """Onto a folder as the system's image has it, with the password from a file."""
    (reader.home / ".ssh").mkdir(exist_ok=True)
    (reader.home / ".ssh" / "id_ed25519.pub").write_text(KEY)
    (tmp_path / "password").write_text("correct horse\n")
    stand_ins = {
        "/media/$USER/bootfs": str(card),
        "--wifi-country DE": f"--wifi-country DE --wifi-password-file {tmp_path / 'password'}",
    }
    block = block_with("galago flash feeder.tflite")
    # Packages for the Pi are fetched once and kept, as tests/deploy does.
    variables = {"GALAGO_CACHE": str(REPOSITORY / ".cache"), "https_proxy": "", "http_proxy": ""}
    outcome = reader.follow(block, stand_ins, variables)
    if outcome.failed and "is this machine online?" in outcome.failed:
        pytest.skip("packages for the Pi are not here, and cannot be fetched")
    must_keep(block, outcome)
    assert (card / "galago" / "payload" / "feeder.tflite").is_file()
    assert all("correct horse" not in path.read_text("utf-8") for path in card.glob("*-*"))


def test_a_deployment_is_announced_as_the_guide_shows(reader: Reader, device: Sshd) -> None:
    """For this machine in place of a Pi; a dry run changes nothing."""
    block = block_with("galago deploy feeder.tflite")
    path = f"{device.folder / 'bin'}{os.pathsep}{reader.path}"
    must_keep(block, reader.follow(block, {"pi@feeder.local": "root@porch"}, {"PATH": path}))
