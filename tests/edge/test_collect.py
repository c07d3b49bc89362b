"""Training pictures from the camera: what is kept, how it is named, and how it ends."""

import json
import os
import pty
import re
import resource
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from galago.bundle.classifier import Classifier, Scores
from galago.bundle.image import read_image, write_image
from galago.bundle.model_file import ModelFile
from galago.bundle.preprocess import Pixels, PreprocessSpec, preprocess
from galago.edge.album import Album, Form
from galago.edge.camera import open_camera
from galago.edge.loop import Loop
from galago.edge.trigger import Every, Keys, Motion, Taking
from galago.train.data.cache import prepare
from galago.train.data.groups import group
from tests.conftest import Outcome, draw

NAME = re.compile(r"(\d{8}T\d{6}\.\d{3})Z_b(\d{4})_(\d\d)(_[\w-]+)?\.(png|jpg)")
HANG_S = 30.0
NS = 1_000_000_000

Galago = Callable[..., Outcome]


def clip(folder: Path, pictures: list[Pixels], fps: float = 1) -> str:
    """A recording of these pictures, played at once, its times those of `fps`."""
    folder.mkdir()
    for number, picture in enumerate(pictures):
        write_image(folder / f"{number:04}.png", picture)
    return f"dir:{folder}?fps={fps:g}&pace=max"


def noise(amount: int) -> list[Pixels]:
    """Pictures, (24, 32, 3), no two of which look alike."""
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (24, 32, 3), np.uint8) for _ in range(amount)]


def taken(out: Path) -> list[Path]:
    """The pictures in a folder, which has nothing else in it, by name."""
    paths = sorted(out.iterdir())
    assert all(NAME.fullmatch(path.name) for path in paths), paths
    return paths


def marks(out: Path) -> list[str]:
    """Burst and number of each picture: "1.01"."""
    found = [NAME.fullmatch(path.name) for path in taken(out)]
    return [f"{int(match[2])}.{match[3]}" for match in found if match]


def groups(paths: list[Path]) -> list[int]:
    """Which of these pictures training keeps together."""
    looks = prepare(paths, PreprocessSpec(16, 16), "pictures").looks
    return [int(index) for index in group(looks, ["cat"] * len(paths), [None] * len(paths))]


def test_every_few_seconds(galago: Galago, tmp_path: Path) -> None:
    """By the frames' own times, whatever the pace; each a burst of one."""
    out = tmp_path / "images" / "cat"
    outcome = galago("capture", clip(tmp_path / "clip", noise(10)), "--out", out, "--every", 4)
    assert outcome.code == 0
    assert marks(out) == ["1.01", "2.01", "3.01"]
    assert outcome.out == f"3 pictures in 3 bursts in {out}\n"
    assert "galago: burst 2: 1 picture, 2 in all" in outcome.err.splitlines()


