"""The service: installed, enabled, alive, and what it died of."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from galago.edge.doctor import units
from galago.edge.doctor.commands import as_root
from galago.edge.doctor.finding import Finding, error, note, ok, warning
from galago.edge.doctor.patient import Patient
from galago.edge.doctor.units import UNIT, Journal

_LOG = "journalctl -u galago -n 50"

# What the exit statuses of a unit's main process mean here: the daemon's own (galago.errors), then
# systemd's. Source: systemd.exec(5), process exit codes.
_STATUSES: Mapping[str, tuple[str, str]] = {
    "1": ("it could not go on", _LOG),
    "2": ("there is a mistake in its configuration", "galago config check"),
    "3": ("its model is damaged or fails its golden frames", "galago activate another model"),
    "4": ("its camera cannot be opened, or was lost", "galago doctor --camera SOURCE"),
    "200": ("its working folder is missing", "sudo systemctl cat galago.service"),
    "203": ("its program is not there, or may not be executed", "deploy it anew: galago deploy"),
    "216": (
        "a group of the unit is missing on this system",
        "take it out of the file that has it: systemctl cat galago.service",
    ),
    "217": ("its user could not be made", "sudo systemd-analyze verify galago.service"),
    "226": ("its sandbox could not be made", "sudo journalctl -b -u galago"),
    "238": ("its state folder could not be made", "look at the disk: df -h /var/lib"),
    "243": ("a secret that LoadCredential= names is not there", "systemctl cat galago.service"),
}
_RESULTS: Mapping[str, tuple[str, str]] = {
    "watchdog": ("its loop stood still and systemd ended it", _LOG),
    "oom-kill": ("there was no memory left", "take a smaller model, or keep less beside it"),
    "timeout": ("it did not become ready in time", _LOG),
    "start-limit-hit": ("it failed too often", "sudo systemctl reset-failed galago"),
    "core-dump": ("it crashed", _LOG),
    "signal": ("it was killed", _LOG),
    "protocol": ("it ended before it was ready", _LOG),
}
_MANY = 3
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_SOON = timedelta(minutes=1)


def look(patient: Patient) -> Iterator[Finding]:
    """What systemd and its journal know."""
    if patient.unit is None:
        yield note("systemd", "no systemd runs here, so there is no service to look at")
        return
    if not patient.is_installed:
        yield note(
            "service",
            f"{UNIT} is not installed on this machine",
            "from the workstation: galago deploy FILE USER@HOST",
        )
        return
    yield from judge(patient.unit)
    yield from judge_sandbox(patient.unit)
    yield from judge_deaths(patient.deaths, datetime.now(UTC), is_root=patient.is_root)
    if patient.is_pi:
        yield judge_watchdog(units.manager("RuntimeWatchdogUSec"))


def judge(unit: Mapping[str, str]) -> Iterator[Finding]:
    """By what `systemctl show` says."""
    if unit.get("LoadState") != "loaded":
        yield error(
            "service",
            f"{UNIT} cannot be loaded ({unit.get('LoadState')})",
            "sudo systemctl unmask galago.service"
            if unit.get("LoadState") == "masked"
            else "sudo systemd-analyze verify galago.service",
        )
        return
    yield _active(unit)
    if unit.get("UnitFileState") in {"enabled", "enabled-runtime", "static"}:
        yield ok("service-enabled", "it starts at boot")
    else:
        yield warning(
            "service-enabled",
            "it does not start at boot",
            "sudo systemctl enable galago.service",
        )
    if unit.get("NeedDaemonReload") == "yes":
        yield warning(
            "service-stale",
            "its unit was changed, and systemd still has the old one",
            "sudo systemctl daemon-reload && sudo systemctl restart galago",
        )
    if drop_ins := unit.get("DropInPaths"):
        names = [path.rsplit("/", 1)[-1] for path in drop_ins.split()]
        yield ok("service-drop-ins", f"drop-ins: {', '.join(names)}")


def _active(unit: Mapping[str, str]) -> Finding:
    state = unit.get("ActiveState", "")
    if state in {"active", "reloading"}:
        since = unit.get("ActiveEnterTimestamp", "")
        status = f": {unit['StatusText']}" if unit.get("StatusText") else ""
        restarts = unit.get("NRestarts", "0")
        again = f", restarted {restarts} times before" if restarts != "0" else ""
        return ok("service", f"active since {since}{again}{status}")
    what, fix = death(unit)
    if unit.get("SubState") == "auto-restart":
        return error("service", f"it ended and is started again and again: {what}", fix)
    if state == "activating":
        return _starting(unit.get("NRestarts", "0"))
    if state == "failed":
        return error("service", f"it has failed: {what}", fix)
    return warning("service", "it does not run", "sudo systemctl start galago.service")


def _starting(restarts: str) -> Finding:
    if restarts in {"", "0"}:
        return note("service", "it is starting; ask again in a minute")
    return warning("service", f"it is starting, after it was restarted {restarts} times", _LOG)


def death(unit: Mapping[str, str]) -> tuple[str, str]:
    """What the last end of the main process means, and what to do."""
    result, status = unit.get("Result", ""), unit.get("ExecMainStatus", "")
    if result == "exit-code" and status in _STATUSES:
        return _STATUSES[status]
    if result in _RESULTS:
        what, fix = _RESULTS[result]
        return (f"{what} (signal {status})", fix) if result == "signal" else (what, fix)
    return f"{result or 'no result'}, status {status or 'unknown'}", _LOG


def judge_sandbox(unit: Mapping[str, str]) -> Iterator[Finding]:
    """What well-meant hardening breaks."""
    if unit.get("ProcSubset") == "pid":
        yield error(
            "service-proc",
            "ProcSubset=pid hides /proc/cpuinfo: the interpreter computes without acceleration",
            "sudo systemctl edit galago.service, with [Service] ProcSubset=all",
        )
    if unit.get("PrivateDevices") == "yes":
        yield error(
            "service-devices",
            "PrivateDevices=yes hides the camera from the service",
            "sudo systemctl edit galago.service, with [Service] PrivateDevices=no",
        )
    # Of a unit that has not run yet, 0 says nothing.
    if unit.get("WatchdogUSec") in {"0", "infinity"} and unit.get("ActiveState") == "active":
        yield warning(
            "service-watchdog",
            "no watchdog is set: nobody restarts a loop that stands still",
            "sudo systemctl edit galago.service, with [Service] WatchdogSec=30",
        )


def judge_deaths(journal: Journal, now: datetime, *, is_root: bool) -> Iterator[Finding]:
    """By the lines of the last day."""
    if not journal.lines and (journal.refused or not is_root):
        yield note(
            "service-deaths",
            "this user may not read the service's log, so its last ends are not known",
            as_root(),
        )
        return
    lately = [line for line in journal.deaths if now - line.time < _DAY]
    if not lately:
        yield ok("service-deaths", "the log has no end that nobody asked for, in the last day")
        return
    last = lately[-1]
    said = journal.last_error
    cause = f"; it said: {said.text}" if said and last.time - said.time < _SOON else ""
    many = sum(now - line.time < _HOUR for line in lately) >= _MANY
    yield (error if many else warning)(
        "service-deaths",
        f"{len(lately)} ends in the last day, the last at {last.time:%H:%M} UTC: "
        f"{last.text.removeprefix(f'{UNIT}: ')}{cause}",
        _LOG,
    )


def judge_watchdog(hardware: str) -> Finding:
    """`hardware`: RuntimeWatchdogUSec of systemd itself. Source: systemd-system.conf(5)."""
    if hardware in {"", "0", "infinity"}:
        return note(
            "watchdog",
            "the hardware watchdog is off: a kernel that hangs stays so",
            "printf '[Manager]\\nRuntimeWatchdogSec=14\\n' | sudo tee "
            "/etc/systemd/system.conf.d/galago-watchdog.conf, then reboot",
        )
    return ok("watchdog", f"the hardware watchdog resets a machine that hangs for {hardware}")
