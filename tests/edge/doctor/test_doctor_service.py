"""What systemd's properties and the journal's lines mean; the lines are real ones."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from galago.edge.doctor.finding import Finding
from galago.edge.doctor.service import death, judge, judge_deaths, judge_sandbox, judge_watchdog
from galago.edge.doctor.service import look as look_at_service
from galago.edge.doctor.units import Journal, parse_journal, parse_properties
from tests.edge.doctor.parts import House, levels, named

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WELL = """\
WatchdogUSec=30s
StatusText=model.tflite looks at usb:0
Result=success
NRestarts=0
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
NeedDaemonReload=no
PrivateDevices=no
ProcSubset=all
DropInPaths=/etc/systemd/system/galago.service.d/gpio.conf
"""


def entry(text: str, minutes_ago: float, pid: str = "1", priority: int = 5) -> str:
    at = NOW - timedelta(minutes=minutes_ago)
    return json.dumps(
        {
            "__REALTIME_TIMESTAMP": str(int(at.timestamp() * 1e6)),
            "_PID": pid,
            "PRIORITY": str(priority),
            "MESSAGE": text,
        }
    )


def journal(*entries: str) -> Journal:
    return Journal(parse_journal("\n".join(entries)))


def unit(**changed: str) -> dict[str, str]:
    return parse_properties(WELL) | changed


def test_a_service_that_runs_is_well() -> None:
    """What it says of itself is shown, and its drop-ins."""
    found = list(judge(unit()))
    assert set(levels(found).values()) == {"ok"}
    assert "looks at usb:0" in named(found, "service").what
    assert "gpio.conf" in named(found, "service-drop-ins").what


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"Result": "exit-code", "ExecMainStatus": "2"}, "mistake in its configuration"),
        ({"Result": "exit-code", "ExecMainStatus": "3"}, "golden frames"),
        ({"Result": "exit-code", "ExecMainStatus": "4"}, "camera cannot be opened"),
        ({"Result": "exit-code", "ExecMainStatus": "216"}, "a group of the unit is missing"),
        ({"Result": "exit-code", "ExecMainStatus": "77"}, "exit-code, status 77"),
        ({"Result": "watchdog", "ExecMainStatus": "6"}, "stood still"),
        ({"Result": "oom-kill", "ExecMainStatus": "9"}, "no memory left"),
        ({"Result": "signal", "ExecMainStatus": "11"}, "signal 11"),
    ],
)
def test_each_end_has_its_meaning(changed: dict[str, str], said: str) -> None:
    """And what to do, while it is started again and again, or given up."""
    waiting = unit(ActiveState="activating", SubState="auto-restart", **changed)
    found = named(judge(waiting), "service")
    assert found.level == "error"
    assert said in found.what
    assert found.fix == death(waiting)[1] != ""
    assert said in named(judge(unit(ActiveState="failed", **changed)), "service").what


@pytest.mark.parametrize(
    ("changed", "name", "level"),
    [
        ({"UnitFileState": "disabled"}, "service-enabled", "warning"),
        ({"ActiveState": "inactive"}, "service", "warning"),
        ({"LoadState": "masked"}, "service", "error"),
        ({"LoadState": "bad-setting"}, "service", "error"),
        ({"NeedDaemonReload": "yes"}, "service-stale", "warning"),
    ],
)
def test_a_unit_that_will_not_start(changed: dict[str, str], name: str, level: str) -> None:
    """At boot, now, or at all."""
    assert levels(judge(unit(**changed)))[name] == level


def test_hardening_that_breaks_is_named() -> None:
    """What other people's guides advise."""
    wrong = unit(ProcSubset="pid", PrivateDevices="yes", WatchdogUSec="infinity")
    assert levels(judge_sandbox(wrong)) == {
        "service-proc": "error",
        "service-devices": "error",
        "service-watchdog": "warning",
    }
    assert list(judge_sandbox(unit())) == []


def one(found: "list[Finding]") -> Finding:
    (finding,) = found
    return finding


def test_a_death_is_told_with_what_the_daemon_said() -> None:
    """Kills and the watchdog are systemd's own lines; a stop that was asked for is none."""
    lines = journal(
        entry("galago.service: Main process exited, code=killed, status=9/KILL", 26 * 60),
        entry("no camera at /dev/video0: plug one in", 30.2, pid="812", priority=3),
        entry("galago.service: Main process exited, code=exited, status=4/NOPERMISSION", 30),
        entry("Stopped galago.service - Galago.", 10),
    )
    found = one(list(judge_deaths(lines, NOW, is_root=True)))
    assert found.level == "warning"
    assert "1 ends in the last day, the last at 11:30 UTC" in found.what
    assert "no camera at /dev/video0" in found.what


def test_an_old_error_is_not_taken_for_the_cause() -> None:
    """What was said hours before a kill has nothing to do with it."""
    lines = journal(
        entry("no camera at /dev/video0", 300, pid="812", priority=3),
        entry("galago.service: Watchdog timeout (limit 30s)!", 30),
    )
    assert "no camera" not in one(list(judge_deaths(lines, NOW, is_root=True))).what


def test_many_deaths_within_the_hour_are_an_error() -> None:
    """Though it may be alive just now."""
    died = "galago.service: Main process exited, code=dumped, status=11/SEGV"
    lines = journal(*(entry(died, ago) for ago in (50, 30, 5)))
    assert one(list(judge_deaths(lines, NOW, is_root=True))).level == "error"


def test_a_log_that_may_not_be_read_is_not_taken_for_a_good_one() -> None:
    """Root's empty log is one."""
    found = one(list(judge_deaths(Journal(refused=True), NOW, is_root=False)))
    assert found.level == "note"
    assert found.fix.startswith("sudo ")
    assert one(list(judge_deaths(Journal(), NOW, is_root=True))).level == "ok"


def test_a_line_that_is_none_is_left_out() -> None:
    """And bytes that are no text are shown as well as can be."""
    raw = json.dumps({"__REALTIME_TIMESTAMP": "1", "MESSAGE": [104, 105, 255]})
    lines = parse_journal(f"-- No entries --\n{{\n{raw}\n[]\n")
    assert [line.text for line in lines] == ["hi\ufffd"]


def test_the_hardware_watchdog_that_is_off_has_its_file() -> None:
    """As Debian 12 has it."""
    assert judge_watchdog("0").level == "note"
    assert "RuntimeWatchdogSec=14" in judge_watchdog("infinity").fix
    assert judge_watchdog("14s").level == "ok"


def test_without_systemd_there_is_no_service_to_look_at(house: House) -> None:
    """Which is no fault."""
    assert levels(look_at_service(house.patient())) == {"systemd": "note"}