def test_a_name_tells_when_it_was_taken(galago: Galago, tmp_path: Path) -> None:
    """UTC, to the millisecond, as far apart as the frames were."""
    galago("capture", clip(tmp_path / "clip", noise(5)), "--out", tmp_path / "cat", "--every", 2)
    times = [
        datetime.strptime(path.name[:19], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
        for path in taken(tmp_path / "cat")
    ]
    assert abs(datetime.now(UTC) - times[0]) < timedelta(minutes=1)
    for before, after in pairwise(times):
        assert (after - before).total_seconds() == pytest.approx(2, abs=0.2)


def test_training_keeps_a_burst_together(galago: Galago, tmp_path: Path) -> None:
    """By the names alone: the same pictures under other names are strangers to each other."""
    source = clip(tmp_path / "clip", noise(75))
    burst = ("--every", 70, "--burst", 3, "--burst-fps", 1)
    outcome = galago("capture", source, "--out", tmp_path / "cat", *burst)
    assert outcome.out.startswith("6 pictures in 2 bursts")
    paths = taken(tmp_path / "cat")
    assert groups(paths) == [0, 0, 0, 3, 3, 3]
    nameless = [path.rename(path.with_name(f"{n}.png")) for n, path in enumerate(paths)]
    assert groups(nameless) == [0, 1, 2, 3, 4, 5]


def test_what_is_kept_is_the_cameras_picture(galago: Galago, tmp_path: Path) -> None:
    """All of its pixels, in its size."""
    pictures = noise(3)
    source = clip(tmp_path / "clip", pictures)
    galago("capture", source, "--out", tmp_path / "cat", "--every", 1)
    kept = [read_image(path) for path in taken(tmp_path / "cat")]
    assert np.array_equal(kept, pictures)


@pytest.mark.parametrize(
    ("words", "spec"),
    [
        (("--size", "40"), PreprocessSpec(40, 40)),
        (("--size", "48x32"), PreprocessSpec(32, 48)),
        (("--size", "40", "--crop", "centre"), PreprocessSpec(40, 40, "centre")),
    ],
)
def test_at_a_size_training_gets_what_the_camera_saw(
    galago: Galago, tmp_path: Path, words: tuple[str, ...], spec: PreprocessSpec
) -> None:
    """Its own preprocessing finds the picture ready: byte for byte what a device would make."""
    picture = draw("circle", seed=1)
    galago(
        "capture",
        clip(tmp_path / "clip", [picture]),
        "--out",
        tmp_path / "cat",
        "--every",
        1,
        *words,
    )
    (path,) = taken(tmp_path / "cat")
    assert read_image(path).shape == (spec.height, spec.width, 3)
    learnt = prepare([path], spec, "pictures").pixels[0]
    assert np.array_equal(learnt, preprocess(picture, spec))


class Witness(Classifier):
    """A model that remembers what it was shown."""

    def classify(self, image: Pixels) -> Scores:
        self.shown = image.copy()
        return super().classify(image)


def test_with_a_model_training_gets_the_daemons_input(
    galago: Galago, model_path: Path, tmp_path: Path
) -> None:
    """The same bytes that the daemon's loop gives to that model, region for region."""
    source = clip(tmp_path / "clip", [draw("square", seed=2)])
    out = tmp_path / "square"
    assert galago("capture", source, "--out", out, "--every", 1, "--model", model_path).code == 0
    witness = Witness.open(ModelFile.read(model_path))
    assert isinstance(witness, Witness)
    with Loop(partial(open_camera, source), witness, threading.Event()) as loop:
        assert len(list(loop)) == 1
    learnt = prepare(taken(out), witness.spec, "pictures").pixels
    assert np.array_equal(learnt, [witness.shown])


def test_a_file_has_its_colours_whatever_the_model_wants(tmp_path: Path) -> None:
    """For one of blue first, only the last preprocess may turn them round."""
    picture, spec = draw("circle", seed=3), PreprocessSpec(32, 32, colour="bgr")
    Album(tmp_path, Form(spec), 0).add(picture, datetime.now(UTC), 1, 1, None)
    (path,) = taken(tmp_path)
    assert np.array_equal(preprocess(read_image(path), spec), preprocess(picture, spec))


def test_jpeg_is_for_whoever_asks(galago: Galago, tmp_path: Path) -> None:
    """Much smaller, and no longer exact."""
    source, out = clip(tmp_path / "clip", noise(1)), tmp_path / "cat"
    assert galago("capture", source, "--out", out, "--every", 1, "--jpeg", 90).code == 0
    (path,) = taken(out)
    assert path.suffix == ".jpg"
    assert path.read_bytes().startswith(b"\xff\xd8")


def test_regions_are_pictures_of_their_own(galago: Galago, tmp_path: Path) -> None:
    """Each with its name, which cannot lead out of the folder."""
    (picture,) = noise(1)
    regions = ("--region", "door=0,0,16,12", "--region", "../up=16,12,16,12")
    source, out = clip(tmp_path / "clip", [picture]), tmp_path / "cat"
    outcome = galago("capture", source, "--out", out, "--every", 1, *regions)
    assert outcome.out.startswith("2 pictures in 1 burst in ")
    up, door = taken(out)
    assert door.stem.endswith("_b0001_01_door")
    assert up.stem.endswith("_b0001_01_---up")
    assert np.array_equal(read_image(door), picture[:12, :16])
    assert np.array_equal(read_image(up), picture[12:, 16:])


def test_what_moves_is_taken(galago: Galago, tmp_path: Path) -> None:
    """Once in a pause; the first picture, and what stays as it is, are no movement."""
    still, circle, square = (draw(label, seed=1) for label in ("empty", "circle", "square"))
    pictures = [*[still] * 20, *[circle] * 10, *[square] * 10, *[circle] * 40]
    source, out = clip(tmp_path / "clip", pictures, fps=10), tmp_path / "any"
    outcome = galago("capture", source, "--out", out, "--motion", "--pause", 1.5)
    assert outcome.out.startswith("10 pictures in 2 bursts in ")
    assert marks(out) == [f"{burst}.{number:02}" for burst in (1, 2) for number in range(1, 6)]
    first, last = (read_image(path) for path in (taken(out)[0], taken(out)[-1]))
    assert np.array_equal(first, circle)
    assert np.array_equal(last, circle)


def test_only_the_region_in_which_it_moves(galago: Galago, tmp_path: Path) -> None:
    """The other would be a picture of nothing under the label of something."""
    still = draw("empty", seed=1)
    moved = still.copy()
    moved[:, :20] = 255
    source, out = clip(tmp_path / "clip", [*[still] * 5, *[moved] * 9], fps=5), tmp_path / "cat"
    regions = ("--region", "left=0,0,0.5,1", "--region", "right=0.5,0,0.5,1")
    galago("capture", source, "--out", out, "--motion", "--burst", 2, *regions)
    assert [path.stem.rpartition("_")[2] for path in taken(out)] == ["left", "left"]


def test_it_ends_when_it_has_enough(galago: Galago, tmp_path: Path) -> None:
    """In the middle of a burst, and of a frame."""
    words = ("--every", 5, "--burst", 4, "--burst-fps", 1, "--count", 3)
    regions = ("--region", "left=0,0,0.5,1", "--region", "right=0.5,0,0.5,1")
    source, out = clip(tmp_path / "clip", noise(20)), tmp_path / "cat"
    assert galago("capture", source, "--out", out, *words, *regions).code == 0
    assert [path.name[21:] for path in taken(out)] == [
        "b0001_01_left.png", "b0001_01_right.png", "b0001_02_left.png",
    ]  # fmt: skip


def test_a_folder_is_filled_further(galago: Galago, tmp_path: Path) -> None:
    """Nothing is overwritten, and bursts go on counting."""
    source, out = clip(tmp_path / "clip", noise(3)), tmp_path / "cat"
    for _ in range(2):
        galago("capture", source, "--out", out, "--every", 2)
    # Times of a recording run ahead: by name the second one begins before the first has ended.
    assert sorted(marks(out)) == ["1.01", "2.01", "3.01", "4.01"]


def test_a_name_that_is_taken_stays(tmp_path: Path) -> None:
    """Two captures into one folder may come upon the same moment."""
    album, now = Album(tmp_path, Form(), 0), datetime.now(UTC)
    for picture in noise(3):
        album.add(picture, now, 1, 1, None)
    paths = sorted(tmp_path.iterdir(), key=lambda path: (len(path.name), path.name))
    assert [path.stem.partition("_b0001_01")[2] for path in paths] == ["", "-2", "-3"]
    assert np.array_equal([read_image(path) for path in paths], noise(3))


def test_json_is_one_document(galago: Galago, tmp_path: Path) -> None:
    """On standard output, and nothing else there."""
    source, out = clip(tmp_path / "clip", noise(3)), tmp_path / "cat"
    outcome = galago("capture", source, "--out", out, "--every", 1, "--json")
    document = {"pictures": 3, "bursts": 3, "left_out": 0, "out": str(out)}
    assert json.loads(outcome.out) == document


def test_a_live_camera_gets_a_second_to_adjust(galago: Galago, tmp_path: Path) -> None:
    """Its first pictures are too bright or of a wrong colour."""
    out = tmp_path / "cat"
    galago("capture", "fake:white*3,bars*9s", "--out", out, "--every", 9, "--count", 1)
    (path,) = taken(out)
    assert read_image(path).min() == 0


def test_torn_frames_are_left_out(galago: Galago, tmp_path: Path) -> None:
    """From the first one on, and counted; the burst is shorter by them."""
    pictures = noise(6)
    for torn in pictures[1:3]:
        torn[14:] = 128
    source, out = clip(tmp_path / "clip", pictures), tmp_path / "cat"
    words = ("--every", 60, "--burst", 5, "--burst-fps", 1)
    outcome = galago("capture", source, "--out", out, *words)
    assert outcome.code == 0
    assert outcome.out == f"3 pictures in 1 burst in {out}; left out: 2 torn frames\n"
    kept = [read_image(path) for path in taken(out)]
    assert np.array_equal(kept, [pictures[0], *pictures[3:5]])


def test_a_frozen_camera_teaches_nothing_and_says_so(galago: Galago, tmp_path: Path) -> None:
    """What is wrong with the picture is told while it is collected."""
    source, out = "fake:bars*1.5s,frozen*4s?noise=5", tmp_path / "cat"
    outcome = galago("capture", source, "--out", out, "--every", 0.5)
    assert outcome.code == 0
    assert "galago: camera.frozen: the camera sends the same picture" in outcome.err
    assert re.search(r"left out: \d frozen frames\n", outcome.out)
    assert len(taken(out)) >= 2


def test_a_lost_camera_keeps_what_was_taken(galago: Galago, tmp_path: Path) -> None:
    """Exit 4, after a line with what there is; it was opened again once."""
    source, out = "fake:bars*1.3s,error", tmp_path / "cat"
    outcome = galago("capture", source, "--out", out, "--every", 10)
    assert outcome.code == 4
    said = outcome.err.splitlines()
    assert "camera.failed: " in outcome.err
    assert f"galago: 1 picture in 1 burst in {out}" in said
    assert said[-1].startswith("galago: the fake camera failed")
    assert len(taken(out)) == 1


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("fake:bars", 2, "needs a terminal for its keys: use --every 5 or --motion"),
        ("fake:bars --every 5 --motion", 2, "one of --key, --every and --motion"),
        ("fake:bars --every 5 --key", 2, "--key and --every"),
        ("fake:bars --every 5 --pause 9", 2, "add --motion"),
        ("fake:bars --every 0", 2, "--every"),
        ("fake:bars --every 5 --size big", 2, "--size is WIDTHxHEIGHT or one side"),
        ("fake:bars --every 5 --crop centre", 2, "add --size"),
        ("fake:bars --every 5 --region door", 2, "NAME=LEFT,TOP,WIDTH,HEIGHT"),
        ("fake:bars --every 5 --region door=700,0,9,9", 2, "expected it inside the 640 × 480"),
        ("fake:brs --every 5", 2, "did you mean 'bars'"),
        ("dir:nowhere --every 5", 4, "nowhere"),
        ("fake:bars --every 5 --keep-free 999999999", 1, "make room, or lower --keep-free"),
    ],
)
def test_a_refusal_says_why_and_takes_nothing(
    galago: Galago, tmp_path: Path, words: str, code: int, message: str
) -> None:
    """One line at the end, exit 2 for usage, 4 for the camera, 1 for the disk."""
    outcome = galago("capture", *words.split(), "--out", tmp_path / "cat")
    assert outcome.code == code
    assert message in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err
    assert not list(tmp_path.rglob("*.png"))


