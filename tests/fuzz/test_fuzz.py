"""Some hundred damaged and hostile files; `make fuzz` tries a hundred thousand."""

from pathlib import Path

from tests.fuzz.harness import LIMIT_MB, Tally, fuzz
from tests.fuzz.mutators import KINDS, Sample, mutant


def test_no_damaged_file_crashes_hangs_writes_or_grows(model_path: Path) -> None:
    """Each is refused in one line or serves as it should, within time and memory."""
    tally = Tally()
    for tally in fuzz(model_path, count=500, seed=0, workers=2):
        assert tally.faults == []
    assert tally.kinds.total() == 500
    assert tally.children >= 5
    assert tally.outcomes["refused on reading"] >= 400
    assert max(tally.parent_mb, tally.child_mb) < LIMIT_MB


def test_a_mutant_is_its_seed(model_path: Path) -> None:
    """What was found once can be looked at again."""
    sample = Sample.read(model_path)
    seeds = [f"0:{number}" for number in range(60)]
    first = [mutant(sample, seed) for seed in seeds]
    assert first == [mutant(sample, seed) for seed in reversed(seeds)][::-1]
    assert {kind for kind, _ in first} <= KINDS.keys()
    assert sum(content == sample.content for _, content in first) == 0
