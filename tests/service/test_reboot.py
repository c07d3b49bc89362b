"""The last step of escalation: a machine that reboots itself, and knows when to stop."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.machine import REPOSITORY, UNITS, Machine, needs_a_machine, needs_time

STATE = "/var/lib/galago-reboot"
CAP = 2


def quick(exit_code: int) -> str:
    """A service that fails at once, and a limit that is soon reached."""
    return f"""
[Unit]
StartLimitBurst=2
[Service]
ExecStart=
ExecStart=/bin/sh -c "exit {exit_code}"
RestartSec=100ms
"""


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """A folder that is not in memory, for the state that must outlive a reboot."""
    cache = REPOSITORY / ".cache"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        yield Path(folder)


def install(machine: Machine, exit_code: int) -> None:
    for text in (
        (UNITS / "galago.service.d" / "reboot.conf").read_text(),
        quick(exit_code),
    ):
        machine.drop_in("galago.service", text)
    machine.drop_in(
        "galago-reboot.service", f"[Service]\nEnvironment=REBOOTS_A_DAY={CAP} WAIT_S=0.3\n"
    )
    machine.run("systemctl", "add-wants", "basic.target", "galago.service")


def reboots_said(machine: Machine) -> str:
    return machine.journal("galago-reboot.service")


def test_a_service_that_does_not_come_back_reboots_the_machine_to_a_daily_cap(
    on_disk: Path,
) -> None:
    """Then it is only tried again and again; the count is on the disk."""
    needs_time()
    needs_a_machine()
    with Machine({on_disk: STATE}) as machine:
        install(machine, exit_code=4)
        machine.run("systemctl", "start", "--no-block", "galago.service")
        for count in range(1, CAP + 1):
            machine.wait_for_reboot()
            assert (on_disk / "reboots").read_text().split()[1] == str(count)
        machine.wait_for(lambda: f"there were {CAP} today" in reboots_said(machine))
        machine.wait_for(lambda: reboots_said(machine).count("started again") >= 2)
        assert (on_disk / "reboots").read_text().split()[1] == str(CAP)


def test_another_day_has_its_own_count(on_disk: Path) -> None:
    """What was yesterday is forgotten."""
    needs_time()
    needs_a_machine()
    (on_disk / "reboots").write_text(f"2001-01-01 {CAP}\n")
    with Machine({on_disk: STATE}) as machine:
        install(machine, exit_code=4)
        machine.run("systemctl", "start", "--no-block", "galago.service")
        machine.wait_for_reboot()
    assert (on_disk / "reboots").read_text().split()[1] == "1"


@pytest.mark.parametrize(
    ("exit_code", "why"),
    [(2, "the configuration is wrong"), (3, "the model file is damaged"), (4, "is in memory")],
)
def test_what_a_reboot_cannot_mend_or_count_reboots_nothing(exit_code: int, why: str) -> None:
    """A mistake in a file stays; a count in memory would begin at nothing each time."""
    needs_time()
    needs_a_machine()
    with Machine() as machine:
        install(machine, exit_code)
        machine.run("systemctl", "start", "--no-block", "galago.service")
        machine.wait_for(lambda: reboots_said(machine).count(why) >= 2)
