"""What the running daemon says of itself in its status document."""

import time
from collections.abc import Iterator
from typing import Any

from galago.edge.doctor.finding import Finding, error, note, ok, warning
from galago.edge.doctor.patient import Patient

_OLD_S = 20.0  # it is written every other second
_YOUNG_S = 60.0
_DAY_S = 86_400.0


def look(patient: Patient) -> Iterator[Finding]:
    """Its states of health with their advice, its pace, whether it is on probation."""
    status = patient.status
    if status is None:
        if patient.is_active:
            yield warning(
                "daemon-status",
                f"the service runs and writes no {patient.status_path}",
                "sudo systemctl restart galago, if it stays so after a minute",
            )
        return
    age_s = time.time() - patient.status_path.stat().st_mtime
    if age_s > _OLD_S:
        yield judge_silence(age_s, patient.read(f"/proc/{pid(patient)}/status"))
    yield from judge(status)


def pid(patient: Patient) -> str:
    """The daemon's process."""
    return (patient.unit or {}).get("MainPID", "0")


def judge_silence(age_s: float, process: str) -> Finding:
    """`process`: /proc/PID/status. Source: proc_pid_status(5), State."""
    hangs = "State:\tD" in process
    return error(
        "daemon-status",
        f"the daemon has last told of itself {age_s:.0f} s ago: it stands still"
        + (", in the kernel, where nothing can end it" if hangs else ""),
        "sudo reboot" if hangs else "sudo systemctl restart galago",
    )


def judge(status: dict[str, Any]) -> Iterator[Finding]:
    """`status`: galago.edge.vitals.document.Status, perhaps of another version."""
    states = status.get("health", {}).get("states", [])
    for state in states:
        say = error if state["level"] == "error" else warning
        yield say(f"health-{state['name']}", state["cause"], state["advice"])
    if not states:
        yield ok("health", "the daemon has nothing to complain of")
    yield _pace(status)
    yield from _silence(status)
    yield from _publishers(status)


def _pace(status: dict[str, Any]) -> Finding:
    loop, uptime_s = status.get("loop", {}), float(status.get("uptime_s", 0))
    if not loop.get("frames") and uptime_s > _YOUNG_S:
        return error(
            "daemon-pace",
            f"no picture has been looked at in {uptime_s / 60:.0f} minutes",
            "look at the camera's findings",
        )
    rate, p99_ms = float(loop.get("rate", 0)), float(loop.get("p99_ms", 0))
    return ok("daemon-pace", f"{rate:.3g} pictures a second, decided within {p99_ms:.0f} ms")


def _silence(status: dict[str, Any]) -> Iterator[Finding]:
    """A camera that looks well and says nothing is what people notice last."""
    store = status.get("store") or {}
    if store.get("events") == 0 and float(status.get("uptime_s", 0)) > _DAY_S:
        yield note(
            "events-none",
            "no event has been stored since it was installed: does the camera see what it should?",
            "have silence told: quiet_hours = 24 under [health]",
        )


def _publishers(status: dict[str, Any]) -> Iterator[Finding]:
    told = status.get("publishers", [])
    for publisher in told:
        if publisher.get("dropped"):
            yield warning(
                f"publisher-{publisher['name']}-dropped",
                f"{publisher['dropped']} events were given up before {publisher['name']} took them",
                "let more of them wait: backlog = 100000 in its section",
            )
    if told and all(publisher.get("connected") for publisher in told):
        names = ", ".join(publisher["name"] for publisher in told)
        yield ok("publishers", f"reached: {names}")