def test_a_model_says_its_size_itself(galago: Galago, model_path: Path, tmp_path: Path) -> None:
    """Two sizes are one too many."""
    words = ("--every", 5, "--model", model_path, "--size", 40)
    outcome = galago("capture", "fake:bars", "--out", tmp_path / "cat", *words)
    assert outcome.code == 2
    assert "leave --size and --crop" in outcome.complaint


# --- in a process of its own: limits, signals, and a terminal -------------------------------------

COMMAND = [sys.executable, "-P", "-m", "galago.cli", "capture"]


def test_a_disk_that_is_full_has_no_half_pictures(tmp_path: Path) -> None:
    """Exit 1 and one line; what came before is whole. The limit here is that of a file's size."""
    pictures = [np.zeros((24, 32, 3), np.uint8), *noise(1)]
    source, out = clip(tmp_path / "clip", pictures), tmp_path / "cat"
    done = subprocess.run(
        [*COMMAND, source, "--out", out, "--every", "1"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)),
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"galago: File too large: {out}"
    (path,) = taken(out)
    assert np.array_equal(read_image(path), pictures[0])


@dataclass
class Terminal:
    """A program in a pseudo-terminal, and the person before it."""

    process: "subprocess.Popen[bytes]"
    master: int
    slave: int
    before: list[object]
    seen: str = ""

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def wait_for(self, text: str) -> None:
        """Read what is shown until it has this in it."""
        deadline = time.monotonic() + HANG_S
        while text not in self.seen and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 4096).decode()
        assert text in self.seen

    def leave(self) -> int:
        """Wait for the end; its exit code."""
        code = self.process.wait(HANG_S)
        while select.select([self.master], [], [], 0.1)[0]:
            self.seen += os.read(self.master, 4096).decode()
        return code

    @property
    def is_as_before(self) -> bool:
        return termios.tcgetattr(self.slave) == self.before


