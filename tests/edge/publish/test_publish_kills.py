"""Kills and restarts, a few of them; bench/outbox.py does the same at length."""

from pathlib import Path

from tests.edge.publish.killing import torture


def test_nothing_is_lost_by_kills_and_restarts(tmp_path: Path) -> None:
    """Each event that was stored arrives; one that arrives twice has the same id."""
    outcome = torture(tmp_path, events=1500, kills=4, restarts=1, seed=6)
    assert (outcome.stored, outcome.lost, outcome.forgotten) == (1500, 0, 0)
    assert outcome.duplicates < 1500
