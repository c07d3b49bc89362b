"""Which devices Galago can be installed on, and what each of them needs.

- A device is served by exactly one target, or refused with one line that says what would help.
- The lock's markers are judged for the device, never for the machine that this runs on.
- The Python's own word size decides, not the kernel: 32-bit Raspberry Pi OS runs a 64-bit kernel.

    target = target_of(facts)                 # what `galago.deploy.device facts` has said
    for requirement in target.requirements():
        print(requirement.line)
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, Self, TypeAlias

from galago.deploy.markers import applies
from galago.errors import UsageError

Release: TypeAlias = Literal["bookworm", "trixie"]
Machine: TypeAlias = Literal["aarch64", "armv7l", "x86_64"]

# What Debian 12 and 13 bring. Source: their packages python3, libc6.
_PYTHON: Mapping[str, str] = {"bookworm": "3.11", "trixie": "3.13"}
_GLIBC: Mapping[str, int] = {"bookworm": 36, "trixie": 41}  # 2.36, 2.41
# The oldest glibc that a wheel may be named after. Source: PEP 599, PEP 600.
_OLDEST_GLIBC: Mapping[str, int] = {"aarch64": 17, "armv7l": 17, "x86_64": 5}

# No wheel of them for 32-bit Arm is on the index: there Debian's own packages serve.
_FROM_APT: Mapping[str, tuple[str, str]] = {
    "numpy": ("numpy", "python3-numpy"),
    "opencv-python-headless": ("cv2", "python3-opencv"),
}


@dataclass(frozen=True)
class Requirement:
    """A package of the lock that a target needs; `line` as pip reads it, digests included."""

    name: str
    version: str
    digests: frozenset[str]

    @property
    def line(self) -> str:
        """`name==version --hash=sha256:…`, the digests in order."""
        hashes = (f"--hash=sha256:{digest}" for digest in sorted(self.digests))
        return " ".join((f"{self.name}=={self.version}", *hashes))


@dataclass(frozen=True)
class Target:
    """A kind of device. `machine`: what its programs are built for, whatever its kernel says."""

    release: Release
    machine: Machine

    @property
    def bits(self) -> int:
        """The word size of its programs."""
        return 32 if self.machine == "armv7l" else 64

    @property
    def python(self) -> str:
        """Major and minor version of the system's Python."""
        return _PYTHON[self.release]

    @property
    def name(self) -> str:
        """For people and folders, such as bookworm-aarch64."""
        return f"{self.release}-{self.machine}"

    @property
    def apt(self) -> dict[str, str]:
        """Modules that come from apt instead of the index, and their packages there."""
        return dict(_FROM_APT.values()) if self.bits == 32 else {}

    @property
    def platforms(self) -> list[str]:
        """The platform tags of wheels that run on it, the best first."""
        newest, oldest = _GLIBC[self.release], _OLDEST_GLIBC[self.machine]
        tags = [f"manylinux_2_{minor}" for minor in range(newest, oldest - 1, -1)]
        older = ["manylinux2010", "manylinux1"] if self.machine == "x86_64" else []
        return [f"{tag}_{self.machine}" for tag in [*tags, "manylinux2014", *older, "linux"]]

    def requirements(self) -> list[Requirement]:
        """What it needs from the index, in the order of its lock."""
        left_out = _FROM_APT if self.apt else ()
        return [found for found in _read_lock(self) if found.name not in left_out]

    def to_json(self) -> dict[str, Any]:
        """For payload.json."""
        return {
            "release": self.release,
            "machine": self.machine,
            "bits": self.bits,
            "python": self.python,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`.

        Raises:
            UsageError: this version of Galago serves no such device.
        """
        for target in TARGETS:
            if target.to_json() == dict(document):
                return cls(target.release, target.machine)
        raise UsageError(f"{_SERVED}, received {dict(document)}")


TARGETS = (
    Target("bookworm", "aarch64"),
    Target("bookworm", "armv7l"),
    Target("bookworm", "x86_64"),
    Target("trixie", "aarch64"),
    Target("trixie", "x86_64"),
)

_SERVED = (
    "Galago runs on Raspberry Pi OS or Debian 12 (bookworm, 64-bit or 32-bit) and 13 (trixie, "
    "64-bit)"
)


def target_named(release: str, machine: str) -> Target:
    """The target of these names.

    Raises:
        UsageError: there is none; the message says what would help.
    """
    for target in TARGETS:
        if (target.release, target.machine) == (release, machine):
            return target
    if release == "trixie" and machine in {"armv7l", "armv6l"}:
        raise UsageError(
            "no interpreter exists for 32-bit Raspberry Pi OS 13 (trixie): write the 64-bit one to "
            "the card, which a Pi 3, 4, 5 and Zero 2 W can run, or 32-bit 12 (bookworm)"
        )
    if release in {"buster", "bullseye"}:
        raise UsageError(
            f"Debian's {release} is too old for the interpreter (glibc, Python): {_SERVED}"
        )
    raise UsageError(f"{_SERVED}, received {release or 'another system'} on {machine}")


def target_of(facts: Mapping[str, Any]) -> Target:
    """The target of a device that has said its facts.

    Raises:
        UsageError: it cannot be served, or its Python is not its system's.
    """
    machine = str(facts["machine"])
    if facts["bits"] == 32:
        machine = {"aarch64": "armv7l", "armv8l": "armv7l", "x86_64": "i686"}.get(machine, machine)
    target = target_named(str(facts["codename"]), machine)
    found = ".".join(str(facts["python"]).split(".")[:2])
    if found != target.python:
        raise UsageError(
            f"python3 is {found}, expected {target.python}, which comes with {target.release}: "
            "let /usr/bin/python3 be the system's own again"
        )
    return target


_ENTRY = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[\w.+!-]+)\s*(?:;(?P<marker>[^\\\n]+))?")


def _read_lock(target: Target) -> Iterator[Requirement]:
    name = "bookworm-32" if target.bits == 32 else target.release
    text = (files("galago.deploy") / "locks" / f"{name}.txt").read_text("utf-8")
    about = {
        "python_version": target.python,
        "python_full_version": f"{target.python}.0",
        "platform_machine": target.machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    for entry in re.split(r"\n(?=\w)", text):
        if (head := _ENTRY.match(entry)) and applies(head["marker"] or "", about):
            digests = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry))
            yield Requirement(head["name"], head["version"], digests)
