"""Lives of a camera that end when the power goes: the daemon at work, models coming and going."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import IO, Self

from galago.edge.activation.models import Models
from galago.edge.store.reader import Reader
from tests.activation_faults.judge import active_of, check_state
from tests.activation_faults.places import Card
from tests.activation_faults.relatives import NAMES, Relatives

START_TIMEOUT_S = 120.0
LONGEST_PAUSE_S = 0.5
VISITS = (*(f"activate {name}" for name in NAMES), "rollback")

_ALL = 10_000_000
_POLL_S = 0.005

# So short a probation that some models pass it and some do not live to.
_CONFIGURATION = """
device = "porch"

[model]
threads = 1
probation_pictures = 20
probation_min = 0.02

[camera]
source = "fake:{first}*4,{second}*4?fps=30&loop=1&noise=2&size=320x240"

[decision]
smooth_s = 0.02
hold_s = 0.05

[store]
folder = "{state}"
commit_s = 0.05

[snapshots]
keep_mb = 8
keep_free_mb = 2

[web]
enabled = false
"""


class Daemon:
    """`galago run` on a state folder: `acknowledged` are times of events that it said were stored.

    Pictures alternate between two that the model tells apart: events come several times a second.
    """

    def __init__(self, state: Path, pictures: tuple[Path, Path]) -> None:
        self._state = state
        self._config = state.parent.with_suffix(".toml")  # beside the card, not on it
        first, second = pictures
        text = _CONFIGURATION.format(state=state, first=first, second=second)
        self._config.write_text(text)
        self.acknowledged: list[str] = []
        self.told: list[str] = []

    def start(self) -> float:
        """Start it; seconds until it says that the first event is stored.

        Raises:
            AssertionError: it does not come to that.
        """
        began, before = time.monotonic(), len(self.acknowledged)
        self._process = galago(self._state, "run", "--config", self._config)
        self._readers = [
            _listen(self._process.stdout, self._hear),
            _listen(self._process.stderr, self.told.append),
        ]
        while len(self.acknowledged) == before:
            told = "\n".join(self.told[-20:])
            assert self._process.poll() is None, f"the daemon has ended:\n{told}"
            assert time.monotonic() - began < START_TIMEOUT_S, f"the daemon does not serve:\n{told}"
            time.sleep(_POLL_S)
        return time.monotonic() - began

    def reload(self) -> None:
        """As systemctl reload."""
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """As systemctl stop."""
        self._process.terminate()
        self._process.wait(START_TIMEOUT_S)
        self.kill()

    def kill(self) -> None:
        """SIGKILL, and whoever it has started."""
        end(self._process)
        for reader in self._readers:
            reader.join(START_TIMEOUT_S)

    def _hear(self, line: str) -> None:
        self.acknowledged.append(json.loads(line)["time"])


@dataclass
class Findings:
    """Of many lives. `start_s`: from a start after a cut to the first stored event.

    `doing`: what was going on at the cuts; `wrong`: what was not as it must be after one.
    `is_over`: the card cannot be used any more, or the daemon does not serve.
    """

    start_s: list[float] = field(default_factory=list)
    doing: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    events: int = 0
    is_over: bool = False


class Camera:
    """A daemon on a card, and a visitor who brings models; a context manager.

    `relatives` are the models, `pictures` two that they tell apart.
    """

    def __init__(
        self, card: Card, relatives: Relatives, pictures: tuple[Path, Path], seed: int
    ) -> None:
        self._card, self._relatives = card, relatives
        self._random = Random(seed)  # noqa: S311 - no secret
        self._state = card.path / "state"
        self._daemon = Daemon(self._state, pictures)
        self._visitor: subprocess.Popen[bytes] | None = None
        self._promised: str | None = None
        self.found = Findings()

    def __enter__(self) -> Self:
        self._state.mkdir()
        self._visit("activate first")
        self._finish("activate first", time.monotonic() + START_TIMEOUT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()

    def rest(self) -> float:
        """Start, and end as one should: seconds to the first stored event."""
        seconds = self._daemon.start()
        self._daemon.stop()
        return seconds

    def live(self, seconds: float) -> None:
        """Start, serve and be visited for so long, then lose power; look at what is left."""
        doing = "starting"
        try:
            seconds_to_event = self._daemon.start()
            if self.found.doing:
                self.found.start_s.append(seconds_to_event)
            doing = self._be_visited(time.monotonic() + seconds)
            self.found.doing[doing] += 1
            acknowledged = list(self._daemon.acknowledged)
            self._card.lose_power(self._kill)
        except (AssertionError, OSError) as error:
            self.found.is_over = True
            self.found.wrong.append(f"{doing}: {error}")
            return
        # It lived on for a moment, on a card that was gone already: that was said to nobody.
        self._daemon.acknowledged = acknowledged
        try:
            self._judge(set(acknowledged))
        except (AssertionError, OSError, ValueError) as error:
            self.found.wrong.append(f"cut {self.found.doing.total()}, {doing}: {error}")

    def _be_visited(self, ends: float) -> str:
        """What was going on at the end."""
        doing = "serving"
        while time.monotonic() < ends:
            doing = self._random.choice(VISITS)
            self._visit(doing)
            if not self._finish(doing, ends):
                return doing
            self._daemon.reload()
            pause_s = self._random.uniform(0, LONGEST_PAUSE_S)
            time.sleep(max(0, min(pause_s, ends - time.monotonic())))
            doing = "serving"
        return doing

    def _visit(self, doing: str) -> None:
        verb, *names = doing.split()
        words: list[object] = [self._relatives.paths[name] for name in names]
        again = ["--again"] if verb == "activate" else []
        self._promised = None  # from here on it may be one or the other
        self._visitor = galago(self._state, verb, *words, *again, "--state", self._state)

    def _finish(self, doing: str, ends: float) -> bool:
        """Whether the visitor is done before that."""
        assert self._visitor is not None
        while self._visitor.poll() is None:
            if time.monotonic() >= ends:
                return False
            time.sleep(_POLL_S)
        _, told = self._visitor.communicate()
        verb, *names = doing.split()
        if self._visitor.returncode == 0 and verb == "activate":
            self._promised = names[0]
        elif verb == "activate":
            self.found.wrong.append(f"{doing}: {told.decode()}")
        return True

    def _judge(self, acknowledged: set[str]) -> None:
        folder = self._state / "models"
        active = active_of(folder, self._relatives.verified)
        assert active, "no model is active"
        check_state(folder)
        refused = Models(folder).ledger.refused
        if self._promised is not None and self._relatives.sha256[self._promised] not in refused:
            assert active == self._promised, f"{self._promised} was activated, {active} is active"
        with Reader(self._state) as reader:
            stored = {each.event.time for each in reader.events_after(0, _ALL)}
        lost = acknowledged - stored
        assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged events are lost"
        self.found.events = len(acknowledged)

    def _kill(self) -> None:
        self._daemon.kill()
        if self._visitor is not None and self._visitor.poll() is None:
            end(self._visitor)
            self._visitor.communicate(timeout=START_TIMEOUT_S)


def galago(state: Path, *words: object) -> "subprocess.Popen[bytes]":
    """Start the command, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "galago.cli", *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"STATE_DIRECTORY": str(state)},
        start_new_session=True,
    )


def end(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL to it and to all whom it has started, but for a judge with a session of its own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(START_TIMEOUT_S)


def _listen(stream: IO[bytes] | None, hear: Callable[[str], None]) -> threading.Thread:
    assert stream is not None

    def read(stream: IO[bytes] = stream) -> None:
        with stream:
            for line in stream:
                hear(line.decode().rstrip("\n"))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
