"""Photograph the status page for the documentation, with the sample's birds and squirrels.

    python docs/page.py demo

Needs Chromium and node; the test of the page in a browser installs the rest into .cache/browser.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from galago.bundle.image import read_image
from galago.edge.web.settings import WebSettings
from tests.edge.web.daemon import Camera, Pictures

HERE = Path(__file__).parent
MODULES = HERE.parent / ".cache" / "browser"

# (minutes ago, label, score, what was seen before, for how many seconds)
VISITS = (
    (212, "bird", 0.94, "empty", 5210.0),
    (209, "empty", 0.99, "bird", 171.0),
    (161, "squirrel", 0.98, "empty", 2890.0),
    (158, "empty", 0.99, "squirrel", 188.0),
    (97, "bird", 0.88, "empty", 3660.0),
    (96, "squirrel", 0.91, "bird", 62.0),
    (92, "empty", 0.99, "squirrel", 240.0),
    (31, "bird", 0.97, "empty", 3644.0),
    (29, "empty", 0.98, "bird", 121.0),
    (4, "squirrel", 0.97, "empty", 1502.0),
)
DOUBTS = (("bird", 0.52), ("squirrel", 0.49), ("empty", 0.55), ("bird", 0.44), ("squirrel", 0.58))
BIRDS = [0, 0, 0, 0, 2, 9, 14, 17, 12, 8, 6, 5, 4, 5, 6, 9, 12, 10, 5, 1, 0, 0, 0, 0]
SQUIRRELS = [0, 0, 0, 0, 0, 1, 3, 6, 9, 11, 12, 9, 6, 5, 7, 9, 8, 6, 3, 0, 0, 0, 0, 0]


def sample(demo: Path) -> Pictures:
    """Test pictures of each class."""
    root = demo / "sample" / "images" / "test"
    labels = ("bird", "empty", "squirrel")
    return {label: [read_image(p) for p in sorted((root / label).iterdir())] for label in labels}


def live_through(camera: Camera) -> None:
    """What a feeder has seen in some days."""
    now = datetime.now(UTC)
    for minutes, label, score, before, seconds in VISITS:
        camera.record(label, score, before, seconds, now - timedelta(minutes=minutes))
    for number, (label, score) in enumerate(DOUBTS):
        camera.wonder(label, score, now - timedelta(hours=2 + 3 * number))
    seen = {"bird": [float(n) for n in BIRDS], "squirrel": [float(n) for n in SQUIRRELS]}
    empty = [60.0 - bird - squirrel for bird, squirrel in zip(BIRDS, SQUIRRELS, strict=True)]
    camera.pass_time(14 * 24, {**seen, "empty": empty})
    camera.label, camera.score = "squirrel", 0.97
    camera.since_ns = time.monotonic_ns() - 240_000_000_000
    camera.started = now - timedelta(days=23, hours=4)
    camera.health.report(
        "machine.undervoltage",
        "the power supply was too weak 2 times since the start",
        time.monotonic_ns() - 5_400_000_000_000,
    )
    time.sleep(2)  # the recorder writes


def main() -> None:
    """Make the pictures."""
    node, chromium = shutil.which("node"), shutil.which("chromium")
    if node is None or chromium is None or not (MODULES / "node_modules").exists():
        raise SystemExit("needs node, chromium, and make test before, for .cache/browser")
    with tempfile.TemporaryDirectory() as folder:
        pictures = sample(Path(sys.argv[1]))
        with Camera(Path(folder), WebSettings(port=0), pictures) as camera:
            live_through(camera)
            script = [node, HERE / "page.mjs", MODULES, chromium]
            words = [*script, f"{camera.address}/", HERE / "pictures"]
            subprocess.run([str(word) for word in words], check=True, timeout=180)


if __name__ == "__main__":
    main()
