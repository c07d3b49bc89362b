"""The service: told to start, and looked at until it is well.

- Well is what its own status document says: the wanted model looks, pictures come, no state of
  health is an error. That it runs is not enough.
- The document has to be written after we began; its file is compared with itself, no clock is.
- Nothing is waited for without an end.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galago.deploy.device.places import SERVICE, Places
from galago.deploy.device.running import ended, last_line, run
from galago.errors import DeviceError

_SYSTEMCTL_S = 60.0
_POLL_S = 0.25
_STEADY_S = 3.0  # for so long all has to be well; the daemon writes every two seconds
_DEATHS = 3
# Warnings to the daemon, which goes on as before: but then what was installed is not in use.
_NOT_FOLLOWED = frozenset({"reload.refused"})


@dataclass(frozen=True)
class Verdict:
    """How the service is; `detail` says what is wrong and what to do, or how well it goes."""

    well: bool
    detail: str


class Service:
    """The unit, by systemctl."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._replaced = ""  # the run that a start of ours has ended
        self._restarts_before = self._restarts()

    @property
    def is_active(self) -> bool:
        """Whether it is up, or says that it is reading anew."""
        return self._property("ActiveState") in {"active", "reloading"}

    @property
    def is_enabled(self) -> bool:
        """Whether it starts with the machine."""
        asked = ended("systemctl", "is-enabled", "--quiet", SERVICE, timeout_s=_SYSTEMCTL_S)
        return asked.returncode == 0

    @property
    def release(self) -> str | None:
        """The release that the running process comes from."""
        pid = self._property("MainPID")
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return None
        python = Path(words[0].decode(errors="replace"))
        return python.parent.parent.name if python.is_relative_to(self._places.releases) else None

    def enable(self) -> None:
        """Have it start with the machine."""
        self._must("enable", "--quiet", SERVICE)

    def read_units(self) -> None:
        """Let systemd read changed files."""
        self._must("daemon-reload")

    def start(self) -> None:
        """Start or restart, without waiting."""
        ended("systemctl", "reset-failed", SERVICE, timeout_s=_SYSTEMCTL_S)
        self._replaced, self._restarts_before = self._invocation() or "none", 0
        self._must("restart", "--no-block", SERVICE)

    def reload(self) -> None:
        """Have it read model and configuration anew."""
        self._must("reload", SERVICE)

    def remove(self) -> None:
        """Stop it, and have it not start again; that it is not there is no fault."""
        ended("systemctl", "disable", "--now", "--quiet", SERVICE, timeout_s=_SYSTEMCTL_S * 2)

    def verdict(self) -> Verdict:
        """How it is now, by the last that it has written."""
        if not self.is_active:
            return Verdict(well=False, detail=f"it is {self._property('ActiveState')}")
        document = self._status()
        if document is None:
            return Verdict(well=False, detail="it has not yet said how it is")
        return judged(document, None)

    def wait_until_well(self, wait_s: float, model: str | None = None) -> Verdict:
        """Look until it is well with that model, steadily, or the time is over."""
        verdict, since, first = self._silent(), 0.0, -1
        for document in self._new_documents(time.monotonic() + wait_s):
            verdict = judged(document, model) if document else self._silent()
            if not (document and verdict.well):
                first = -1
                if self._restarts() - self._restarts_before >= _DEATHS:
                    return verdict
                continue
            frames = document["loop"]["frames"]
            if not 0 <= first <= frames:
                since, first = time.monotonic(), frames
            elif frames > first and time.monotonic() - since >= _STEADY_S:
                return verdict
        if verdict.well:
            return Verdict(well=False, detail="no pictures come: look at the camera")
        return verdict

    def _new_documents(self, end: float) -> Iterator[dict[str, Any] | None]:
        """Each document that is written from now on, until `end`; None where it is not up."""
        seen = self._written()
        while time.monotonic() < end:
            time.sleep(_POLL_S)
            if self._property("ActiveState") != "active" or self._invocation() == self._replaced:
                yield None
            elif (now := self._written()) != seen:
                seen = now
                yield self._status()

    def _written(self) -> tuple[int, int] | None:
        try:
            status = self._places.status.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def _status(self) -> dict[str, Any] | None:
        try:
            document: dict[str, Any] = json.loads(self._places.status.read_text("utf-8"))
            return document if document["loop"] and document["health"] else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _silent(self) -> Verdict:
        """It is not up: the last thing that it has said to the journal."""
        state = self._property("ActiveState")
        if state == "reloading":
            return Verdict(well=False, detail="it is still reading anew")
        if state in {"activating", "active"} and not self._restarts():
            return Verdict(well=False, detail="it is starting")
        asked = ("--priority=warning", "--lines=1", "--output=cat", "--no-pager", "--quiet")
        said = ended("journalctl", f"--unit={SERVICE}", *asked, timeout_s=_SYSTEMCTL_S)
        why = last_line(said.stdout) if said.stdout.strip() else "journalctl -u galago may tell"
        return Verdict(well=False, detail=f"it does not stay up ({state}): {why}")

    def _invocation(self) -> str:
        """Which run it is; empty before the first."""
        return self._property("InvocationID")

    def _restarts(self) -> int:
        number = self._property("NRestarts")
        return int(number) if number.isdigit() else 0

    def _property(self, name: str) -> str:
        command = ("systemctl", "show", "--value", f"--property={name}", SERVICE)
        return ended(*command, timeout_s=_SYSTEMCTL_S).stdout.strip()

    def _must(self, *words: str) -> None:
        try:
            run("systemctl", *words, timeout_s=_SYSTEMCTL_S)
        except DeviceError as error:
            raise DeviceError(f"systemd did not do it: {error}") from error


def judged(document: dict[str, Any], model: str | None) -> Verdict:
    """What a status document says; `model`: the sha256 of the one that should look, if any."""
    found = document["model"]["sha256"]
    states = document["health"]["states"]
    bad = [s for s in states if s["level"] == "error" or s["name"] in _NOT_FOLLOWED]
    if bad:
        told = "; ".join(f"{s['name']}: {s['cause']}. {s['advice']}" for s in bad)
        return Verdict(well=False, detail=told)
    if model is not None and found != model:
        return Verdict(well=False, detail=f"model {found[:12]} looks, expected {model[:12]}")
    source, rate = document["camera"]["source"], document["loop"]["rate"]
    return Verdict(
        well=True,
        detail=f"model {found[:12]} looks at {source}, {rate:.1f} pictures a second",
    )
