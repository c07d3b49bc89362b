"""What is installed for this Python, and what the system has beside it."""

import re
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from galago.edge.doctor.patient import Patient

SYSTEM = Path("/usr/lib/python3/dist-packages")  # apt's, of Debian and what comes from it


@dataclass(frozen=True, slots=True)
class Packages:
    """`versions` of what this Python can import, by distribution; `system`: of what apt has.

    `sees_system`: whether this Python can import that too. `is_system_python`: it is apt's own.
    """

    python: tuple[int, int, int] = (3, 11, 2)
    bits: int = 64
    prefix: str = "/opt/galago"
    is_system_python: bool = True
    sees_system: bool = True
    versions: Mapping[str, str] = field(default_factory=dict)
    system: Mapping[str, str] = field(default_factory=dict)

    def major(self, name: str) -> int | None:
        """The first figure of a version; None where it is not installed."""
        return _major(self.versions.get(name))

    def system_major(self, name: str) -> int | None:
        """The same of apt's."""
        return _major(self.system.get(name))


def installed(patient: Patient) -> Packages:
    """Those of this process."""
    return Packages(
        python=sys.version_info[:3],
        bits=struct.calcsize("P") * 8,
        prefix=sys.prefix,
        is_system_python=Path(sys.base_prefix) == Path("/usr"),
        sees_system=str(SYSTEM) in sys.path,
        versions=versions(),
        system=of_system(patient.at(SYSTEM)),
    )


def versions() -> dict[str, str]:
    """Of all that this Python can import, by canonical name, as `pip freeze` has them."""
    found = ((one.metadata["Name"], one.version) for one in distributions())
    return dict(sorted((_canonical(name), version) for name, version in found if name))


def of_system(folder: Path) -> dict[str, str]:
    """Of what lies in a folder, by the names of the folders that describe it.

    A package whose description has no version is there all the same.
    """
    described = (path.stem.partition("-") for path in folder.glob("*.*-info"))
    found = {_canonical(name): rest.partition("-")[0] for name, _, rest in described if rest}
    for module in ("picamera2", "libcamera", "simplejpeg"):
        if (folder / module).is_dir():
            found.setdefault(module, "?")
    return found


def pip(words: str) -> str:
    """The command that installs into this environment, or who else does where it has no pip."""
    if find_spec("pip") is None:
        return f"galago deploy brings what fits; by hand: pip install {words}"
    return f"{sys.executable} -m pip install {words}"


def _canonical(name: str) -> str:
    """Source: PyPA, names of distributions."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _major(version: str | None) -> int | None:
    match = re.match(r"\d+", version or "")
    return int(match[0]) if match else None
