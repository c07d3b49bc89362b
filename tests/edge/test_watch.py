"""The window: what is drawn, and the real thing on a screen without glass."""

import ctypes
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from galago.edge.camera import Frame
from galago.edge.decision import UNKNOWN, Decision
from galago.edge.loop import Seen
from galago.edge.regions import WHOLE
from galago.edge.watch import draw

LABELS = ("circle", "empty", "square")
RED = (255, 0, 0)  # RGB
BAR_GREEN = (90, 200, 90)  # the same in RGB and in BGR
# OpenCV's Qt now and then misses that its window is on the screen, as does a program of three lines
# that only calls imshow and waitKey; it then draws nothing until the window is shown once more.
SHOW_AGAIN_S = 4.0
HANG_S = 60.0  # what a wait may last at most before a test calls it a hang


def seen(label: int, height: int = 120, width: int = 160) -> Seen:
    """A red picture in which `label` was found."""
    scores = np.array([0.7, 0.2, 0.1], np.float32)
    frame = Frame(np.full((height, width, 3), RED, np.uint8), 0, 0)
    return Seen(frame, WHOLE, scores, Decision(scores, label, 0, 0), None)


def test_the_picture_is_bgr() -> None:
    """A red camera frame is red for cv2.imshow, which takes blue first."""
    picture = draw(seen(0), LABELS, fps=25)
    assert picture.dtype == np.uint8
    assert picture[picture.shape[0] // 2, picture.shape[1] // 2].tolist() == [0, 0, 255]


def test_a_small_picture_is_enlarged() -> None:
    """Text on it can be read: at least 480 rows, in the camera's proportions."""
    assert draw(seen(0), LABELS, fps=25).shape == (480, 640, 3)


def test_a_large_picture_stays_as_it_is() -> None:
    """No pixel of a larger one is lost."""
    assert draw(seen(0, 720, 1280), LABELS, fps=25).shape == (720, 1280, 3)


def test_the_cameras_frame_is_not_drawn_on() -> None:
    """What is kept of a frame later has no letters on it."""
    shown = seen(0, 720, 1280)
    draw(shown, LABELS, fps=25)
    assert (shown.frame.pixels == RED).all()


def test_the_label_is_drawn_on_top() -> None:
    """Another label, or none, changes the first rows and nothing below them."""
    pictures = [draw(seen(label), LABELS, fps=25) for label in (0, 2, UNKNOWN)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        differs = (pictures[one] != pictures[other]).any(axis=(1, 2))
        assert differs[:60].any()
        assert not differs[60:].any()


def test_a_bar_is_as_long_as_its_score() -> None:
    """Best class first: 0.7 before 0.2 before 0.1 of 200 columns."""
    green = (draw(seen(0), LABELS, fps=25) == BAR_GREEN).all(axis=2).sum(axis=1)
    lengths = [int(length) for length in green if length > 10]
    assert sorted(set(lengths), reverse=True) == [141, 41, 21]
    assert lengths == sorted(lengths, reverse=True)


@dataclass(frozen=True)
class Screen:
    """An X server of our own; it keeps what it shows in a file."""

    display: str
    framebuffer: Path

    def search(self) -> list[str]:
        """Numbers of the visible windows with our title."""
        words = ["search", "--onlyvisible", "--name", "^galago$"]
        return self._xdotool(*words).split()

    def press(self, key: str) -> None:
        """Press a key over our window."""
        for window in self.search():
            self._xdotool("windowfocus", window, "key", key)

    def cross(self) -> None:
        """Ask our window to close, as a window manager does when its cross is clicked."""
        x11 = ctypes.CDLL("libX11.so.6")  # what xdotool is made with; it has no such verb itself
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XInternAtom.restype = ctypes.c_ulong
        display = ctypes.c_void_p(x11.XOpenDisplay(self.display.encode()))
        protocols, delete = (
            x11.XInternAtom(display, name, False)  # noqa: FBT003 - C has no names for arguments
            for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
        )
        for window in map(int, self.search()):
            # An XClientMessageEvent, each of whose fields has the place of a long: type, serial,
            # send_event, display, window, message_type, format, data.
            event = (ctypes.c_long * 24)(33, 0, 0, 0, window, protocols, 32, delete)
            x11.XSendEvent(display, ctypes.c_ulong(window), 0, ctypes.c_long(0), event)
        x11.XCloseDisplay(display)

    def show_again(self) -> None:
        """Take our window off the screen and put it back."""
        for window in self.search():
            self._xdotool("windowunmap", "--sync", window, "windowmap", "--sync", window)

    def shows(self, colour: tuple[int, int, int], pixels: int) -> bool:
        """Whether at least so many pixels of the screen have this (blue, green, red)."""
        # X11's dump format: a header that tells its own length, colours of 12 bytes, then rows.
        content = self.framebuffer.read_bytes()
        header = np.frombuffer(content, ">u4", 25)
        start = int(header[0]) + 12 * int(header[19])
        height, row_bytes = int(header[5]), int(header[12])
        rows = np.frombuffer(content, np.uint8, height * row_bytes, start)
        return bool((rows.reshape(-1, 4)[:, :3] == colour).all(axis=1).sum() >= pixels)

    def _xdotool(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words],  # noqa: S607 - the system's
            env=os.environ | {"DISPLAY": self.display},
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )
        return done.stdout


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """A screen of its own for the windows of these tests."""
    missing = [program for program in ("Xvfb", "xdotool") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"missing for a screen without glass: {', '.join(missing)}")
    if re.search(r"GUI:\s+NONE", cv2.getBuildInformation()):
        pytest.skip("opencv-python is missing: opencv-python-headless opens no windows")
    folder = tmp_path_factory.mktemp("screen")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-fbdir", str(folder), "-nolisten", "tcp"]
    # Not reset when its last window closes: the next one might come in the middle of it.
    command += ["-noreset", "-screen", "0", "1024x768x24"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        try:
            with os.fdopen(reading) as told:
                assert select.select([told], [], [], HANG_S)[0], "Xvfb says nothing"
                number = told.readline().strip()
            assert number, "Xvfb did not start"
            yield Screen(f":{number}", folder / "Xvfb_screen0")
        finally:
            server.terminate()


@contextmanager
def watching(model: Path, display: str | None) -> Iterator["subprocess.Popen[str]"]:
    """`galago watch` on a camera that never ends."""
    program = Path(sys.executable).parent / "galago"
    command = [str(program), "watch", "--model", str(model)]
    command += ["--camera", "fake:bars,noise?loop=1&fps=20&size=320x240"]
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    variables = {name: value for name, value in os.environ.items() if name not in hidden}
    if display is not None:
        variables["DISPLAY"] = display
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def wait_for_picture(screen: Screen, child: "subprocess.Popen[str]") -> None:
    """Wait until the live picture is on the screen."""
    deadline = time.monotonic() + HANG_S
    show_again = time.monotonic() + SHOW_AGAIN_S
    # A bar fills 17 rows of up to 200 columns: only the live picture has so much of its green.
    while not screen.shows(BAR_GREEN, pixels=1000):
        assert child.poll() is None, f"it ended with {child.returncode}: {child.communicate()}"
        assert time.monotonic() < deadline, "no picture on the screen"
        if time.monotonic() > show_again:
            screen.show_again()
            show_again += SHOW_AGAIN_S
        time.sleep(0.1)


def test_the_window_shows_the_picture_and_q_ends_it(model_path: Path, screen: Screen) -> None:
    """The bars of the scores come on the screen; at q the command ends well, without a word."""
    with watching(model_path, screen.display) as child:
        wait_for_picture(screen, child)
        screen.press("q")
        out, err = child.communicate(timeout=HANG_S)
    assert (child.returncode, out, err) == (0, "", "")
    assert screen.search() == []


def test_another_key_does_not_end_it(model_path: Path, screen: Screen) -> None:
    """Only q does."""
    with watching(model_path, screen.display) as child:
        wait_for_picture(screen, child)
        screen.press("a")
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(timeout=1)


def test_the_windows_cross_ends_it(model_path: Path, screen: Screen) -> None:
    """A window that is closed does not come back."""
    with watching(model_path, screen.display) as child:
        wait_for_picture(screen, child)
        screen.cross()
        out, err = child.communicate(timeout=HANG_S)
    assert (child.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_as_q_does(model_path: Path, screen: Screen, number: int) -> None:
    """There is one way to stop: the command leaves with 0 and says nothing."""
    with watching(model_path, screen.display) as child:
        wait_for_picture(screen, child)
        child.send_signal(number)
        out, err = child.communicate(timeout=HANG_S)
    assert (child.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("display", [None, ":987"])
def test_without_a_display_one_line_says_so(model_path: Path, display: str | None) -> None:
    """Neither an abort of the window library nor its complaints reach the user."""
    with watching(model_path, display) as child:
        out, err = child.communicate(timeout=HANG_S)
    assert (child.returncode, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("galago: watch cannot open a window: it needs a display")