@contextmanager
def terminal(*words: object) -> Iterator[Terminal]:
    """Run `galago capture` in a terminal, its three streams there."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(
        [*COMMAND, *map(str, words)], stdin=slave, stdout=slave, stderr=slave
    )
    try:
        yield Terminal(process, master, slave, before)
    finally:
        process.kill()
        process.wait()
        os.close(slave)
        os.close(master)


def test_keys_take_pictures(tmp_path: Path) -> None:
    """Space one, b a burst, arrows nothing, q ends; the line that counts stays one line."""
    out = tmp_path / "cat"
    words = ("fake:bars*forever?noise=5", "--out", out, "--burst", 3, "--burst-fps", 20)
    with terminal(*words) as screen:
        screen.wait_for("space takes a picture, b a burst of 3, q ends")
        screen.press(" ")
        screen.wait_for("1 picture in 1 burst")
        screen.press("\x1b[B")
        time.sleep(0.3)  # in which it would take a burst
        screen.press("xb")
        screen.wait_for("4 pictures in 2 bursts")
        screen.press("q")
        assert screen.leave() == 0
        assert screen.is_as_before
    assert marks(out) == ["1.01", "2.01", "2.02", "2.03"]
    assert screen.seen.endswith(f"\r\x1b[K4 pictures in 2 bursts in {out}\r\n")
    assert screen.seen.count("\n") == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_the_terminal_as_it_was(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Exit 0 and the count."""
    with terminal("fake:bars*forever", "--out", tmp_path / "cat") as screen:
        screen.wait_for("q ends")
        assert not screen.is_as_before
        screen.process.send_signal(number)
        assert screen.leave() == 0
        assert screen.is_as_before
    assert screen.seen.endswith(f"0 pictures in 0 bursts in {tmp_path}/cat\r\n")


