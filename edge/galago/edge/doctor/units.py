"""What systemd and its journal know of a unit."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from galago.edge.doctor.commands import ask

UNIT = "galago.service"

# Source: systemctl(1), show; org.freedesktop.systemd1(5).
PROPERTIES = (
    "ActiveEnterTimestamp",
    "ActiveState",
    "DropInPaths",
    "ExecMainCode",
    "ExecMainStatus",
    "ExecStart",
    "FragmentPath",
    "LoadError",
    "LoadState",
    "MainPID",
    "MemoryCurrent",
    "MemoryMax",
    "NRestarts",
    "NeedDaemonReload",
    "PrivateDevices",
    "ProcSubset",
    "Result",
    "StatusText",
    "SubState",
    "SupplementaryGroups",
    "UnitFileState",
    "WatchdogUSec",
)

_LINES = 2000
_LATE_S = 30.0  # a journal on a slow card
_SYSTEMD = "1"
_ERROR = 3  # syslog(3): LOG_ERR, and what is worse has lower numbers
_DEATHS = (
    "Main process exited, code=killed",
    "Main process exited, code=dumped",
    "Main process exited, code=exited",
    "Watchdog timeout",
    "killed by the OOM killer",
    "start operation timed out",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal. `pid`: who wrote it. `priority`: 0 worst, 7 least."""

    time: datetime
    pid: str
    priority: int
    text: str

    def __str__(self) -> str:
        return f"{self.time.isoformat(timespec='seconds')} [{self.pid}] {self.text}"


@dataclass(frozen=True, slots=True)
class Journal:
    """The last lines of a unit, oldest first; `refused`: this user may not read them."""

    lines: tuple[Line, ...] = ()
    refused: bool = False

    @property
    def deaths(self) -> tuple[Line, ...]:
        """Systemd's own lines about ends that nobody asked for."""
        return tuple(
            line
            for line in self.lines
            if line.pid == _SYSTEMD and any(death in line.text for death in _DEATHS)
        )

    @property
    def last_error(self) -> Line | None:
        """What the daemon itself said last of what it could not do."""
        own = [line for line in self.lines if line.pid != _SYSTEMD and line.priority <= _ERROR]
        return own[-1] if own else None


def shown(unit: str) -> dict[str, str]:
    """The properties of a unit by name; none where systemd does not answer."""
    answer = ask("systemctl", "show", unit, f"--property={','.join(PROPERTIES)}")
    return parse_properties(answer.said if answer else "")


def written(unit: str) -> str:
    """The files of a unit, each below a comment with its name."""
    answer = ask("systemctl", "cat", unit)
    return answer.said if answer else ""


def manager(name: str) -> str:
    """A property of systemd itself; "" where it has none."""
    answer = ask("systemctl", "show", f"--property={name}", "--value")
    return answer.said.strip() if answer and answer.status == 0 else ""


def parse_properties(said: str) -> dict[str, str]:
    """What `systemctl show` prints."""
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def journal(unit: str, lines: int = _LINES) -> Journal:
    """The last lines of a unit and about it."""
    fields = "--output-fields=MESSAGE,_PID,PRIORITY"
    command = ("journalctl", f"--unit={unit}", f"--lines={lines}", "--no-pager", "--output=json")
    answer = ask(*command, fields, deadline_s=_LATE_S)
    if answer is None:
        return Journal()
    # Source: journalctl(1); the hint is printed to whoever is in none of the groups that may.
    refused = "not seeing messages" in answer.complained or "insufficient" in answer.complained
    return Journal(parse_journal(answer.said), refused)


def parse_journal(said: str) -> tuple[Line, ...]:
    """What `journalctl --output=json` prints; a line that is none is left out."""
    return tuple(line for text in said.splitlines() if (line := _line(text)) is not None)


def _line(text: str) -> Line | None:
    try:
        entry = json.loads(text)
        message = entry["MESSAGE"]
        if not isinstance(message, str):  # bytes that are no UTF-8 come as a list of numbers
            message = bytes(message).decode(errors="replace")
        return Line(
            datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC),
            str(entry.get("_PID", "")),
            int(entry.get("PRIORITY", 6)),
            message,
        )
    except (ValueError, KeyError, TypeError):
        return None
