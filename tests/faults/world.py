"""A daemon with all that an unattended one has around it, and the faults that can befall it."""

import os
import random
import re
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.faults.card import Card
from tests.faults.daemon import Daemon
from tests.faults.neighbours import broker, guests, web_service
from tests.ports import free_port

YEAR_S = 366 * 86400

_STATE = re.compile(r"galago: ([a-z]+\.[a-z.]+): ")

_CONFIGURATION = """
device = "porch"

[model]
file = "{model}"
threads = 1

[camera]
source = "{camera}"

[decision]
smooth_s = 0.05
hold_s = 0.1

[store]
folder = "{state}"
commit_s = 0.2

[snapshots]
keep_mb = 16
keep_free_mb = 4
uncertain_every_s = 5

[web]
port = {page}
{mqtt}
[webhook.neighbour]
url = "http://127.0.0.1:{hook}/events"
timeout_s = 1
"""


class World:
    """Card, broker, web service, clock, and the daemon in their middle; a context manager.

    `pictures`: two files that the model tells apart, shown in turn `each` frames long. `fps`: of
    the scripted camera.
    """

    def __init__(
        self, folder: Path, model: Path, pictures: tuple[Path, Path], *, fps: float, each: int = 45
    ) -> None:
        self.folder, self.model = folder, model
        self._scene = ",".join(f"{picture}*{each}" for picture in pictures)
        self._fps = fps
        self.card = Card(folder)
        self.hook = web_service()
        self.broker = broker(folder)
        self._clock = folder / "clock"
        environment = self._clock_of_its_own()
        self.has_clock = bool(environment)
        self.daemon = Daemon(folder / "galago.toml", free_port(), environment)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for part in (self.card, self.hook, self.broker or nullcontext()):
                stack.enter_context(part)
            self.set_clock(0)
            self.configure()
            stack.enter_context(self.daemon)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def configure(self, fault: str = "") -> None:
        """Write the configuration; `fault`: steps that the camera's script begins with."""
        mqtt = f'[mqtt]\nhost = "127.0.0.1"\nport = {self.broker.port}\n' if self.broker else ""
        camera = f"fake:{fault}{self._scene}?fps={self._fps:g}&loop=1&noise=2&size=640x480"
        text = _CONFIGURATION.format(
            model=self.model,
            camera=camera,
            state=self.card.path / "state",
            hook=self.hook.port,
            page=self.daemon.port,
            mqtt=mqtt,
        )
        (self.folder / "galago.toml").write_text(text)

    def set_clock(self, ahead_s: int) -> None:
        """Shift the daemon's wall clock, and no other (clock.c)."""
        with self._clock.open("r+b" if self._clock.exists() else "wb") as file:
            file.write(struct.pack("=q", ahead_s))

    def reasons(self) -> set[str]:
        """What the daemon says is wrong now: names of states, and of publishers that fail."""
        status = self.daemon.status()
        if status is None:
            return {"no status"}
        failing = {f"publisher.{each['name']}" for each in status["publishers"] if each["error"]}
        return failing | {state["name"] for state in status["health"]["states"]}

    def said(self, mark: int) -> set[str]:
        """All that has been wrong since the daemon had said `mark` lines."""
        told = (_STATE.match(line) for line in self.daemon.lines[mark:])
        return {found[1] for found in told if found} | self.reasons()

    def frames(self) -> int:
        """How many pictures it has looked at since its start; waits for an answer."""
        deadline = time.monotonic() + 30
        while (status := self.daemon.status()) is None:
            assert time.monotonic() < deadline, "the page does not answer"
            time.sleep(0.1)
        frames: int = status["loop"]["frames"]
        return frames

    def events(self) -> int:
        """How many events are stored."""
        status = self.daemon.status()
        return status["store"]["events"] if status and status["store"] else 0

    def _clock_of_its_own(self) -> dict[str, str]:
        compiler = shutil.which("cc")
        if compiler is None:
            return {}
        library = self.folder / "clock.so"
        source = Path(__file__).with_name("clock.c")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
        subprocess.run(command, check=True)
        return {"LD_PRELOAD": str(library), "GALAGO_CLOCK": str(self._clock)}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that befalls the daemon while `happens` is entered.

    `said`: names of states, one of which must be said meanwhile; none where nothing need be.
    `steady`: whether the loop's rate is to stay; a new process or another camera takes time.
    `needs`: what the world must have.
    """

    happens: Callable[[World], AbstractContextManager[object]]
    said: tuple[str, ...] = ()
    steady: bool = True
    needs: Callable[[World], bool] = lambda _world: True


@contextmanager
def _another_camera(world: World, fault: str) -> Iterator[None]:
    world.configure(fault)
    world.daemon.hang_up()
    try:
        yield
    finally:
        world.configure()
        world.daemon.hang_up()


@contextmanager
def _failing_camera(world: World) -> Iterator[None]:
    """It fails, is opened again, fails again: what systemd is there for."""
    world.configure("black*5,error,")
    world.daemon.hang_up()
    world.daemon.wait_for_end(timeout_s=60)
    world.configure()
    world.daemon.start()
    yield


@contextmanager
def _mistake(world: World) -> Iterator[None]:
    (world.folder / "galago.toml").write_text("[camra]\n")
    world.daemon.hang_up()
    try:
        yield
    finally:
        world.configure()
        world.daemon.hang_up()


@contextmanager
def _clock(world: World, ahead_s: int) -> Iterator[None]:
    world.set_clock(ahead_s)
    try:
        yield
    finally:
        world.set_clock(0)


@contextmanager
def _killed(world: World) -> Iterator[None]:
    world.daemon.kill()
    world.daemon.start()
    yield


@contextmanager
def _storm(world: World) -> Iterator[None]:
    for _ in range(50):
        world.daemon.hang_up()
        time.sleep(0.01)
    yield


@contextmanager
def _page_killed(world: World) -> Iterator[None]:
    children = Path(f"/proc/{world.daemon.pid}/task").glob("*/children")
    for child in " ".join(path.read_text() for path in children).split():
        if b"galago.edge.web" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(int(child), signal.SIGKILL)
    yield


def _silent_broker(world: World) -> AbstractContextManager[None]:
    return world.broker.silent() if world.broker else nullcontext()


_DISK = ("store.failed", "snapshots.failed", "disk.full")

FAULTS: Mapping[str, Fault] = {
    "disk full": Fault(lambda world: world.card.full(), _DISK),
    "read-only disk": Fault(lambda world: world.card.broken(), _DISK),
    "no permission": Fault(lambda world: world.card.forbidden(), _DISK),
    "disk hangs": Fault(lambda world: world.card.hanging()),
    "silent broker": Fault(
        _silent_broker, ("publisher.mqtt",), needs=lambda world: world.broker is not None
    ),
    "silent webhook": Fault(lambda world: world.hook.silent(), ("publisher.webhook.neighbour",)),
    "clock + 1 year": Fault(lambda world: _clock(world, YEAR_S), needs=lambda w: w.has_clock),
    "clock − 1 year": Fault(lambda world: _clock(world, -YEAR_S), needs=lambda w: w.has_clock),
    "guests": Fault(lambda world: guests(world.daemon.port)),
    "page killed": Fault(_page_killed),
    "mistake in the file": Fault(_mistake, ("reload.refused",)),
    "storm of SIGHUP": Fault(_storm, steady=False),
    "camera stalls": Fault(
        lambda world: _another_camera(world, "black*5,stall*2.5s,"),
        ("camera.stalled",),
        steady=False,
    ),
    "camera fails": Fault(_failing_camera, ("camera.failed",), steady=False),
    "kill -9": Fault(_killed, steady=False),
}


def at_random(world: World, seed: int) -> Iterator[str]:
    """Names of faults that this world can have, one after the other, the same for one seed."""
    chooser = random.Random(seed)  # noqa: S311 - no secret
    names = [name for name, fault in FAULTS.items() if fault.needs(world)]
    while True:
        yield from chooser.sample(names, len(names))
