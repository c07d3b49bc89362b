"""How soon a network camera is back after its cable was pulled, and what ten pulls leave behind.

    python bench/rtsp_outage.py [--pulls 10]

A real RTSP server at the other end of a virtual cable, in a network namespace; needs root and the
Debian packages that tests/edge/rtsp_server.py names. By turns the cable is pulled at the camera, is
pulled here, where the route goes with it, and fails behind a switch, where nobody notices; for 1 to
20 s. A thread takes every frame, as `galago run` does. Seconds count from the moment the cable is
back; the age is that of the first picture then.
"""

import argparse
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from machine import describe

sys.path.insert(0, str(Path(__file__).parents[1]))

from galago.edge.camera import Camera, open_camera
from tests.edge.rtsp_server import FAR, PLACES, Cable, age_ms, cable, serving

AWAY_S = (1.0, 4.0, 6.5, 9.0, 13.0, 20.0, 2.0)  # shorter and longer than the time-outs
HANG_S = 60.0
_PAGE = resource.getpagesize()


class Reader:
    """Takes every frame; keeps the number, the time and the age of the newest, and frees it."""

    def __init__(self, camera: Camera) -> None:
        self.newest = (0, 0, 0)
        self._camera = camera
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        for frame in self._camera:
            self.newest = (frame.time_ns, frame.number, age_ms(frame.time_ns, frame.pixels[40]))
            frame.release()

    def until(self, found: Callable[[int], bool]) -> tuple[int, int, int]:
        """Wait for a frame of such a time, in monotonic ns."""
        deadline = time.monotonic() + HANG_S
        while not found(self.newest[0]):
            if time.monotonic() > deadline:
                raise SystemExit(f"no frame for {HANG_S:g} s")
            time.sleep(0.005)
        return self.newest


def held() -> str:
    """Resident memory, threads and open files of this process."""
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    threads = len(list(Path("/proc/self/task").iterdir()))
    files = len(list(Path("/proc/self/fd").iterdir()))
    return f"{resident / 1e6:.1f} MB | {threads} | {files}"


def outage(reader: Reader, laid: Cable, pull: int) -> str:
    """Pull the cable, put it back, and say what came of it."""
    place, away_s = PLACES[pull % len(PLACES)], AWAY_S[pull % len(AWAY_S)]
    laid.pull(place)
    time.sleep(away_s)
    laid.put_back(place)
    back_ns = time.monotonic_ns()
    first_ns, _, age = reader.until(lambda time_ns: time_ns > back_ns)
    steady_ns = first_ns + 3_000_000_000
    reader.until(lambda time_ns: time_ns > steady_ns)
    back_s = (first_ns - back_ns) / 1e9
    return f"| {pull + 1} | {place} | {away_s:g} s | {back_s:.2f} s | {age} ms | {held()} |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pulls", type=int, default=10)
    parser.add_argument("--keys", default="", help="for the source, such as transport=udp")
    wanted = parser.parse_args()
    keys = f"#{wanted.keys}" if wanted.keys else ""
    with (
        cable() as laid,
        serving(FAR, 8554, inside=laid.inside) as server,
        open_camera(f"{server.url}{keys}") as camera,
    ):
        reader = Reader(camera)
        start_ns = time.monotonic_ns()
        reader.until(lambda time_ns: time_ns > start_ns + 3_000_000_000)
        print(f"{describe()}, {camera.detail}\n")
        print("| pull | where | away | back after | age | memory | threads | files |")
        print("|---|---|---|---|---|---|---|---|")
        print(f"| before | | | | | {held()} |", flush=True)
        for pull in range(wanted.pulls):
            print(outage(reader, laid, pull), flush=True)


if __name__ == "__main__":
    main()
