"""What hangs is ended: the daemon by systemd, the machine by its hardware."""

import pytest

from tests.virtual_pi.conftest import Record
from tests.virtual_pi.scenes import (
    FREEZES,
    freeze_the_loop,
    freeze_the_machine,
    watch_the_machine,
)
from tests.virtual_pi.service import Service

pytestmark = pytest.mark.timeout(1800)


def test_a_frozen_loop_is_killed_and_started_again(service: Service, record: Record) -> None:
    """By the unit as it is: WatchdogSec=30, and what it had told is still there."""
    before = service.events()
    record(freeze_the_loop(service))
    assert service.property("NRestarts") == "1"
    assert service.events()[: len(before)] == before
    assert service.states() == set()


@pytest.mark.parametrize("how", FREEZES)
def test_a_frozen_machine_is_reset_and_serves_again(
    service: Service, how: str, record: Record
) -> None:
    """RuntimeWatchdogSec= on an emulated watchdog; no event that was told is lost."""
    watch_the_machine(service)
    before = service.events()
    record(f"{freeze_the_machine(service, FREEZES[how]):.1f} s")
    assert service.events()[: len(before)] == before
    assert service.states() == set()
