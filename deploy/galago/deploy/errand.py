"""The installer, carried to a device and run there.

- What is carried lies in a folder of this errand's own that is gone afterwards, after Ctrl-C as
  well; one that a lost connection has left is removed a day later, by the next errand.
- The installer's steps are passed on when they happen; at Ctrl-C it is ended before its files go.

    with errand(host, root, record) as carrier:
        carrier.send(paths)
        outcome = carrier.tell("wheels/galago-0.1.0-py3-none-any.whl", ["install"], "deployed")
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from galago.deploy.device.tell import Told
from galago.deploy.found import PYTHON
from galago.deploy.ssh import Connection, size_of
from galago.errors import DeviceError

State: TypeAlias = Literal[
    "deployed",
    "rolled back",
    "uninstalled",
    "unchanged",
    "would",
    "refused",
    "unhealthy",
    "failed",
    "skipped",
]

_INSTALL_S = 7200.0  # its own steps have deadlines; this one is for a device that stands still
_UNHEALTHY = 3  # the installer's exit code for that, and for a model that it refuses

_FOLDERS = "/var/tmp/galago-deploy."  # noqa: S108 - mktemp's, on the device
# What an interrupted errand has left may go; what another one is using now may not.
_MAKE_FOLDER = f"""
find /var/tmp -maxdepth 1 -path '{_FOLDERS}*' -user "$(id -un)" -mtime +0 -exec rm -rf {{}} +
mktemp -d {_FOLDERS}XXXXXXXX
"""
# The number of what runs is known to whoever has to end it.
_RUN = 'echo $$ >"$0/pid"; exec "$@"'
_END = """
pid=$(cat "$0/pid") && kill "$pid" && for _ in 1 2 3 4 5 6 7 8 9 10; do
    kill -0 "$pid" && sleep 0.5
done
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has come of a visit; `reason`: why it was not what was asked for."""

    host: str
    state: State
    steps: tuple[Told, ...] = ()
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """One of the hosts in the document of `galago deploy --json`."""
        steps = [asdict(step) for step in self.steps]
        return {"host": self.host, "state": self.state, "steps": steps, "reason": self.reason}


@dataclass(slots=True)
class Record:
    """The steps of one visit, told when they come."""

    tell: Callable[[str], None]
    steps: list[Told] = field(default_factory=list)

    def add(self, told: Told) -> None:
        """One more."""
        self.steps.append(told)
        state = "" if told.state == "note" else f"{told.state}, "
        self.tell(f"{told.step}: {state}{told.detail}")

    def add_line(self, line: str) -> None:
        """One more, as the installer writes it; what is none was said by a login shell."""
        try:
            told = Told(**json.loads(line))
        except (ValueError, TypeError):
            return
        self.add(told)


@dataclass(frozen=True, slots=True)
class Errand:
    """A folder on the device, and the installer that runs in it as root."""

    host: Connection
    root: tuple[str, ...]
    record: Record
    folder: str

    def send(self, paths: Sequence[Path]) -> None:
        """Copy files and folders there.

        Raises:
            DeviceError: not all of it has arrived.
        """
        size = size_of(paths)
        self.record.tell(f"sending {size / 1e6:.1f} MB")
        self.host.send(paths, self.folder)

    def tell(self, wheel: str, words: Sequence[str], well: State) -> Outcome:
        """Run the installer to its end. `wheel`: where in the folder it is; `well`: if it succeeds.

        Raises:
            DeviceError: it could not be run.
        """
        installer = [*self.root, "env", "LC_ALL=C.UTF-8", f"PYTHONPATH={self.folder}/{wheel}"]
        installer += [PYTHON, "-P", "-m", "galago.deploy.device", *words, "--json"]
        command = ["sh", "-c", _RUN, self.folder, *installer]
        ended = self.host.follow(command, self.record.add_line, deadline_s=_INSTALL_S)
        steps = tuple(self.record.steps)
        done = Outcome(str(self.host.address), well, steps)
        if ended.code == 0:
            states = {step.state for step in steps}
            if "done" in states:
                return done
            return replace(done, state="would" if "would" in states else "unchanged")
        failed = next((step for step in steps if step.state == "failed"), None)
        reason = failed.detail if failed else ended.complaint.removeprefix("galago: ")
        if ended.code != _UNHEALTHY:
            return replace(done, state="failed", reason=reason)
        refused = failed is not None and failed.step == "model"
        return replace(done, state="refused" if refused else "unhealthy", reason=reason)

    def end(self) -> None:
        """End the installer, if it runs, and wait for that."""
        self.host.run(*self.root, "sh", "-c", _END, self.folder)

    def clear_up(self) -> None:
        """Remove the folder."""
        self.host.run(*self.root, "rm", "-rf", self.folder)


@contextmanager
def errand(host: Connection, root: tuple[str, ...], record: Record) -> Iterator[Errand]:
    """Make the folder there, and remove it at the end.

    Raises:
        DeviceError: it cannot be made.
    """
    made = host.run("sh", "-c", _MAKE_FOLDER)
    folder = made.out.strip().rpartition("\n")[2]
    if made.code or not folder.startswith(_FOLDERS):
        raise DeviceError(f"no folder can be made in /var/tmp there: {made.complaint}")
    carrier = Errand(host, root, record, folder)
    try:
        yield carrier
    except BaseException:
        with suppress(DeviceError):
            carrier.end()
        raise
    finally:
        # Over a connection that is lost nothing can be done; the next errand sees to it.
        with suppress(DeviceError):
            carrier.clear_up()
