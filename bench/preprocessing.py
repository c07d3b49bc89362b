"""What preprocessing costs, and how far it is from an exact average over every pixel's area.

    python bench/preprocessing.py ../shared

On the test photographs of cats and dogs, enlarged to the size of a camera's frame, and two large
ones made smaller; the way of halving was chosen on training photographs.
"""

import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from galago.bundle.preprocess import Pixels, PreprocessSpec, Scratch, as_pixels, preprocess
from machine import describe

PHOTOGRAPHS = 200
TIMED = 300
CASES = [
    ((640, 480), 64), ((640, 480), 96), ((640, 480), 128), ((640, 480), 224),
    ((1280, 720), 64), ((1280, 720), 224), ((1920, 1080), 224),
]  # fmt: skip


def photographs(shared: Path) -> list[Pixels]:
    """(H, W, 3) uint8, as they lie in the archive, evenly chosen."""
    with zipfile.ZipFile(shared / "data" / "cats-dogs.zip") as archive:
        names = sorted(n for n in archive.namelist() if "/test/" in n and n.endswith(".jpg"))
        chosen = [names[row] for row in np.linspace(0, len(names) - 1, PHOTOGRAPHS).astype(int)]
        encoded = [np.frombuffer(archive.read(name), np.uint8) for name in chosen]
    large = [shared / "models" / name for name in ("cat_720p.jpg", "parrot.jpg")]
    encoded += [np.frombuffer(path.read_bytes(), np.uint8) for path in large]
    return [as_pixels(cv2.imdecode(content, cv2.IMREAD_COLOR)) for content in encoded]


def frame(photograph: Pixels, size: tuple[int, int]) -> Pixels:
    """The photograph as a frame of this (width, height)."""
    is_larger = photograph.shape[1] > size[0]
    how = cv2.INTER_AREA if is_larger else cv2.INTER_CUBIC
    return as_pixels(cv2.resize(photograph, size, interpolation=how))


def microseconds(call: Callable[[], object]) -> float:
    """Median of TIMED calls."""
    times = []
    for _ in range(TIMED):
        start = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - start)
    return float(np.median(times)) / 1000


def row(frames: list[Pixels], side: int) -> str:
    """Times of the three ways, and how far the cheap two are from the exact one."""
    area = PreprocessSpec(side, side, interpolation="area")
    out = np.empty((side, side, 3), np.uint8)
    scratch = Scratch()
    mipmap = replace(area, interpolation="mipmap")
    ways: dict[str, Callable[[Pixels], Pixels]] = {
        "area": lambda pixels: preprocess(pixels, area, out=out),
        "linear": lambda pixels: as_pixels(cv2.resize(pixels, (side, side), dst=out)),
        "mipmap": lambda pixels: preprocess(pixels, mipmap, out, scratch),
    }
    exact = [preprocess(pixels, area).astype(int) for pixels in frames]
    times = [microseconds(partial(way, frames[0])) for way in ways.values()]
    off = [
        np.mean([np.abs(ways[name](f) - e).mean() for f, e in zip(frames, exact, strict=True)])
        for name in ("linear", "mipmap")
    ]
    return " | ".join(
        [*(f"{time_us:.0f}" for time_us in times), *(f"{level:.2f}" for level in off)]
    )


def main() -> None:
    """Print a table."""
    cv2.setNumThreads(1)
    pictures = photographs(Path(sys.argv[1]))
    print(describe())
    print(
        "| frame → input | area µs | linear µs | mipmap µs | linear differs by, levels "
        "| mipmap differs by |\n|---|---|---|---|---|---|"
    )
    for size, side in CASES:
        frames = [frame(picture, size) for picture in pictures]
        print(f"| {size[0]} × {size[1]} → {side} | {row(frames, side)} |")


if __name__ == "__main__":
    main()
