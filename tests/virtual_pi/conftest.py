"""The virtual machines: one on at a time, only where they are asked for."""

import json
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.virtual_pi.image import Arch, build, missing
from tests.virtual_pi.service import Service, install
from tests.virtual_pi.vm import VM

ASKED_FOR = "GALAGO_VIRTUAL_PI"
SCENE_S = 100.0
READY, SERVING = "ready", "serving"
FIGURES: list[str] = []

Booted: TypeAlias = Callable[[Arch], VM]
Record: TypeAlias = Callable[[object], None]


def needs_virtual_pi(arch: Arch = "amd64") -> None:
    """Skip where nobody asked for a virtual machine, or none can be made; say what is missing."""
    if not os.environ.get(ASKED_FOR):
        pytest.skip("a virtual machine takes minutes and root: run make virtual-pi")
    if lacking := missing(arch):
        pytest.skip(f"no virtual machine can be made here: {lacking}")


@pytest.fixture(scope="session")
def booted(model_path: Path) -> Iterator[Booted]:
    """Give a machine with the service installed, saved as READY; others are switched off."""
    machines: dict[Arch, VM] = {}
    ends = ExitStack()

    def give(arch: Arch) -> VM:
        needs_virtual_pi(arch)
        for other, machine in machines.items():
            if other != arch:
                machine.cut()
        if arch not in machines:
            machines[arch] = ends.enter_context(VM(build(arch, "galago"), watchdog=True))
            _prepare(machines[arch], model_path)
        return machines[arch]

    with ends:
        yield give


def _prepare(vm: VM, model: Path) -> None:
    install(vm, model)
    vm.save(READY)
    service = Service(vm)
    service.start()
    service.wait_for_event("circle")
    vm.save(SERVING)


@pytest.fixture
def service(booted: Booted) -> Service:
    """A machine on which the service has just begun to look at a circle; resumed in seconds."""
    vm = booted("amd64")
    vm.resume(SERVING)
    return Service(vm)


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Note what a scene took, to be told at the end."""
    return lambda what: FIGURES.append(f"{request.node.name}: {what}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what the scenes took, in seconds of this machine."""
    if FIGURES:
        terminalreporter.section("the virtual Pi")
        for line in FIGURES:
            terminalreporter.write_line(line)


class Guest:
    """A virtual machine with this tree's galago, and a webcam plugged in."""

    def __init__(self, vm: VM) -> None:
        self.vm = vm

    def play(self, scene: str, *words: object) -> Any:
        """Play a scene of guest/scenes.py and return its findings."""
        python = "/opt/galago/bin/python3"
        command = shlex.join([python, "/opt/test/guest/scenes.py", scene, *map(str, words)])
        return json.loads(self.vm.run(command, timeout_s=SCENE_S))


@pytest.fixture(scope="module")
def guest(booted: Booted) -> Guest:
    """The machine with its webcam, and no service."""
    vm = booted("amd64")
    vm.resume(READY)
    vm.spawn("/opt/galago/bin/python3 /opt/test/guest/webcam.py /run/webcam")
    vm.run("for i in $(seq 300); do [ -p /run/webcam ] && exit; sleep 0.1; done; exit 1")
    return Guest(vm)
