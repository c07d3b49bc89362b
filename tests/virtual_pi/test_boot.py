"""From power on to the first event, without a login, on both architectures."""

import pytest

from tests.virtual_pi.conftest import READY, Booted, Record
from tests.virtual_pi.image import Arch
from tests.virtual_pi.scenes import power_on
from tests.virtual_pi.service import UNIT, Service

pytestmark = pytest.mark.timeout(1800)  # an image, a boot, another boot, on a busy machine

ARCHES: tuple[Arch, ...] = ("amd64", "arm64")


@pytest.mark.parametrize("arch", ARCHES)
def test_power_on_is_all_it_takes(booted: Booted, arch: Arch, record: Record) -> None:
    """Switched on, it boots, the service becomes active and tells what its camera sees."""
    vm = booted(arch)
    vm.resume(READY)
    found = power_on(vm)
    record(found)
    assert found.label == "circle"
    assert found.event_s < found.login_s
    service = Service(vm)
    assert service.property("NRestarts") == "0"
    assert service.states() == set()
    assert vm.run("systemctl --failed --no-legend --plain") == ""


@pytest.mark.parametrize("arch", ARCHES)
def test_it_computes_with_acceleration(booted: Booted, arch: Arch) -> None:
    """On the processor as it is emulated, in the unit's sandbox: XNNPACK serves."""
    vm = booted(arch)
    vm.resume("serving")
    status = Service(vm).status()
    assert status is not None
    assert status["model"]["accelerated"]
    assert vm.run(f"systemctl is-active {UNIT}") == "active\n"
