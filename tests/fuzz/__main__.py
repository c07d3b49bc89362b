"""Damaged and hostile model files by the thousand: nothing may crash, hang, write or grow.

Example: python -m tests.fuzz demo/feeder.tflite --count 100000 --seed 0
"""

import argparse
import os
import sys
import time
from pathlib import Path

from tests.fuzz.harness import LIMIT_MB, Tally, fuzz


def main() -> int:
    """Run, show a table, and leave with 3 if anything happened that must not."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("file", type=Path, help="a sound model file")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--messages", action="store_true", help="list what the refusals said")
    asked = parser.parse_args()
    start, tally = time.monotonic(), Tally()
    for tally in fuzz(asked.file, asked.count, asked.seed, asked.workers):
        done = tally.kinds.total()
        sys.stderr.write(f"\r{done} of {asked.count}, {len(tally.faults)} faults ")
        sys.stderr.flush()
    sys.stderr.write("\n")
    print(table(tally, time.monotonic() - start, messages=asked.messages))  # noqa: T201
    return 3 if tally.faults or max(tally.parent_mb, tally.child_mb) > LIMIT_MB else 0


def table(tally: Tally, seconds: float, *, messages: bool = False) -> str:
    """The figures, for a terminal."""
    groups = [tally.kinds, tally.outcomes] + ([tally.messages] if messages else [])
    blocks = [
        "\n".join(f"{count:>9}  {name}" for name, count in group.most_common()) for group in groups
    ]
    figures = (
        f"{tally.children:>9}  children, {len(tally.messages)} different messages, "
        f"{seconds:.0f} s in all\n"
        f"{tally.worst_read_s:>9.2f}  s at most to read and show a file\n"
        f"{tally.worst_verify_s:>9.2f}  s at most with a child\n"
        f"{tally.parent_mb:>9.0f}  MB at most in the parent\n"
        f"{tally.child_mb:>9.0f}  MB at most in a child, of {LIMIT_MB}"
    )
    faults = [f"FAULT {fault}" for fault in tally.faults[:50]]
    return "\n\n".join([*blocks, figures, *faults])


if __name__ == "__main__":
    sys.exit(main())
