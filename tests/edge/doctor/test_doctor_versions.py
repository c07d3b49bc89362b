"""Versions that are known not to go together."""

from dataclasses import replace
from pathlib import Path

import pytest

from galago.edge.doctor.finding import Finding
from galago.edge.doctor.packages import Packages, of_system, versions
from galago.edge.doctor.versions import imported, judge, look
from tests.edge.doctor.parts import House, levels, named

# Raspberry Pi OS 12: what apt has, and an environment of locks/bookworm.txt above it.
BOOKWORM = Packages(
    versions={
        "ai-edge-litert": "2.3.0",
        "numpy": "1.26.4",
        "opencv-python-headless": "4.11.0.86",
        "picamera2": "0.3.27",
        "simplejpeg": "1.6.6",
    },
    system={"numpy": "1.24.2", "picamera2": "0.3.27", "simplejpeg": "1.6.6"},
)


def of(packages: Packages, *, picamera: bool = True) -> list[Finding]:
    return list(judge(packages, wants_picamera=picamera))


def with_versions(**new: str) -> Packages:
    named_so = {name.replace("_", "-"): version for name, version in new.items()}
    return replace(BOOKWORM, versions={**BOOKWORM.versions, **named_so})


def test_what_the_lock_brings_is_well() -> None:
    """Bookworm with numpy 1, Trixie with numpy 2 above and below."""
    trixie = replace(
        with_versions(numpy="2.4.6"),
        python=(3, 13, 5),
        system={"numpy": "2.2.4", "picamera2": "0.3.31", "simplejpeg": "1.8.2"},
    )
    assert levels(of(BOOKWORM)) == {"python": "ok"}
    assert levels(of(trixie)) == {"python": "ok"}


def test_numpy_2_above_bookworms_simplejpeg_is_named_with_its_fix() -> None:
    """The commonest complaint: picamera2 cannot be imported."""
    found = named(of(with_versions(numpy="2.4.6")), "simplejpeg-numpy")
    assert found.level == "error"
    assert "numpy.dtype size changed" in found.what
    assert "'numpy<2'" in found.fix
    assert levels(of(with_versions(numpy="2.4.6"), picamera=False))["simplejpeg-numpy"] == "warning"


def test_a_simplejpeg_of_ones_own_is_no_trouble() -> None:
    """Or an environment that does not see the system's."""
    own = with_versions(numpy="2.4.6", simplejpeg="1.9.0")
    assert "simplejpeg-numpy" not in levels(of(own))
    alone = replace(with_versions(numpy="2.4.6"), sees_system=False)
    assert "simplejpeg-numpy" not in levels(of(alone))


def test_tflite_runtime_with_numpy_2_is_an_error() -> None:
    """It is imported, and fails when it is used."""
    packages = with_versions(numpy="2.4.6", tflite_runtime="2.14.0")
    assert levels(of(packages))["tflite-numpy"] == "error"
    assert "tflite-numpy" not in levels(of(with_versions(tflite_runtime="2.14.0")))


def test_two_opencvs_are_told_of() -> None:
    """With the command that leaves one."""
    found = named(of(with_versions(opencv_python="4.11.0.86")), "opencv-twice")
    assert found.level == "warning"
    assert "pip uninstall opencv-python opencv-python-headless" in found.fix


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"sees_system": False}, "picamera2-hidden"),
        ({"is_system_python": False}, "picamera2-python"),
        ({"system": {"numpy": "1.24.2"}}, "picamera2-missing"),
    ],
)
def test_picamera2_that_cannot_be_seen(change: dict[str, object], name: str) -> None:
    """Another Python, an environment without the system's packages, or not there at all."""
    packages = replace(BOOKWORM, **change)  # type: ignore[arg-type]
    assert levels(of(packages))[name] == "error"
    assert levels(of(packages, picamera=False)).get(name, "note") == "note"


@pytest.mark.parametrize(
    ("python", "bits", "level"),
    [
        ((3, 11, 2), 64, "ok"),
        ((3, 14, 0), 64, "ok"),
        ((3, 15, 0), 64, "warning"),
        ((3, 11, 2), 32, "warning"),
        ((3, 13, 5), 32, "error"),
    ],
)
def test_a_python_without_interpreter(python: tuple[int, int, int], bits: int, level: str) -> None:
    """32 bits have one that is old, or none; a Python may be too new."""
    assert levels(of(replace(BOOKWORM, python=python, bits=bits)))["python"] == level


def test_a_desktops_opencv_on_a_system_without_desktop_is_explained() -> None:
    """It lacks libGL."""
    error = "ImportError: libGL.so.1: cannot open shared object file"
    found = imported("cv2", "opencv-python-headless", {"error": error})
    assert found.level == "error"
    assert "desktop" in found.what
    assert "opencv-python-headless" in found.fix


def test_what_apt_has_is_read_from_its_folder(tmp_path: Path) -> None:
    """From egg-info and dist-info alike; a module without either is there all the same."""
    for name in ("numpy-1.24.2.egg-info", "PyYAML-6.0.dist-info", "cryptography.egg-info"):
        (tmp_path / name).mkdir()
    (tmp_path / "cryptography-38.0.4.dist-info").mkdir()
    (tmp_path / "picamera2").mkdir()
    assert of_system(tmp_path) == {
        "numpy": "1.24.2",
        "pyyaml": "6.0",
        "cryptography": "38.0.4",
        "picamera2": "?",
    }


def test_this_environment_is_looked_at(house: House) -> None:
    """What is configured and not installed is an error; what is, is none."""
    house.configured('[camera]\nsource = "usb:0"\n[mqtt]\nhost = "localhost"')
    found = list(look(house.patient()))
    assert levels(found).items() >= {"python": "ok", "numpy": "ok", "cv2": "ok"}.items()
    assert "mqtt-missing" not in levels(found) or "paho-mqtt" not in versions()
