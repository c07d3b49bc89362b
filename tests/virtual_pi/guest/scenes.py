"""What the host asks of the guest's camera: one scene a run, its findings as JSON.

python3 scenes.py replug
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import cv2

from galago.edge.camera import Camera, Frame, open_camera
from galago.errors import GalagoError

FIFO = Path("/run/webcam")
BY_ID = Path("/dev/v4l/by-id")
STABLE = BY_ID / "usb-Galago_Virtual_Webcam_VW0001-video-index0"
DEADLINE_S = 40.0


def say(command: str) -> None:
    """Tell the webcam, and wait until udev has seen to it where that takes its time."""
    FIFO.write_text(f"{command}\n")
    if command in ("plug", "reset"):
        wait_for(STABLE.exists)
    elif command == "unplug":
        wait_for(lambda: not STABLE.is_symlink())
    else:
        time.sleep(0.3)  # until what is on its way has arrived


def wait_for(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not met():
        if time.monotonic() > deadline:
            raise TimeoutError("the scene did not get on")
        time.sleep(0.05)


class Audience:
    """Takes every frame in a thread of its own, as the daemon does."""

    def __init__(self, camera: Camera) -> None:
        self.frames: list[tuple[int, int]] = []  # (number, time in ns)
        self.torn = 0
        self._camera = camera
        self.thread = threading.Thread(target=self._take, daemon=True)
        self.thread.start()

    def _take(self) -> None:
        for frame in self._camera:
            self.frames.append((frame.number, frame.time_ns))
            self.torn += colour(frame, 0.9) != "green"
            frame.release()

    def see(self, count: int) -> None:
        """Wait for that many more frames."""
        goal = len(self.frames) + count
        wait_for(lambda: len(self.frames) >= goal)


@contextmanager
def audience(source: str = str(STABLE)) -> Iterator[Audience]:
    with open_camera(source) as camera:
        watching = Audience(camera)
        yield watching
    watching.thread.join(DEADLINE_S)
    assert not watching.thread.is_alive()


def colour(frame: Frame, height: float) -> str:
    """The colour in the middle of a row, `height` from 0, top, to 1."""
    rows, columns = frame.pixels.shape[:2]
    red, green, blue = (int(value) for value in frame.pixels[int(rows * height), columns // 2])
    for name, wanted in (("red", (200, 30, 30)), ("green", (30, 200, 30))):
        if all(abs(a - b) < 12 for a, b in zip((red, green, blue), wanted, strict=True)):
            return name
    return f"({red}, {green}, {blue})"


def look(source: str) -> dict[str, Any]:
    """Open any source and take twenty frames."""
    with open_camera(source) as camera:
        frames = list(islice(camera, 20))
        ages_s = [(time.monotonic_ns() - frame.time_ns) / 1e9 for frame in frames[-1:]]
        return {
            "source": camera.source,
            "detail": camera.detail,
            "shape": frames[-1].pixels.shape,
            "colours": [colour(frames[-1], height) for height in (0.1, 0.9)],
            "numbers": [frame.number for frame in frames],
            "times": [frame.time_ns for frame in frames],
            "age_s": ages_s[0],
        }


def refusal(source: str, user: str = "root") -> dict[str, Any]:
    """What is said of a source that cannot be opened, on stderr too."""
    if user != "root":
        again = [sys.executable, __file__, "refusal", source]
        done = subprocess.run(again, check=True, capture_output=True, text=True, user=user)
        return {**json.loads(done.stdout), "stderr": done.stderr}
    try:
        open_camera(source).close()
    except GalagoError as error:
        return {"message": str(error), "exit_code": error.exit_code, "stderr": ""}
    return {"message": "", "exit_code": 0, "stderr": ""}


def busy() -> dict[str, Any]:
    """A second program asks for the camera that a first one uses, which goes on."""
    with audience() as watching:
        watching.see(3)
        again = [sys.executable, __file__, "refusal", str(STABLE)]
        done = subprocess.run(again, check=True, capture_output=True, text=True)
        watching.see(10)
        return {**json.loads(done.stdout), "stderr": done.stderr}


def replug(source: str = "usb:0") -> dict[str, Any]:
    """Pull the cable and put it back while another program holds on to the old number."""
    with audience(source) as watching:
        watching.see(5)
        before = STABLE.resolve().name
        held = os.open(STABLE, os.O_RDWR)
        say("unplug")
        count = len(watching.frames)
        time.sleep(1.5)
        away = len(watching.frames) - count
        say("plug")
        watching.see(10)
        after = STABLE.resolve().name
    os.close(held)
    return {"before": before, "after": after, "while_away": away, **gaps(watching)}


def release_at_once() -> dict[str, Any]:
    """Pull the cable and put it back while nobody else holds on to it."""
    with audience() as watching:
        watching.see(5)
        before = STABLE.resolve().name
        say("unplug")
        time.sleep(1.0)
        say("plug")
        watching.see(10)
        return {"before": before, "after": STABLE.resolve().name}


def freeze() -> dict[str, Any]:
    """The camera sends nothing for three seconds."""
    with audience() as watching:
        watching.see(5)
        say("freeze")
        count = len(watching.frames)
        time.sleep(3.0)
        during = len(watching.frames) - count
        say("go")
        watching.see(10)
    return {"during": during, **gaps(watching)}


def hang() -> dict[str, Any]:
    """The camera sends nothing until somebody opens it anew."""
    with audience() as watching:
        watching.see(5)
        say("hang")
        watching.see(10)
    return gaps(watching)


def tear() -> dict[str, Any]:
    """Every third picture lacks its end."""
    with audience() as watching:
        watching.see(5)
        say("tear 3")
        watching.see(30)
        say("tear 0")
        watching.see(5)
    return {"torn_shown": watching.torn, **gaps(watching)}


def gaps(watching: Audience) -> dict[str, Any]:
    numbers = [number for number, _ in watching.frames]
    times = [time_ns for _, time_ns in watching.frames]
    return {
        "missing": numbers[-1] + 1 - numbers[0] - len(numbers),
        "in_order": numbers == sorted(set(numbers)) and times == sorted(times),
    }


def close_while_waiting(state: str) -> dict[str, Any]:
    """Another thread closes the camera while it is frozen or unplugged and its reader waits."""
    camera = open_camera(str(STABLE))
    watching = Audience(camera)
    watching.see(5)
    say(state)
    time.sleep(1.0)
    start = time.monotonic()
    camera.close()
    camera.close()
    took_s = time.monotonic() - start
    watching.thread.join(DEADLINE_S)
    ended = not watching.thread.is_alive()
    say("reset")
    return {"took_s": took_s, "ended": ended, "free_again": look(str(STABLE))["colours"]}


def leaks() -> dict[str, Any]:
    """Open and close, unplug and plug in: what is left behind."""
    look(str(STABLE))
    before = holdings()
    for _ in range(4):
        look(str(STABLE))
    for _ in range(3):
        replug(str(STABLE))
    return {"before": before, "after": holdings()}


def holdings() -> dict[str, int]:
    return {
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
    }


def control(source: str) -> dict[str, Any]:
    """What the driver says of the exposure after a source was opened."""
    detail = look(source)["detail"]
    capture = cv2.VideoCapture(str(STABLE), cv2.CAP_V4L2)
    properties = (cv2.CAP_PROP_AUTO_EXPOSURE, cv2.CAP_PROP_EXPOSURE)
    mode, exposure = (capture.get(one) for one in properties)
    capture.release()
    return {"detail": detail, "mode": mode, "exposure": exposure}


SCENES: dict[str, Callable[..., dict[str, Any]]] = {
    scene.__name__: scene
    for scene in (
        *(look, refusal, busy, replug, release_at_once, freeze, hang, tear),
        *(close_while_waiting, leaks, control),
    )
}

if __name__ == "__main__":
    if os.geteuid() == 0 and sys.argv[1] != "refusal":
        say("reset")
        if STABLE.resolve().name != "video0":  # it has come back under another number
            say("unplug")
            say("plug")
    sys.stdout.write(json.dumps(SCENES[sys.argv[1]](*sys.argv[2:])) + "\n")
