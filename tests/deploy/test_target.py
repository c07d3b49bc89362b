"""Which devices are served, by which packages, and what the others are told."""

import itertools
import re

import pytest
from packaging.markers import Marker

from galago.deploy.markers import applies
from galago.deploy.target import TARGETS, Target, target_named, target_of
from galago.errors import UsageError
from tests.house.environments import REPOSITORY


def facts(codename: str, machine: str, bits: int, python: str) -> dict[str, object]:
    return {"codename": codename, "machine": machine, "bits": bits, "python": python}


@pytest.mark.parametrize(
    ("device", "name"),
    [
        (facts("bookworm", "aarch64", 64, "3.11.2"), "bookworm-aarch64"),
        (facts("bookworm", "aarch64", 32, "3.11.2"), "bookworm-armv7l"),  # a 64-bit kernel below
        (facts("bookworm", "armv7l", 32, "3.11.2"), "bookworm-armv7l"),
        (facts("trixie", "aarch64", 64, "3.13.5"), "trixie-aarch64"),
        (facts("bookworm", "x86_64", 64, "3.11.2"), "bookworm-x86_64"),
        (facts("trixie", "x86_64", 64, "3.13.5"), "trixie-x86_64"),
    ],
)
def test_a_device_is_known_by_its_programs(device: dict[str, object], name: str) -> None:
    """By the word size of its Python above all: a 32-bit system says aarch64 of its kernel."""
    assert target_of(device).name == name


@pytest.mark.parametrize(
    ("device", "says"),
    [
        (facts("trixie", "aarch64", 32, "3.13.5"), "no interpreter exists for 32-bit"),
        (facts("trixie", "armv7l", 32, "3.13.5"), "write the 64-bit one to the card"),
        (facts("bullseye", "aarch64", 64, "3.9.2"), "too old"),
        (facts("bookworm", "armv6l", 32, "3.11.2"), "bookworm on armv6l"),
        (facts("bookworm", "x86_64", 32, "3.11.2"), "bookworm on i686"),
        (facts("noble", "aarch64", 64, "3.12.3"), "noble on aarch64"),
        (facts("", "aarch64", 64, "3.12.3"), "another system"),
        (facts("bookworm", "aarch64", 64, "3.12.1"), "expected 3.11"),
    ],
)
def test_what_cannot_be_served_is_told_what_would_help(
    device: dict[str, object], says: str
) -> None:
    """In one line."""
    with pytest.raises(UsageError, match=re.escape(says)) as refused:
        target_of(device)
    assert "\n" not in str(refused.value)


def versions(target: Target) -> dict[str, str]:
    return {found.name: found.version for found in target.requirements()}


@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
def test_bookworm_gets_what_goes_with_its_picamera2(machine: str) -> None:
    """Which was built against numpy 1, as was the last OpenCV that takes it."""
    found = versions(target_named("bookworm", machine))
    assert found["numpy"].startswith("1.")
    assert tuple(int(part) for part in found["opencv-python-headless"].split(".")[:2]) < (4, 12)
    assert "ai-edge-litert" in found
    assert "tflite-runtime" not in found


@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
def test_trixie_gets_the_newest(machine: str) -> None:
    """Of the two versions of numpy in its lock, the one for Python 3.13, once."""
    target = target_named("trixie", machine)
    names = [found.name for found in target.requirements()]
    assert names.count("numpy") == 1
    lock = (REPOSITORY / "locks" / "edge.txt").read_text()
    newer = re.search(r"numpy==(\S+) ; python_full_version >= '3.12'", lock)
    assert newer is not None
    assert versions(target)["numpy"] == newer[1]


def test_32_bits_get_tflite_runtime_and_the_rest_from_apt() -> None:
    """The index has neither LiteRT nor numpy nor OpenCV for them."""
    target = target_named("bookworm", "armv7l")
    found = versions(target)
    assert found["tflite-runtime"] == "2.14.0"
    assert found.keys().isdisjoint({"numpy", "opencv-python-headless", "ai-edge-litert"})
    assert target.apt == {"numpy": "python3-numpy", "cv2": "python3-opencv"}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_package_is_pinned_by_digests(target: Target) -> None:
    """And none of another system's is among them."""
    requirements = target.requirements()
    assert len(requirements) > 20
    assert all(found.digests and "--hash=sha256:" in found.line for found in requirements)
    assert "colorama" not in versions(target)
    assert len(versions(target)) == len(requirements)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_target_survives_being_written_down(target: Target) -> None:
    """As in payload.json."""
    assert Target.from_json(target.to_json()) == target


def test_an_unknown_target_is_refused() -> None:
    """One that a later version may serve."""
    with pytest.raises(UsageError, match="forky"):
        Target.from_json({"release": "forky", "machine": "riscv64", "bits": 64, "python": "3.14"})


MARKERS = [
    "python_version < '3.12'",
    "python_version >= '3.9' and platform_machine != 'armv7l'",
    "(python_full_version < '3.12' or sys_platform == 'win32') and os_name == 'posix'",
    "platform_machine in 'aarch64 armv7l'",
    "platform_machine not in 'aarch64 armv7l'",
    "'3.12' <= python_version",
    "python_version == '3.13.0'",
]


def markers_of_the_locks() -> list[str]:
    names = ("edge", "bookworm", "tflite-runtime")
    texts = [(REPOSITORY / "locks" / f"{name}.txt").read_text() for name in names]
    return sorted({found for text in texts for found in re.findall(r" ; ([^\\\n]+)", text)})


@pytest.mark.parametrize("marker", [*MARKERS, *markers_of_the_locks()])
def test_markers_are_judged_as_packaging_judges_them(marker: str) -> None:
    """For every device and for a Windows desk, whatever this machine is."""
    pythons, machines = ("3.9.1", "3.11.2", "3.12.0", "3.13.5"), ("aarch64", "armv7l", "x86_64")
    systems = (("linux", "posix"), ("win32", "nt"))
    for python, machine, (platform, os_name) in itertools.product(pythons, machines, systems):
        about = {
            "python_full_version": python,
            "python_version": ".".join(python.split(".")[:2]),
            "platform_machine": machine,
            "sys_platform": platform,
            "platform_system": "Windows" if os_name == "nt" else "Linux",
            "os_name": os_name,
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }
        assert applies(marker, about) == Marker(marker).evaluate(dict(about)), about


@pytest.mark.parametrize(
    "marker",
    [
        "python_version ~= '3.11'",
        "python_version == '3.8.*'",
        "os_age > '3'",
        "'a'",
        "f()",
        "os_name = 'posix'",
    ],
)
def test_a_marker_that_is_not_understood_is_an_error(marker: str) -> None:
    """Never a guess: a package too many or too few would be found on the device."""
    with pytest.raises(ValueError, match="not understood"):
        applies(marker, {"python_version": "3.11", "os_name": "posix"})
