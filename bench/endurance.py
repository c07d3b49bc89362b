"""A million frames: does the daemon's loop grow, or leave anything behind?

    python bench/endurance.py MODEL.tflite [--frames 1000000]

The loop, its inspector and its outlet in this process, fed 640 × 480 frames by the scripted camera
as fast as they go; events are made all the time, since the camera shows noise and black in turns.
The view at set-up is taken in a short run before: to learn it takes as long as 10 000 frames here.
"""

import argparse
import os
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

from galago.bundle.classifier import Classifier
from galago.bundle.model_file import ModelFile
from galago.edge.camera import open_camera
from galago.edge.event import make_event
from galago.edge.health import Health
from galago.edge.inspector import Inspector
from galago.edge.loop import Loop, LoopSettings
from galago.edge.outlet import Outlet
from galago.edge.regions import parse_regions
from machine import describe

WARM_UP = 10_000
SCRIPT = "fake:noise*3000,black*3000?pace=max&loop=1"
REGIONS = parse_regions(["left=0,0,0.5,1", "right=0.5,0,0.5,1"])


def resident_kb() -> int:
    """Memory of this process that is resident now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def descriptors() -> int:
    """Open file descriptors."""
    return len(list(Path("/proc/self/fd").iterdir()))


def learn(model: ModelFile, view: Path) -> None:
    """Look for as long as it takes to know the view."""
    opener = partial(open_camera, "fake:noise*forever?fps=30")
    with (
        Loop(opener, Classifier.open(model), threading.Event()) as loop,
        Inspector(loop.camera, Health(), view) as inspector,
    ):
        for seen in loop:
            inspector.offer(seen.frame)
            if view.exists():
                return


def watch(model: ModelFile, frames: int, settings: LoopSettings, view: Path) -> list[int]:
    """Look at so many frames; resident memory after the warm-up and then ten times, in kB."""
    classifier, health = Classifier.open(model), Health()
    opener, stop = partial(open_camera, SCRIPT), threading.Event()
    seen_kb: list[int] = []
    steps = {WARM_UP, *(frames * tenth // 10 for tenth in range(1, 11))}
    with (
        Path(os.devnull).open("w", encoding="utf-8") as sink,
        Loop(opener, classifier, stop, settings, health=health) as loop,
    ):
        write = partial(print, file=sink)
        with (
            Inspector(loop.camera, health, view) as inspector,
            Outlet(write, stop.set, wait=True) as outlet,
        ):
            for seen in loop:
                inspector.offer(seen.frame)
                if seen.changed:
                    outlet.put(make_event(seen, loop.labels, model.sha256, "bench").to_json())
                if loop.frames in steps:
                    steps.remove(loop.frames)
                    seen_kb.append(resident_kb())
                if loop.frames == frames:
                    break
    return seen_kb


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--frames", type=int, default=1_000_000)
    options = parser.parse_args()
    model = ModelFile.read(options.model)
    view = Path(tempfile.mkdtemp()) / "view.png"
    learn(model, view)
    print(describe())
    print(
        "| frames | regions | MB after 10 000 | kB more, at each tenth | threads, files before "
        "| after | frames/s |\n|---|---|---|---|---|---|---|"
    )
    for settings, frames in (
        (LoopSettings(), options.frames),
        (LoopSettings(regions=REGIONS), options.frames // 10),
    ):
        before = threading.active_count(), descriptors()
        start = time.monotonic()
        first, *later = watch(model, frames, settings, view)
        rate = frames / (time.monotonic() - start)
        after = threading.active_count(), descriptors()
        grown = ", ".join(str(kb - first) for kb in later)
        print(
            f"| {frames} | {len(settings.regions)} | {first / 1024:.1f} | {grown} "
            f"| {before} | {after} | {rate:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
