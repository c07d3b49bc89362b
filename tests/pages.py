"""Pages as a reader's program sees them, and what is asked of every page."""

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from galago.train.calibration import Truth
from galago.train.data.images import Images
from galago.train.report.html import STYLES, written

NASTY = "<script>alert('1')</script>"
VOID = {"meta", "img", "br", "path", "circle", "ellipse", "rect", "polyline", "link", "input", "hr"}


def drawn(truth: Truth, paths: tuple[Path, ...], side: int) -> Images:
    """Pictures that are not pictures of anything, but have the right shape."""
    smooth = np.linspace(0, 255, side)[None, None, :, None] + 40 * np.arange(8)[:, None, None, None]
    store = np.broadcast_to((smooth % 256).astype(np.uint8), (8, side, side, 3))
    return Images(store, np.arange(len(truth)) % 8, truth, paths)


class Page(HTMLParser):
    """What a reader's program sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source, self.text, self.open = text, "", [""]
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.figures: list[tuple[str, str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {key: value or "" for key, value in attrs}
        self.tags.append((tag, attributes))
        if tag == "data":
            self.figures.append((attributes["data-figure"], attributes["value"], ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] == "data":
            pointer, value, shown = self.figures.pop()
            self.figures.append((pointer, value, shown + data))
        if self.open[-1] not in {"style", "title"}:
            self.text += data

    def having(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def assert_stands_alone(page: Page) -> None:
    """Every address in it is a place in itself or a picture that it carries; no script, no link."""
    addresses = [tag.get(name) for _, tag in page.tags for name in ("src", "href") if name in tag]
    assert addresses
    assert all(address and address.startswith(("#", "data:image/jpeg;")) for address in addresses)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not re.search(r"https?:|url\(|@import|srcset", page.source)
    assert page.open == [""], "a tag is not closed"


def assert_true_to(document: Mapping[str, Any], page: Page) -> None:
    """Every figure is the document's: found by its pointer, exact in `value`, rounded to read."""
    for pointer, value, shown in page.figures:
        found: Any = document
        for step in pointer[1:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            found = found[int(name) if isinstance(found, list) else name]
        assert json.loads(value) == found, pointer
        assert shown in {written(found, style) for style in STYLES}, pointer


def assert_can_be_heard(page: Page) -> None:
    """One first heading, none skipped, a language, words for every chart, links that lead."""
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.having("html")[0]["lang"] == "en"
    assert all(
        tag.get("aria-label") or tag.get("aria-hidden") == "true" for tag in page.having("svg")
    )
    targets = {tag["id"] for _, tag in page.tags if "id" in tag}
    assert {tag["href"][1:] for tag in page.having("a")} <= targets
