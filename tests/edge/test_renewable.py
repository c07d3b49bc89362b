"""A part that follows the configuration: opened anew only where its own settings are others."""

from dataclasses import replace
from typing import Self

import pytest

from galago.edge.config.schema import Config, LoopSection
from galago.edge.renewable import Renewable
from galago.edge.web.settings import WebSettings
from galago.errors import UsageError


class Part:
    """Writes down when it is opened and closed; refuses port 1."""

    def __init__(self, diary: list[str], port: int) -> None:
        self._diary, self._port = diary, port
        if port == 1:
            raise UsageError("port 1 is taken")

    def __enter__(self) -> Self:
        self._diary.append(f"open {self._port}")
        return self

    def __exit__(self, *_: object) -> None:
        self._diary.append(f"close {self._port}")


def by_web(diary: list[str]) -> Renewable[Part]:
    return Renewable(
        lambda config: config.web,
        lambda config: Part(diary, config.web.port) if config.web.enabled else None,
    )


def at(port: int) -> Config:
    return Config(web=WebSettings(port=port))


def test_other_settings_leave_it_alone() -> None:
    """A model or a pace is not the page's business."""
    diary: list[str] = []
    with by_web(diary) as part:
        part.follow(at(2))
        part.follow(replace(at(2), loop=LoopSection(rate=5)))
        assert diary == ["open 2"]
    assert diary == ["open 2", "close 2"]


def test_its_own_settings_open_it_anew() -> None:
    """The old one is closed first: both may want the same port."""
    diary: list[str] = []
    with by_web(diary) as part:
        part.follow(at(2))
        part.follow(at(3))
        assert diary == ["open 2", "close 2", "open 3"]


def test_it_may_be_switched_off_and_on() -> None:
    """Then there is none."""
    diary: list[str] = []
    with by_web(diary) as part:
        part.follow(at(2))
        part.follow(Config(web=WebSettings(enabled=False, port=2)))
        assert part.part is None
        part.follow(at(2))
    assert diary == ["open 2", "close 2", "open 2", "close 2"]


def test_what_cannot_be_leaves_it_as_it_was() -> None:
    """Open again with the former settings, which it still goes by."""
    diary: list[str] = []
    with by_web(diary) as part:
        part.follow(at(2))
        with pytest.raises(UsageError):
            part.follow(at(1))
        assert diary == ["open 2", "close 2", "open 2"]
        part.follow(at(2))
        assert len(diary) == 3
