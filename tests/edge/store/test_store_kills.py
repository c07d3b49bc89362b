"""A writer that is killed at any moment leaves a store that is whole."""

from pathlib import Path

from tests.edge.store.killing import kill_often


def test_kills_lose_nothing_and_leave_nothing_half(tmp_path: Path) -> None:
    """No event that was told to be safe is missing; files and rows of pictures agree.

    `bench/store.py --kills 1000` does it more often.
    """
    tally = kill_often(tmp_path, kills=15, lives=8)
    assert tally.is_clean, tally
    assert tally.events > 0
    assert tally.pictures > 0
