"""What health costs: the loop's beat, and what the other threads do for it.

    python bench/vitals.py MODEL.tflite

A beat is in the loop's thread; the rest is in threads beside it, where only the processor's time
counts. Best of several rounds: others' work on the machine is no cost of ours.
"""

import argparse
import time
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np

from galago.edge.camera import Frame, open_camera
from galago.edge.decision import Decision
from galago.edge.health import Health
from galago.edge.live import Live
from galago.edge.loop import Seen
from galago.edge.regions import WHOLE
from galago.edge.serving import open_serving
from galago.edge.vitals.metrics import exposition
from galago.edge.vitals.pulse import Pulse
from galago.edge.vitals.sensors import Sensors
from galago.edge.vitals.settings import HealthSettings
from galago.edge.vitals.sources import Sources
from galago.edge.vitals.status import Reporter
from galago.edge.vitals.watch import Watch
from machine import describe

ROUNDS = 7


def best_us(call: Callable[[], object], times: int) -> float:
    """The fastest round's mean, in microseconds."""
    return min(timeit.repeat(call, number=times, repeat=ROUNDS)) / times * 1e6


def watched(model: Path) -> Sources:
    """A daemon's parts that have seen something, over this very machine."""
    serving, camera = open_serving(model), open_camera("fake:bars")
    live, now_ns = Live(), time.monotonic_ns()
    scores = np.full(len(serving.classifier.labels), 0.1, np.float32)
    frame = Frame(np.zeros((4, 4, 3), np.uint8), now_ns, 0)
    live.offer(Seen(frame, WHOLE, scores, Decision(scores, 0, now_ns, now_ns), None))
    return Sources("porch", live, Pulse(), Health(), lambda: serving, lambda: camera, lambda: 0)


class Looks:
    """A watch whose seconds pass without waiting, so that each look is one that judges."""

    def __init__(self, sources: Sources) -> None:
        self._watch = Watch(sources, HealthSettings(quiet_hours=1, min_rate=1))
        self._now_ns, self._utc_s = time.monotonic_ns(), time.time()

    def __call__(self) -> None:
        """Five seconds later."""
        self._now_ns += 5_000_000_000
        self._utc_s += 5
        self._watch.look(self._now_ns, self._utc_s)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", type=Path)
    sources = watched(parser.parse_args().model)
    reporter, document = Reporter(sources), Reporter(sources).document()
    frame_ns = time.monotonic_ns() - 20_000_000
    print(describe())
    for what, wanted, call, times in (
        ("a beat, in the loop's thread", "< 1", lambda: sources.pulse.beat(frame_ns), 200_000),
        ("a look that judges, every 5 s", "< 1000", Looks(sources), 2_000),
        ("the machine's sensors, every 2 s", "< 5000", Sensors(fresh_s=0).read, 500),
        ("the status document", "< 1000", reporter.document, 1_000),
        ("the same for Prometheus", "< 5000", lambda: exposition(document), 500),
    ):
        print(f"{what:36} {best_us(call, times):8.2f} µs (wanted: {wanted})")


if __name__ == "__main__":
    main()
