"""A machine that is a folder, for the tests of `galago doctor`."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from galago.edge.doctor.finding import Finding, Level
from galago.edge.doctor.patient import Patient


@dataclass
class House:
    """The folder: files are put where a machine has them."""

    root: Path

    def has(self, path: str, text: str = "") -> Path:
        """A file of the machine."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def configured(self, text: str) -> None:
        """What the service's configuration says."""
        self.has("/etc/galago/galago.toml", text)

    def patient(self, camera: str | None = None) -> Patient:
        """The machine as it is now."""
        return Patient(self.root, camera=camera)


def levels(findings: Iterable[Finding]) -> dict[str, Level]:
    """How bad each is."""
    return {finding.name: finding.level for finding in findings}


def named(findings: Iterable[Finding], name: str) -> Finding:
    """The one of that name."""
    (found,) = (finding for finding in findings if finding.name == name)
    return found
