"""Make the pictures in docs/: `make pictures`, from a demo that is made first.

python docs/pictures.py demo

Pages are photographed by Chromium, which must be installed.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from galago.bundle.classifier import Classifier
from galago.bundle.image import read_image, write_image
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import Pixels, as_pixels
from galago.edge.camera import Frame
from galago.edge.decision import DecisionSettings, decide
from galago.edge.loop import Seen
from galago.edge.regions import WHOLE
from galago.edge.rules import Rules
from galago.edge.watch import draw

PICTURES = Path(__file__).parent / "pictures"

FPS = 15.0  # the film's
SURE = 0.97
PAGES = {  # picture → page in the demo, and the size of its upper part in CSS pixels
    "report.jpg": ("run/report.html", (1120, 1900)),
    "convert.jpg": ("convert.html", (1120, 1500)),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SHOWN = {"empty": 0.0, "bird": 0.3, "squirrel": 0.75}  # label → where in the sample's two years


def window(classifier: Classifier, path: Path) -> tuple[Pixels, str, float]:
    """The watch window's picture, (480, 640, 3) uint8 RGB, with the label and its score."""
    pixels = read_image(path)
    scores = classifier(pixels)
    # One picture, which need not last.
    decision = decide(None, scores, 0, Rules.of(DecisionSettings(hold_s=0), classifier))
    drawn = draw(Seen(Frame(pixels, 0, 0), WHOLE, scores, decision, None), classifier.labels, FPS)
    picture = as_pixels(cv2.cvtColor(drawn, cv2.COLOR_BGR2RGB))
    return picture, classifier.labels[decision.label], decision.score


def watch_strip(demo: Path) -> Pixels:
    """A test picture of each class side by side, of several seasons, that the model is sure of."""
    classifier = Classifier.open(ModelFile.read(demo / "feeder.tflite"))
    chosen = []
    for label, start in SHOWN.items():
        paths = sorted((demo / "sample" / "images" / "test" / label).iterdir())
        windows = (window(classifier, path) for path in paths[int(start * len(paths)) :])
        sure = (shown for shown, seen, score in windows if seen == label and score >= SURE)
        chosen.append(next(sure))
    strip = np.hstack(chosen)
    return as_pixels(cv2.resize(strip, (1440, 360), interpolation=cv2.INTER_AREA))


def photograph(page: Path, size: tuple[int, int]) -> Pixels:
    """The upper part of a page as a browser shows it."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit(f"no browser to photograph pages: install one of {BROWSERS}")
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "page.png"
        options = [
            "--headless",
            "--no-sandbox",  # the page is our own, and root has no sandbox
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
            f"--window-size={size[0]},{size[1]}",
            f"--screenshot={picture}",
        ]
        address = page.resolve().as_uri()
        subprocess.run([browser, *options, address], check=True, capture_output=True, timeout=120)
        return read_image(picture)


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    demo = Path(sys.argv[1])
    for name, (page, size) in PAGES.items():
        write_image(PICTURES / name, photograph(demo / page, size), quality=85)
    write_image(PICTURES / "watch.jpg", watch_strip(demo), quality=88)