def test_an_error_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    """Here a camera that is lost."""
    with terminal("fake:bars*5,error", "--out", tmp_path / "cat") as screen:
        assert screen.leave() == 4
        assert screen.is_as_before
    assert "the fake camera failed" in screen.seen


def test_a_terminal_that_goes_away_ends_it(tmp_path: Path) -> None:
    """A connection is lost: nobody could press q any more."""
    master, slave = pty.openpty()
    words = ["fake:bars*forever", "--out", str(tmp_path / "cat")]
    with subprocess.Popen(
        [*COMMAND, *words], stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(slave)
        assert process.stderr is not None
        try:
            assert "q ends" in process.stderr.readline()
            os.close(master)
            out, err = process.communicate(timeout=HANG_S)
        finally:
            process.kill()
    assert process.returncode == 0
    assert out.startswith("0 pictures")
    assert err == ""


# --- when: the triggers alone ---------------------------------------------------------------------

VIEW = np.zeros((24, 32, 3), np.uint8)


def test_what_a_delay_missed_is_not_made_up_for() -> None:
    """After a stall one picture, and the next a whole interval later."""
    every = Every(1, pictures=2)
    asked = {0.0: True, 0.9: False, 1.0: True, 5.5: True, 5.6: False, 6.4: False, 6.5: True}
    for second, wanted in asked.items():
        taking = every([VIEW], round(second * NS))
        assert taking == (Taking((0,), 2) if wanted else None), second


def test_keys_do_not_queue_up() -> None:
    """A key that is held takes no pictures after it was let go."""
    keys = Keys()
    for pictures in (1, 1, 5):
        keys.press(pictures)
    assert keys([VIEW, VIEW], 0) == Taking((0, 1), 5)
    assert keys([VIEW, VIEW], 1) is None


def test_what_moved_in_the_pause_is_no_movement_after_it() -> None:
    """Else the empty scene would be taken, once the animal has left in the pause."""
    motion = Motion(10, pictures=1)
    bright = np.full_like(VIEW, 200)
    shown = [(0, VIEW), (1, bright), (2, VIEW), (12, VIEW), (13, bright)]
    answers = [motion([view], second * NS) is not None for second, view in shown]
    assert answers == [False, True, False, False, True]
