"""A network camera: a real server, a real cable that is pulled, credentials that stay hidden."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from galago.edge.camera import Camera, Frame, open_camera
from galago.edge.camera.lateness import Lateness
from galago.edge.camera.rtspaddress import shown
from galago.errors import CameraError
from tests.edge.rtsp_server import FAR, Cable, MissingError, Server, age_ms, cable, serving

HANG_S = 30.0  # what a wait may last at most before a test calls it a hang
MS = 1_000_000
LOGIN = ("me", "p%40ss%2Fw%23rd")
SECRETS = ("p%40ss", "p@ss", "w%23rd", "w#rd", "hidden")


@contextmanager
def needs(what: ExitStack) -> Iterator[ExitStack]:
    """Skip, and name it, where this machine has no RTSP server or may not lay cables."""
    with what:
        try:
            yield what
        except MissingError as missing:
            pytest.skip(f"needs {missing}")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server that asks nobody who he is."""
    with needs(ExitStack()) as stack:
        yield stack.enter_context(serving())


@pytest.fixture
def far_server() -> Iterator[tuple[Server, Cable]]:
    """A server at the other end of a cable."""
    with needs(ExitStack()) as stack:
        laid = stack.enter_context(cable())
        yield stack.enter_context(serving(FAR, 8554, inside=laid.inside)), laid


class Reader:
    """A thread that takes every frame, as the loop's does, and keeps the newest."""

    def __init__(self, camera: Camera) -> None:
        self.frame: Frame | None = None
        self._camera = camera
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        for frame in self._camera:
            self.frame = frame

    def after(self, time_ns: int) -> Frame:
        """Wait for a frame taken after `time_ns`."""
        deadline = time.monotonic() + HANG_S
        while self.frame is None or self.frame.time_ns <= time_ns:
            assert time.monotonic() < deadline, "no frame"
            time.sleep(0.01)
        return self.frame


def age(frame: Frame) -> int:
    """How old its picture was when the frame was taken, in milliseconds."""
    return age_ms(frame.time_ns, frame.pixels[40])


def udp_sockets() -> set[str]:
    """The UDP sockets of this process, by their inodes."""
    table = Path("/proc/net/udp").read_text().splitlines()[1:]
    inodes = set()
    for file in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them
            inodes.add(str(file.readlink()).removeprefix("socket:[").removesuffix("]"))
    return inodes & {line.split()[9] for line in table}


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_frames_are_fresh_and_rgb(server: Server, transport: str) -> None:
    """Red comes as red; the first frame is not one that waited while the camera was opened."""
    with open_camera(f"{server.url}#transport={transport}") as camera:
        frame = next(iter(camera))
        assert frame.pixels.shape == (240, 320, 3)
        for x, channel in ((50, 0), (160, 1), (270, 2)):
            assert frame.pixels[200, x].argmax() == channel
            assert frame.pixels[200, x].max() > 200
        assert 0 <= age(frame) < 1500
        assert camera.source == server.url
        assert camera.detail == f"320x240 h264 15 fps over {transport}"
        assert bool(udp_sockets()) == (transport == "udp")
        assert (camera.live, camera.noisy, camera.patience_s) == (True, False, 300)


def test_memory_that_is_released_is_used_again(server: Server) -> None:
    """A frame's pixels are the next one's after its release, and not before."""
    with open_camera(server.url) as camera:
        frames = iter(camera)
        first = next(frames)
        second = next(frames)
        assert second.pixels is not first.pixels
        first.release()
        assert next(frames).pixels is first.pixels


def test_a_late_reader_does_not_see_the_past(server: Server) -> None:
    """What waited while nobody read is skipped, and leaves a gap in the numbers."""
    with open_camera(server.url) as camera:
        frames = iter(camera)
        before = [next(frames) for _ in range(10)][-1]
        time.sleep(3)
        after = next(frames)
        assert age(after) < 2000
        assert after.number - before.number > 15


def test_a_pulled_cable_ends_nothing(
    far_server: tuple[Server, Cable], capfd: pytest.CaptureFixture[str]
) -> None:
    """Pulled at either end and put back, the same iteration goes on with fresh frames, quietly."""
    server, laid = far_server
    source = f"{server.url}#open_timeout=2&read_timeout=1"
    with open_camera(source) as camera:
        reader = Reader(camera)
        for place in ("camera", "here"):
            before = reader.after(0)
            laid.pull(place)
            time.sleep(2.5)
            laid.put_back(place)
            after = reader.after(time.monotonic_ns())
            assert after.number > before.number
            assert age(after) < 2000
            assert reader.thread.is_alive()
    assert "timeout" not in capfd.readouterr().err


