"""What power cuts leave behind: of a camera on a card, and of a whole virtual machine.

    python bench/power.py MODEL PICTURE PICTURE [--cuts 200] [--boots 40] [--seed 0] [--unsafe]

The daemon stores events while models are activated and taken back; two pictures that MODEL tells
apart make the events. `--cuts`: the power of a small card with a volatile cache goes at random
moments (tests/activation_faults), and the camera goes on with what is left. `--boots`: a virtual
machine is killed before each touch of a file by an activation, one after the other, and then at
random moments (tests/virtual_pi/power.py); half a minute each, or more.

Wanted: one active model, whole and verified, after each; no acknowledged event lost; a start that
takes no longer than one after a shutdown. `--unsafe` is the counter-proof: disks are mounted
without barriers, and it is to go wrong.

Needs root; mkfs.ext4 and qemu-storage-daemon for the card; for the machine what
tests/virtual_pi/image.py names. Exit 1: something was not as wanted.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from random import Random
from statistics import median

from machine import describe

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.activation_faults.lives import Camera
from tests.activation_faults.places import LossyCard, lacking
from tests.activation_faults.relatives import relatives
from tests.virtual_pi.image import missing
from tests.virtual_pi.power import Cut, Pi

LONGEST_S = 4.0
LONGEST_ACTIVATION_S = 12.0  # under emulation
UNSAFE = "nobarrier"


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures", nargs=2, type=Path)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--boots", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--unsafe", action="store_true")
    options = parser.parse_args()
    first, second = (picture.resolve() for picture in options.pictures)
    wrong: list[str] = []
    print(describe())
    with tempfile.TemporaryDirectory(prefix="galago-power-") as folder:
        bench = Bench(Path(folder), options.model, (first, second), options.seed, options.unsafe)
        if options.cuts:
            wrong += bench.of_a_card(options.cuts)
        if options.boots:
            wrong += bench.of_a_machine(options.boots)
    print(f"wrong: {len(wrong)} (wanted: 0)", *wrong, sep="\n")
    return 1 if wrong else 0


class Bench:
    """Both, with the same models and pictures; each says what was wrong."""

    def __init__(
        self, folder: Path, model: Path, pictures: tuple[Path, Path], seed: int, unsafe: bool
    ) -> None:
        self._folder, self._pictures, self._seed = folder, pictures, seed
        self._relatives = relatives(model, folder)
        self._options = UNSAFE if unsafe else ""
        self._random = Random(seed)  # noqa: S311 - no secret

    def of_a_card(self, cuts: int) -> list[str]:
        """Cut at random moments."""
        if reason := lacking(LossyCard, self._folder):
            sys.exit(reason)
        card = LossyCard(self._folder, seed=self._seed, options=self._options)
        began = time.monotonic()
        with card, Camera(card, self._relatives, self._pictures, self._seed) as camera:
            normal, found = [camera.rest() for _ in range(5)], camera.found
            while found.doing.total() < cuts and not found.is_over:
                camera.live(self._random.uniform(0, LONGEST_S))
                progress(f"cut {found.doing.total()}", found.wrong)
        doing = ", ".join(f"{what} {count}" for what, count in found.doing.most_common())
        print(f"\ncard: {found.doing.total()} cuts in {minutes(began)}: {doing}")
        print(f"sectors in the disk's cache: {some(card.unflushed)}")
        print(f"acknowledged events: {found.events}")
        print(f"start to first event, after an orderly end: {times(normal)}")
        print(f"start to first event, after a cut: {times(found.start_s)}")
        return found.wrong

    def of_a_machine(self, boots: int) -> list[str]:
        """Cut before each touch of a file, and then at random moments."""
        if reason := missing():
            sys.exit(reason)
        began, cuts, wrong = time.monotonic(), list[Cut](), list[str]()
        with Pi(
            self._folder, self._relatives, self._pictures, seed=self._seed, options=self._options
        ) as pi:
            normal = [pi.rest() for _ in range(3)]
            try:
                for cut in islice(self._cuts(pi), boots):
                    cuts.append(cut)
                    wrong += [f"{cut.doing}: {cut.wrong}"] if cut.wrong else []
                    progress(f"boot {len(cuts)}, {cut.doing}", wrong)
            except (RuntimeError, AssertionError, subprocess.TimeoutExpired) as error:
                wrong.append(f"it does not come up again: {error}")
            events = len(pi.acknowledged)
        print(f"\nmachine: {len(cuts)} cuts in {minutes(began)}")
        print(f"sectors in the disk's cache: {some([cut.loss.unflushed for cut in cuts])}")
        print(f"acknowledged events: {events}")
        print(f"power on to login, after a shutdown: {times([each[0] for each in normal])}")
        print(f"power on to login, after a cut: {times([cut.boot_s for cut in cuts])}")
        print(f"power on to first event, after a shutdown: {times([each[1] for each in normal])}")
        print(f"power on to first event, after a cut: {times([cut.event_s for cut in cuts])}")
        return wrong

    def _cuts(self, pi: Pi) -> Iterator[Cut]:
        for touch in count(1):
            cut = pi.cut_at(touch)
            if cut is None:
                break
            yield cut
        while True:
            yield pi.cut_after(self._random.uniform(0, LONGEST_ACTIVATION_S))


def progress(what: str, wrong: list[str]) -> None:
    """A line on standard error."""
    print(f"{what}: {wrong[-1] if wrong else 'well'}", file=sys.stderr)


def some(sectors: list[int]) -> str:
    """In how many of the cuts there were any, and the most."""
    return (
        f"{sum(map(bool, sectors))} of {len(sectors)} times some, at most {max(sectors, default=0)}"
    )


def times(seconds: list[float]) -> str:
    """Median and longest."""
    return f"{median(seconds):.1f} s, longest {max(seconds):.1f} s" if seconds else "–"


def minutes(began: float) -> str:
    """How long that is ago."""
    return f"{(time.monotonic() - began) / 60:.0f} minutes"


if __name__ == "__main__":
    sys.exit(main())
