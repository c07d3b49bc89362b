"""The whole pipeline on the embedded sample, as `make demo` runs it."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Outcome


def test_the_demo_tells_what_happened(tmp_path: Path, galago: Callable[..., Outcome]) -> None:
    """A good model that is not perfect, nearly all events found, and every file that it names."""
    place = tmp_path / "demo"
    outcome = galago("demo", place)
    assert outcome.code == 0, outcome.err
    story = outcome.out
    trained, converted = map(float, re.findall(r"([\d.]+)% (?:as trained|after)", story))
    assert 85 <= trained < 100
    assert trained - converted <= 2
    found, events = map(int, re.search(r"(\d+) of (\d+) events found", story).groups())  # type: ignore[union-attr]
    assert events >= 20
    assert found >= 0.8 * events
    assert re.search(r"\d+ frames per second", story)
    for name in ("run/report.html", "feeder.tflite", "sample/clip.mp4"):
        assert str(place / name) in story
        assert (place / name).is_file()


def test_only_an_earlier_demo_is_replaced(tmp_path: Path, galago: Callable[..., Outcome]) -> None:
    """Somebody's own folder is left alone."""
    (tmp_path / "thesis.tex").write_text("years of work")
    outcome = galago("demo", tmp_path)
    assert outcome.code == 2
    assert "is not an earlier demo" in outcome.complaint
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_earlier_demo_makes_room(tmp_path: Path) -> None:
    """Also one that was interrupted: everything of it goes."""
    from galago.demo import _clear

    place = tmp_path / "demo"
    _clear(place)
    (place / "run").mkdir()
    (place / "run" / "model.keras").write_text("half trained")
    before = sorted(path.name for path in place.iterdir())
    _clear(place)
    assert sorted(path.name for path in place.iterdir()) == [n for n in before if n != "run"]