def test_pictures_that_the_network_held_up_are_skipped(
    far_server: tuple[Server, Cable],
) -> None:
    """After a stall that is too short to reconnect, the stream goes on with the present."""
    server, laid = far_server
    with open_camera(server.url) as camera:
        reader = Reader(camera)
        reader.after(reader.after(0).time_ns + 500 * MS)
        laid.pull("between")
        time.sleep(2.5)
        laid.put_back("between")
        assert age(reader.after(time.monotonic_ns())) < 2000


CHILD = """
import sys
from galago.edge.camera import open_camera
with open_camera(sys.argv[1]) as camera:
    print(camera.source, camera.detail, camera, vars(camera)["_address"], flush=True)
    frames = iter(camera)
    next(frames)
    print("there", flush=True)
    sys.stdin.readline()
    while next(frames).number < int(sys.argv[2]):
        pass
    print("back", flush=True)
"""


def test_a_camera_that_restarts_is_found_again_without_a_word() -> None:
    """Killed and started again it goes on; nothing is printed, and nowhere is the password."""
    login = ("digest", LOGIN[0], "p@ss/w#rd")
    with needs(ExitStack()) as stack:
        server = stack.enter_context(serving(login=login))
        url = server.url.replace("//", f"//{':'.join(LOGIN)}@") + "?token=hidden"
        child = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", CHILD, f"{url}#read_timeout=1", "30"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(child.kill)
        assert child.stdout is not None
        described = child.stdout.readline()
        assert described.startswith(f"{server.url} 320x240 h264 15 fps over tcp <")
        assert child.stdout.readline() == "there\n"
        server.process.kill()
        server.process.wait()
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
        time.sleep(1.5)
        stack.enter_context(serving(port=server.port, login=login))
        said, complained = child.communicate(timeout=HANG_S)
        assert (said, complained, child.returncode) == ("back\n", "", 0)
        assert not any(secret in described for secret in SECRETS)


@pytest.mark.parametrize("way", ["basic", "digest"])
def test_a_wrong_password_is_refused_and_not_repeated(way: str) -> None:
    """The message names the camera and the remedy; neither it nor stderr holds a credential."""
    with needs(ExitStack()) as stack:
        server = stack.enter_context(serving(login=(way, "me", "another")))
        url = server.url.replace("//", f"//{':'.join(LOGIN)}@") + "?token=hidden"
        child = subprocess.run(
            [sys.executable, "-c", CHILD, url, "0"],
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )
        assert child.stdout == ""
        said = child.stderr.splitlines()[-1]
        assert said.endswith(
            f"CameraError: {server.url} refuses the user, the password or the path: check them in"
            " the camera's own settings"
        )
        assert not any(secret in child.stderr for secret in SECRETS)
        with pytest.raises(CameraError, match=r"asks for a user: write rtsp://USER:PASSWORD@HOST"):
            open_camera(server.url)


