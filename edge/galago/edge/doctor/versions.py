"""Python and its packages: do they go together?

Each pair here has cost people days: the error comes from elsewhere, or there is none.
Sources: raspberrypi/picamera2 #1088, #1170, #1211 (numpy 2); #503, #964 (environments);
google-ai-edge/LiteRT #71, #6043 (no wheel); opencv-python's README (one of its packages only).
"""

from collections.abc import Iterator
from typing import Any

from galago.edge.doctor.finding import Finding, error, note, ok, warning
from galago.edge.doctor.packages import Packages, installed, pip
from galago.edge.doctor.patient import Patient
from galago.edge.doctor.probe import probe

_OLDEST, _NEWEST, _LAST_OF_TFLITE = (3, 11), (3, 14), (3, 11)
_BITS_32 = 32
_OPENCV = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
# Section of the configuration → the distributions that it needs, as pyproject's extras say.
_NEEDS = {
    "mqtt": ("paho-mqtt",),
    "web": ("starlette", "uvicorn", "prometheus-client"),
    "gpio": ("gpiozero",),
}


def look(patient: Patient) -> Iterator[Finding]:
    """Of this very Python."""
    packages = installed(patient)
    yield from judge(packages, wants_picamera=is_picamera(patient))
    for module, distribution in (("numpy", "numpy"), ("cv2", "opencv-python-headless")):
        yield imported(module, distribution, probe("import", module))
    yield from _extras(patient, packages)
    yield from _another(patient, packages)


def is_picamera(patient: Patient) -> bool:
    """Whether the camera is to be the Pi's own."""
    return (patient.source or "").startswith("picamera2")


def judge(packages: Packages, *, wants_picamera: bool) -> Iterator[Finding]:
    """By the versions alone."""
    yield _python(packages)
    yield from _opencv_twice(packages)
    yield from _tflite_runtime(packages)
    yield from _simplejpeg(packages, wants_picamera=wants_picamera)
    yield from _picamera(packages, wants_picamera=wants_picamera)


def imported(module: str, distribution: str, found: dict[str, Any]) -> Finding:
    """Whether a library that everything needs can be loaded at all."""
    if "error" not in found:
        return ok(module, f"{module} {found['version']}")
    reason = str(found["error"])
    if "libGL" in reason:
        return error(
            module,
            f"{module} cannot be loaded ({reason}): this OpenCV is made for a desktop",
            pip("--force-reinstall opencv-python-headless"),
        )
    return error(module, f"{module} cannot be loaded: {reason}", pip(f"'{distribution}'"))


def _python(packages: Packages) -> Finding:
    version, python = ".".join(map(str, packages.python)), packages.python[:2]
    if packages.bits == _BITS_32 and python > _LAST_OF_TFLITE:
        return error(
            "python",
            f"Python {version} of 32 bits: no TFLite interpreter was ever made for it",
            "write a 64-bit Raspberry Pi OS to the card; a Pi 3, 4, 5 and Zero 2 W can run it",
        )
    if packages.bits == _BITS_32:
        return warning(
            "python",
            f"Python {version} of 32 bits: only tflite-runtime of 2023, which is slower",
            "write a 64-bit Raspberry Pi OS to the card; a Pi 3, 4, 5 and Zero 2 W can run it",
        )
    if not _OLDEST <= python <= _NEWEST:
        return warning(
            "python",
            f"Python {version}: interpreters are made for 3.11 to 3.14",
            "make the environment with one of these: python3.13 -m venv",
        )
    return ok("python", f"Python {version}, {packages.bits}-bit, in {packages.prefix}")


def _opencv_twice(packages: Packages) -> Iterator[Finding]:
    several = [name for name in _OPENCV if name in packages.versions]
    if len(several) > 1:
        yield warning(
            "opencv-twice",
            f"{' and '.join(several)} write into the same folder: which one is loaded is chance",
            f"pip uninstall {' '.join(several)}, then {pip('opencv-python-headless')}",
        )


def _tflite_runtime(packages: Packages) -> Iterator[Finding]:
    if "tflite-runtime" in packages.versions and (packages.major("numpy") or 0) >= 2:
        yield error(
            "tflite-numpy",
            f"tflite-runtime was built for numpy 1, here is {packages.versions['numpy']}: it is "
            "imported, and fails when it is used",
            pip("'numpy<2' 'opencv-python-headless<4.12'"),
        )


def _simplejpeg(packages: Packages, *, wants_picamera: bool) -> Iterator[Finding]:
    """What picamera2 imports, apt has built against its own numpy."""
    mine, theirs = packages.major("numpy"), packages.system_major("numpy")
    apts = packages.system.get("simplejpeg")
    own = packages.versions.get("simplejpeg") not in {None, apts}
    if not packages.sees_system or apts is None or own:
        return
    if theirs is not None and mine is not None and mine > theirs:
        yield (error if wants_picamera else warning)(
            "simplejpeg-numpy",
            f"numpy {packages.versions['numpy']} hides the system's {packages.system['numpy']}, "
            "for which simplejpeg was built: picamera2 fails with 'numpy.dtype size changed'",
            pip(f"'numpy<{theirs + 1}' 'opencv-python-headless<4.12'"),
        )


def _picamera(packages: Packages, *, wants_picamera: bool) -> Iterator[Finding]:
    has, sees = "picamera2" in packages.system, packages.sees_system
    say = error if wants_picamera else note
    if has and not packages.is_system_python:
        yield say(
            "picamera2-python",
            f"picamera2 is installed for the system's Python; this one, {packages.prefix}, is "
            "another and cannot load it",
            "/usr/bin/python3 -m venv --system-site-packages ENVIRONMENT",
        )
    elif has and not sees:
        yield say(
            "picamera2-hidden",
            f"picamera2 is installed, but {packages.prefix} was made without "
            "--system-site-packages and cannot see it",
            f"python3 -m venv --system-site-packages --upgrade {packages.prefix}",
        )
    elif wants_picamera and not has:
        yield error(
            "picamera2-missing",
            "the camera is to be picamera2, which is not installed; pip cannot bring libcamera",
            "sudo apt install -y --no-install-recommends python3-picamera2",
        )


def _extras(patient: Patient, packages: Packages) -> Iterator[Finding]:
    """What the configuration asks for and nobody has installed."""
    if patient.config_path is None or patient.loaded is None:
        return
    settings = patient.settings
    wanted = {
        "mqtt": settings.mqtt.host is not None,
        "web": settings.web.enabled,
        "gpio": bool(settings.gpio),
    }
    for section, needs in _NEEDS.items():
        missing = [name for name in needs if name not in packages.versions]
        if wanted[section] and missing:
            yield error(
                f"{section}-missing",
                f"[{section}] is configured, but {', '.join(missing)} is not installed",
                pip(f"'galago[{section}]'"),
            )


def _another(patient: Patient, packages: Packages) -> Iterator[Finding]:
    """The service may run in another environment than the one that is looked at here."""
    program = (patient.unit or {}).get("ExecStart", "").partition("path=")[2].partition(" ")[0]
    environment = patient.at(program).resolve().parents[1] if program.count("/") > 2 else None
    if environment and str(environment) != packages.prefix and environment.exists():
        yield note(
            "another-environment",
            f"this is the Python of {packages.prefix}; the service runs that of {environment}",
            f"sudo {program} doctor",
        )
