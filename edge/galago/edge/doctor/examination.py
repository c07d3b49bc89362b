"""All checks in their order, and what they found together.

- A check that fails says so and keeps no other from looking.
- Nothing is changed, and nothing that runs is disturbed.

    report = examine(Patient())
    report.level  # "error"
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from galago.edge.doctor import (
    board,
    cameras,
    configuration,
    disk,
    health,
    model,
    network,
    packages,
    rights,
    runtime,
    service,
    versions,
)
from galago.edge.doctor.finding import LEVELS, Finding, Group, Level, note, warning, worst
from galago.edge.doctor.packages import pip
from galago.edge.doctor.patient import Patient


class Check(NamedTuple):
    """`look` yields what it finds, in a machine that it is given."""

    name: str
    look: Callable[[Patient], Iterator[Finding]]


CHECKS = (
    Check("python", versions.look),
    Check("interpreter", runtime.look),
    Check("configuration", configuration.look),
    Check("model", model.look),
    Check("camera", cameras.look),
    Check("rights", rights.look),
    Check("service", service.look),
    Check("daemon", health.look),
    Check("machine", board.look),
    Check("disk", disk.look),
    Check("network", network.look),
)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. `machine`: galago.edge.machine.Machine as a dict, less where it cannot be."""

    groups: tuple[Group, ...]
    machine: dict[str, Any]

    @property
    def findings(self) -> list[Finding]:
        """All of them, the worst first, otherwise in the checks' order."""
        found = [finding for group in self.groups for finding in group.findings]
        return sorted(found, key=lambda finding: -LEVELS.index(finding.level))

    @property
    def level(self) -> Level:
        """The worst."""
        return worst(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The document of `galago doctor --json`."""
        found = [
            {"group": group.name, **asdict(finding)}
            for group in self.groups
            for finding in group.findings
        ]
        found.sort(key=lambda finding: -LEVELS.index(finding["level"]))
        return {"level": self.level, "findings": found, "machine": self.machine}


def examine(patient: Patient, told: Callable[[str], None] = lambda _name: None) -> Report:
    """Look at everything; `told` is called with the name of what is looked at now."""
    groups = []
    for check in CHECKS:
        told(check.name)
        groups.append(Group(check.name, tuple(_looked(check, patient))))
    return Report(tuple(groups), machine_facts())


def _looked(check: Check, patient: Patient) -> Iterator[Finding]:
    try:
        yield from check.look(patient)
    except ImportError as problem:  # the packages' own check says more
        yield note(
            f"{check.name}-unknown",
            f"could not be looked at further: {problem}",
            pip("numpy opencv-python-headless"),
        )
    except Exception as problem:  # noqa: BLE001 - the other checks still look
        yield warning(
            f"{check.name}-unknown",
            f"could not be looked at: {problem!r}",
            "this is a fault of Galago: please report it",
        )


def machine_facts() -> dict[str, Any]:
    """This machine; without numpy or OpenCV only what Python itself knows."""
    known: dict[str, Any] = {"galago": packages.versions().get("galago", "unknown")}
    try:
        from galago.edge.machine import this_machine  # noqa: PLC0415
    except ImportError:
        import platform  # noqa: PLC0415

        return known | {"architecture": platform.machine(), "python": platform.python_version()}
    return known | asdict(this_machine())
