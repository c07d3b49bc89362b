"""Some hundred damaged and hostile files; `make fuzz` tries a hundred thousand."""

import subprocess
import sys
from pathlib import Path

from tests.fuzz.archives import Sample, largest
from tests.fuzz.harness import LIMIT_MB, Tally, fuzz
from tests.fuzz.mutators import KINDS, mutant

INSPECT_AND_TELL_ITS_PEAK = """
import sys
from galago.cli import main
from tests.fuzz.harness import peak_mb
assert main(["inspect", sys.argv[1]]) == 0
print(peak_mb())
"""


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


def test_the_largest_file_that_is_read_stays_below_the_limit(
    model_path: Path, tmp_path: Path
) -> None:
    """Everything at its limit at once: flatbuffer, description, and deflated golden frames."""
    file = tmp_path / "largest.tflite"
    file.write_bytes(largest(Sample.read(model_path)))
    command = [sys.executable, "-c", INSPECT_AND_TELL_ITS_PEAK, str(file)]
    root = Path(__file__).parents[2]
    inspected = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert 150 < float(inspected.stdout.splitlines()[-1]) < LIMIT_MB
