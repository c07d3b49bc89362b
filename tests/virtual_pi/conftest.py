"""The virtual machine: one for all tests, only where it is asked for."""

import json
import os
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from tests.virtual_pi.image import REPOSITORY, build, missing
from tests.virtual_pi.vm import VM

ASKED_FOR = "GALAGO_VIRTUAL_PI"
SCENE_S = 100.0


class Guest:
    """The virtual machine with this tree's galago, and a webcam plugged in."""

    def __init__(self, vm: VM) -> None:
        self.vm = vm

    def play(self, scene: str, *words: object) -> Any:
        """Play a scene of guest/scenes.py and return its findings."""
        command = shlex.join(["python3", "/opt/test/guest/scenes.py", scene, *map(str, words)])
        said = self.vm.run(f"PYTHONPATH=/opt/test/edge {command}", timeout_s=SCENE_S)
        return json.loads(said)


@pytest.fixture(scope="session")
def vm() -> Iterator[VM]:
    """A running guest; a test that needs one skips where nobody asked for it."""
    if not os.environ.get(ASKED_FOR):
        pytest.skip("a virtual machine takes minutes and root: run make test-usb")
    if lacking := missing():
        pytest.fail(f"no virtual machine can be made here: {lacking}")
    with VM(build()) as running:
        yield running


@pytest.fixture(scope="session")
def guest(vm: VM) -> Guest:
    """The guest with its webcam."""
    vm.put(REPOSITORY / "edge", ["."], "/opt/test/edge")
    vm.put(REPOSITORY / "tests" / "virtual_pi", ["guest"], "/opt/test")
    vm.spawn("python3 /opt/test/guest/webcam.py /run/webcam")
    vm.run("for i in $(seq 300); do [ -p /run/webcam ] && exit; sleep 0.1; done; exit 1")
    return Guest(vm)
