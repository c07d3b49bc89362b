"""The long run: faults at random for as long as wanted, and the loop's rate under each.

    python -m tests.faults MODEL PICTURE PICTURE [--minutes 60] [--seed 0] [--fps 30] [--window 10]

Each fault lasts for a window; before and after it is a window without, and the rate meanwhile is
compared with these two. At the end a table: rate, what was said, how long until all was well. Then
memory, files and threads over time. Two pictures that MODEL tells apart make the events. Root, and
what tests/faults/card.py needs.

Exit 1: something was not said, did not recover, or the loop ended.
"""

import argparse
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.world import FAULTS, Fault, World, at_random

PATIENCE_S = 120.0
WANTED = 0.05  # how far the rate may be off


@dataclass
class Findings:
    """Of one kind of fault: ratios of rates, what was said, seconds until all was well."""

    ratios: list[float] = field(default_factory=list)
    said: set[str] = field(default_factory=set)
    back_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Soak:
    """One world, and what has been found in it."""

    def __init__(self, world: World, window_s: float) -> None:
        self._world, self._window_s = world, window_s
        self.found = {name: Findings() for name, fault in FAULTS.items() if fault.needs(world)}
        self.resources: list[tuple[float, float, int, int]] = []
        self._began = time.monotonic()

    def befall(self, name: str) -> None:
        """Let one fault happen, and write down what came of it."""
        findings, fault, world = self.found[name], FAULTS[name], self._world
        before = self._steady_rate()
        mark = len(world.daemon.lines)
        try:
            during = self._happen(fault, mark, findings.said)
            findings.back_s.append(self._wait_until_well())
            findings.said |= world.said(mark)
        except (AssertionError, OSError) as error:
            findings.wrong.append(str(error))
            self._revive()
            return
        if during is not None:
            findings.ratios.append(during / statistics.mean((before, self._steady_rate())))
        if fault.said and not findings.said & {*fault.said}:
            findings.wrong.append(f"none of {', '.join(fault.said)} was said")

    def _happen(self, fault: Fault, mark: int, said: set[str]) -> float | None:
        """The rate meanwhile; until it is said what is wrong, too."""
        during = None
        with fault.happens(self._world):
            if fault.steady:
                during = self._rate()
            else:
                time.sleep(self._window_s)
            deadline = time.monotonic() + PATIENCE_S
            while time.monotonic() < deadline:
                said |= self._world.said(mark)
                if not fault.said or said & {*fault.said}:
                    break
                time.sleep(0.2)
        return during

    def _steady_rate(self) -> float:
        """The rate once what came before has settled: a camera that is opened anew counts anew."""
        for _ in range(3):
            with suppress(AssertionError):
                return self._rate()
        return self._rate()

    def _rate(self) -> float:
        """Pictures per second over a window."""
        before, began = self._world.frames(), time.monotonic()
        time.sleep(self._window_s)
        after, ended = self._world.frames(), time.monotonic()
        assert after > before, "the loop began anew, or stands still"
        return (after - before) / (ended - began)

    def _wait_until_well(self) -> float:
        began = time.monotonic()
        events = self._world.events()
        self._world.daemon.wait_for(lambda: not self._world.reasons(), PATIENCE_S)
        took = time.monotonic() - began
        self._world.daemon.wait_for(lambda: self._world.events() > events, PATIENCE_S)
        self.resources.append((time.monotonic() - self._began, *self._world.daemon.resources()))
        return took

    def _revive(self) -> None:
        if self._world.daemon.ended is None:
            self._world.daemon.kill()
        self._world.daemon.start()

    def table(self) -> str:
        """What was found, as Markdown."""
        lines = ["| fault | times | rate, median | worst | said | well after s |", "|---" * 6 + "|"]
        for name, found in self.found.items():
            ratios = found.ratios
            rate = f"{statistics.median(ratios):.1%} | {min(ratios):.1%}" if ratios else "– | –"
            said = ", ".join(sorted(found.said - {"no status"})) or "–"
            back = f"{statistics.median(found.back_s):.1f}" if found.back_s else "–"
            lines.append(f"| {name} | {len(found.back_s)} | {rate} | {said} | {back} |")
        return "\n".join(lines)

    def growth(self) -> str:
        """Memory, files and threads, of the first and last tenth of the samples, as one line."""
        share = max(len(self.resources) // 10, 1)
        first, last = self.resources[:share], self.resources[-share:]
        kinds = ("MB", "files", "threads")
        told = (
            f"{statistics.mean(each[index + 1] for each in first):.1f} → "
            f"{statistics.mean(each[index + 1] for each in last):.1f} {kind}"
            for index, kind in enumerate(kinds)
        )
        return f"over {self.resources[-1][0] / 60:.0f} minutes: {', '.join(told)}"

    @property
    def wrong(self) -> list[str]:
        """What should not have been."""
        return [f"{name}: {what}" for name, found in self.found.items() for what in found.wrong]


def main() -> int:
    """Run, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures", nargs=2, type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fps", type=float, default=30)
    parser.add_argument("--window", type=float, default=10)
    options = parser.parse_args()
    first, second = (picture.resolve() for picture in options.pictures)
    ends = time.monotonic() + 60 * options.minutes
    with (
        tempfile.TemporaryDirectory(prefix="galago-faults-", ignore_cleanup_errors=True) as folder,
        World(
            Path(folder),
            options.model.resolve(),
            (first, second),
            fps=options.fps,
            each=round(options.fps),
        ) as world,
    ):
        soak = Soak(world, options.window)
        for name in at_random(world, options.seed):
            soak.befall(name)
            print(f"{name}: {soak.found[name].wrong or 'well'}", file=sys.stderr)  # noqa: T201
            if time.monotonic() > ends:
                break
        print(soak.table(), soak.growth(), *soak.wrong, sep="\n")  # noqa: T201
        print(f"starts of the daemon: {world.daemon.starts}; wanted: rate within {WANTED:.0%}")  # noqa: T201
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