def test_what_is_not_there_is_said(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    """A wrong path, port and name each have their own line, at once."""
    with socket.socket() as bound:  # bound and not listening: whoever comes is refused
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        for source, message in (
            (f"{server.url}/x?a=hidden", f"{server.url}/x has no stream of that path (404): look"),
            (f"rtsp://127.0.0.1:{port}/x", f"/x refuses connections on port {port}: check the po"),
            ("rtsp://no-host.invalid/x", "rtsp://no-host.invalid/x cannot be found, its host has"),
        ):
            with pytest.raises(CameraError) as refusal:
                open_camera(source)
            assert message in str(refusal.value)
            assert "\n" not in str(refusal.value)
            assert "hidden" not in str(refusal.value)
    assert "hidden" not in "".join(capfd.readouterr())


def test_who_never_answers_is_given_up() -> None:
    """A server that takes the connection and says nothing is an error after open_timeout."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(CameraError, match=r"/x gave no picture within 0\.5 s: check its"):
            open_camera(f"rtsp://127.0.0.1:{port}/x#open_timeout=0.5")


def test_what_is_no_rtsp_is_said() -> None:
    """Another kind of server is named as such."""
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            for _ in range(2):
                connection, _ = other.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n" + b"." * 64)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(CameraError, match="does not answer as an RTSP camera: check the port"):
            open_camera(f"rtsp://127.0.0.1:{other.getsockname()[1]}/x#open_timeout=5")
        thread.join(HANG_S)


def test_closing_does_not_wait_for_the_network() -> None:
    """A reader that waits for a frozen camera ends by itself; whoever closes is not held up."""
    with needs(ExitStack()) as stack:
        server = stack.enter_context(serving())
        camera = open_camera(f"{server.url}#read_timeout=3")
        reader = Reader(camera)
        reader.after(0)
        os.kill(server.process.pid, signal.SIGSTOP)
        time.sleep(0.5)
        camera.close()
        reader.thread.join(0.5)
        assert reader.thread.is_alive()  # it waits still: close did not wait for it
        reader.thread.join(HANG_S)
        assert not reader.thread.is_alive()
        camera.close()
        assert list(camera) == []


def test_closing_ends_the_wait_for_a_lost_camera() -> None:
    """Between two attempts to reconnect, closing ends the iteration."""
    with needs(ExitStack()) as stack:
        server = stack.enter_context(serving())
        camera = open_camera(server.url)
        reader = Reader(camera)
        reader.after(0)
        server.process.kill()
        time.sleep(1.5)
        assert reader.thread.is_alive()
        camera.close()
        reader.thread.join(HANG_S)
        assert not reader.thread.is_alive()


def streaming() -> Lateness:
    """One that has seen the first second of a stream, a picture every 100 ms, each waited for."""
    lateness = Lateness()
    for came in range(0, 1000, 100):
        late_ns = lateness.of((came - 90) * MS, came * MS, came * MS)
        assert late_ns == 0 or came == 0
    return lateness


def test_what_came_while_opening_is_late() -> None:
    """Until the first picture is waited for, they are skipped; that one is the present."""
    lateness = Lateness()
    for number in range(8):
        assert lateness.of(700 * MS, 701 * MS, 100 * number * MS) > 500 * MS
    assert lateness.of(701 * MS, 800 * MS, 800 * MS) == 0
    assert lateness.of(801 * MS, 900 * MS, 900 * MS) == 0


def test_a_picture_that_was_not_waited_for_is_late() -> None:
    """Three waits in a row are the present; what comes at once afterwards has itself waited."""
    lateness = streaming()
    for came in range(1000, 3000, 100):
        assert lateness.of((came - 90) * MS, came * MS, came * MS) == 0
    for number in range(30, 60):  # 3 s later, all at once
        assert lateness.of(5900 * MS, 5900 * MS, 100 * number * MS) == (5900 - 100 * number) * MS
    assert lateness.of(5900 * MS, 6000 * MS, 6000 * MS) == 0


def test_one_long_wait_is_no_proof_of_freshness() -> None:
    """The first picture after the network stood still was waited for and is old all the same."""
    lateness = streaming()
    assert lateness.of(910 * MS, 5000 * MS, 1000 * MS) == 4000 * MS


@pytest.mark.parametrize("runs", [1000, 0])
def test_a_slow_stream_and_one_without_a_clock_are_not_late(runs: int) -> None:
    """One picture a second is waited for a second; a clock that stands still says nothing."""
    lateness = Lateness()
    late = [lateness.of((1000 * n - 990) * MS, 1000 * n * MS, runs * n * MS) for n in range(50)]
    assert late[12:] == [0] * 38


def test_a_camera_whose_clock_jumps_back_is_late_for_a_moment_only() -> None:
    """Its pictures are waited for, so they are the present."""
    lateness = streaming()
    late = [
        lateness.of((100 * n - 90) * MS, 100 * n * MS, (100 * n - 7000) * MS) for n in range(10, 20)
    ]
    assert late == [0] * 10


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("rtsp://me:secret@cam.lan:8554/live/0", "rtsp://cam.lan:8554/live/0"),
        ("rtsps://me:secret@cam.lan/x#patience=9", "rtsps://cam.lan/x"),
        ("rtsp://secret@[fe80::1]/x", "rtsp://[fe80::1]/x"),
        ("rtsp://cam/x?user=admin&password=secret", "rtsp://cam/x"),
        ("rtsp://cam", "rtsp://cam"),
        ("rtsp://me:se@secret@cam/x", "rtsp://cam/x"),
        ("rtsp://me:se/secret@cam/x", "rtsp://…"),
        ("rtsp://me:se?secret@cam/x", "rtsp://…"),
        ("rtsp://me:1?secret@cam/x", "rtsp://…"),
        ("rtsp://me:se#secret@cam/x", "rtsp://…"),
        ("rtsp:me:secret@cam/x", "rtsp://…"),
        ("rtsp://me:secret pass@cam/x", "rtsp://…"),
    ],
)
def test_a_source_is_shown_without_credentials(source: str, printed: str) -> None:
    """Neither user information nor a query is shown, and nothing of what cannot be taken apart."""
    assert shown(source) == printed
