"""The models of this camera: a folder, of which one file is the active one.

    models/3f2a….tflite     named by its sha256, never changed once it is there
    models/active           a link to one of them
    models/state.json       galago.edge.activation.ledger

- The link only ever points to a file that is whole and was verified on this machine.
- Each step is durable before the next begins. Killed or without power between any two of them,
  what is there is a state that `settle` knows; every program that looks begins with it.
- Programs take turns: the daemon, and whoever activates.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from galago.edge.activation.ledger import Ledger, Trial
from galago.errors import UsageError
from galago.files import relink, replacing

# A model that has brought the daemon down so often while it was new is taken back.
DEATHS = 3

# Why a model was taken back that is as good as ever, once it is brought anew.
DAMAGED = "its file was damaged or gone"

_SUFFIX = ".tflite"
_TURN_S = 20.0  # others only write a few small files in theirs
_POLL_S = 0.02


class Models:
    """The folder; nothing is read before it is asked for, and nothing is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._link, self._state = folder / "active", folder / "state.json"

    @property
    def active(self) -> str | None:
        """The sha256 of the active model, None if there is none yet."""
        try:
            return self._link.readlink().stem
        except OSError:
            return None

    @property
    def ledger(self) -> Ledger:
        """What is remembered."""
        return Ledger.read(self._state)

    def path(self, sha256: str) -> Path:
        """Where the model of this digest is, or would be."""
        return self._folder / f"{sha256}{_SUFFIX}"

    def is_whole(self, sha256: str) -> bool:
        """Whether its file is there and as it was brought."""
        try:
            return hashlib.sha256(self.path(sha256).read_bytes()).hexdigest() == sha256
        except OSError:
            return False

    def names(self) -> list[str]:
        """The sha256 of every model that is there."""
        return sorted(path.stem for path in self._folder.glob(f"[!.]*{_SUFFIX}"))

    @contextmanager
    def turn(self) -> Iterator[Ledger]:
        """Nobody else changes anything meanwhile; yields what is remembered, settled.

        Raises:
            OSError: the folder is not there, or not to be read.
        """
        with _locked(self._folder):
            self._tidy()
            self.settle()
            yield self.ledger

    def settle(self) -> None:
        """Bring to an end what was interrupted; only in one's turn."""
        before = ledger = self.ledger
        active, trial = self.active, ledger.trial
        if trial is not None and trial.sha256 != active:
            trial = None  # never became active, or has been taken back
        if trial is not None and active in ledger.refused and self._can_return_to(trial.previous):
            self._switch(str(trial.previous))
            active, trial = trial.previous, None
        previous = None if ledger.previous == active else ledger.previous
        ledger = replace(ledger, previous=previous, trial=trial)
        if ledger != before:
            ledger.write(self._state)

    def make(self) -> None:
        """Make the folder if need be, for whom the state folder belongs to.

        Raises:
            OSError: it cannot be made.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        owner = self._folder.parent.stat()
        if os.geteuid() == 0:  # by hand, for the service, whose user must be able to go back
            os.chown(self._folder, owner.st_uid, owner.st_gid)

    def stage(self, sha256: str, content: bytes) -> Path:
        """Put a model's file into the folder, durably, and have it read from there.

        Raises:
            OSError: there is no room, or the disk fails.
        """
        path = self.path(sha256)
        with replacing(path) as temporary:
            temporary.write_bytes(content)
        return path

    def try_out(self, sha256: str) -> None:
        """Make a verified model the active one, on probation; in one's turn.

        One that is active already, and was only brought anew, has nothing to prove.
        """
        ledger, active = self.ledger.pardoning(sha256), self.active
        if active == sha256:
            return
        # One that is still being tried itself is only gone back to where there is no other.
        previous = (ledger.trial.previous if ledger.trial else None) or active
        trial = Trial(sha256, previous, since=_now())
        replace(ledger, trial=trial).write(self._state)
        self._switch(sha256)

    def count_start(self) -> None:
        """Write down that the model on trial is about to be loaded; in one's turn."""
        self._count(1)

    def count_good_end(self) -> None:
        """Take that back: the daemon has ended without harm; in one's turn."""
        self._count(-1)

    def confirm(self) -> None:
        """The model on trial has passed; in one's turn."""
        ledger = self.ledger
        if ledger.trial is not None:
            replace(ledger, previous=ledger.trial.previous, trial=None).write(self._state)

    def take_back(self, reason: str) -> None:
        """Remember the active model as bad, and make the one before it active; in one's turn.

        Raises:
            UsageError: there is none before it.
        """
        ledger, active = self.ledger, self.active
        trial = ledger.trial or Trial(active or "", ledger.previous, since=_now())
        if active is None or not self._can_return_to(trial.previous):
            raise UsageError("there is no previous model to go back to: activate another")
        replace(ledger.refusing(active, reason), trial=trial).write(self._state)
        self.settle()

    def discard(self) -> None:
        """Remove the files of models that nobody would go back to; in one's turn."""
        ledger = self.ledger
        wanted = {self.active, ledger.previous, ledger.trial and ledger.trial.previous}
        for name in self.names():
            if name not in wanted:
                self.path(name).unlink(missing_ok=True)

    def _tidy(self) -> None:
        """Remove what somebody was writing who was killed: nobody else writes in one's turn.

        Root may have left what the service's user may not remove: then the next activation does.
        """
        for left in self._folder.glob(".*"):
            with suppress(OSError):
                shutil.rmtree(left) if left.is_dir() else left.unlink()

    def _can_return_to(self, sha256: str | None) -> bool:
        return sha256 is not None and self.is_whole(sha256)

    def _count(self, more: int) -> None:
        ledger = self.ledger
        if (trial := ledger.trial) is not None:
            trial = replace(trial, deaths=max(trial.deaths + more, 0))
            replace(ledger, trial=trial).write(self._state)

    def _switch(self, sha256: str) -> None:
        relink(self._link, self.path(sha256).name)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; the kernel lets go of it when a process ends, however."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    deadline = time.monotonic() + _TURN_S
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    errno.ETIMEDOUT, "is held by another program", str(folder)
                ) from None
        time.sleep(_POLL_S)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
