"""The interpreter: is there one, and does it compute with acceleration?"""

from collections.abc import Iterator
from typing import Any

from galago.edge.doctor.finding import Finding, error, note, ok, warning
from galago.edge.doctor.packages import pip
from galago.edge.doctor.patient import Patient


def look(patient: Patient) -> Iterator[Finding]:
    """By a small quantized model, in a child process."""
    yield judge(patient.interpreter, has_cpuinfo=bool(patient.read("/proc/cpuinfo")))
    served = (patient.status or {}).get("model", {})
    if served.get("accelerated") is False and patient.interpreter.get("delegated"):
        yield warning(
            "service-slow",
            "here the interpreter is accelerated, in the service it is not: its sandbox hides "
            "/proc/cpuinfo or /sys",
            "sudo systemctl edit galago.service: no ProcSubset=pid, no InaccessiblePaths=",
        )


def judge(found: dict[str, Any], *, has_cpuinfo: bool) -> Finding:
    """`found`: as galago.edge.doctor.probe gives it."""
    if "error" in found:
        return error("interpreter", *_refused(str(found["error"])))
    name = str(found["name"])
    if found["delegated"]:
        return ok("interpreter", f"{name}, accelerated by XNNPACK")
    if name.startswith("tflite-runtime"):
        return note(
            "interpreter-slow",
            f"{name} computes integer models without XNNPACK, slower than LiteRT would",
            "on a 64-bit system take ai-edge-litert; on a 32-bit one there is no other",
        )
    if not has_cpuinfo:
        return warning(
            "interpreter-slow",
            f"{name} computes WITHOUT acceleration: /proc/cpuinfo cannot be read",
            "make /proc and /sys readable: no ProcSubset=pid, no container without them",
        )
    return warning(
        "interpreter-slow",
        f"{name} computes WITHOUT acceleration, several times slower",
        pip("--upgrade ai-edge-litert"),
    )


def _refused(reason: str) -> tuple[str, str]:
    """What is so, and what to do."""
    if "SIGILL" in reason:
        return (
            "the interpreter crashed: this processor lacks an instruction that it uses",
            "a Pi 3, 4, 5 or Zero 2 W with a 64-bit system runs it; a Pi 1, 2 or Zero does not",
        )
    if "numpy < 2" in reason or "numpy<2" in reason:
        return f"no TFLite interpreter works: {reason}", pip("'numpy<2'")
    return f"no TFLite interpreter works: {reason}", pip("ai-edge-litert")
