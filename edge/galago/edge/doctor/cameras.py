"""The camera: which are seen and by which path, and does the chosen one give a picture?

- A camera that the service has open is left to it, and its health tells.
- A network camera is not connected to; whether its name has an address, galago.edge.doctor.network
  looks.
"""

from collections.abc import Iterator
from typing import Any

from galago.edge.doctor.finding import Finding, error, note, ok, warning
from galago.edge.doctor.packages import pip
from galago.edge.doctor.patient import Patient
from galago.edge.doctor.probe import probe

_V4L = ("/dev/v4l/by-id", "/dev/v4l/by-path")
_BOOT = "/boot/firmware/config.txt"
_NETWORK = ("rtsp", "rtsps")
_RECORDED = ("file", "dir", "fake")
_NO_MEMORY = ("Cannot allocate memory", "ENOMEM", "[Errno 12]")


def look(patient: Patient) -> Iterator[Finding]:
    """What is seen, then the chosen one."""
    usb = seen_on_usb(patient)
    if usb:
        yield ok("cameras-seen", f"on USB: {', '.join(usb)}")
    if patient.source is None and patient.problems:
        yield note("camera", "which camera is configured is not known: see the configuration")
        return
    if patient.source is None:
        yield note(
            "camera-unnamed",
            "no camera is configured, so none was opened"
            + ("" if usb else "; on USB none is plugged in"),
            f"galago doctor --camera {f'usb:{usb[0]}' if usb else 'picamera2'}",
        )
        return
    kind = patient.source.partition(":")[0].partition("?")[0]
    if kind == "picamera2":
        yield from _ribbon(patient)
    if kind == "usb" and len(usb) > 1 and "/" not in patient.source:
        yield note(
            "camera-number",
            f"{len(usb)} cameras are plugged in: which one is {patient.source} changes",
            f'source = "usb:{usb[0]}"',
        )
    yield from _picture(patient, patient.source, kind)


def seen_on_usb(patient: Patient) -> list[str]:
    """The lasting names of what udev has found, of which index 0 gives pictures."""
    for folder in _V4L:
        if found := sorted(patient.at(folder).glob("*-index0")):
            return [f"{folder}/{path.name}" for path in found]
    return []


def _ribbon(patient: Patient) -> Iterator[Finding]:
    """What libcamera finds; it can be asked while another program has the camera."""
    boot, found = patient.read(_BOOT), patient.libcamera
    if is_set(boot, "start_x=1"):
        yield warning(
            "camera-legacy",
            "start_x=1 in config.txt starts the old camera system, which hides the camera",
            f"sudo sed -i '/^start_x=1/d' {_BOOT}, then reboot",
        )
    if "error" in found:
        return  # the picture will tell, or the packages do
    if found["cameras"]:
        yield ok("cameras-ribbon", f"libcamera finds {', '.join(found['cameras'])}")
    elif boot and not is_set(boot, "camera_auto_detect=1") and "dtoverlay=" not in boot:
        yield error(
            "cameras-ribbon",
            "libcamera finds no camera, and config.txt does not have it look for one",
            f"add camera_auto_detect=1 to {_BOOT}, then reboot",
        )
    else:
        yield error(
            "cameras-ribbon",
            "libcamera finds no camera on the ribbon cable",
            "power off, seat the cable at both ends (contacts to the right side), then "
            "rpicam-hello --list-cameras; a camera of another maker needs its dtoverlay=",
        )


def is_set(boot: str, line: str) -> bool:
    """Whether config.txt has a line, which is not a comment."""
    return line in (one.strip() for one in boot.splitlines())


def _picture(patient: Patient, source: str, kind: str) -> Iterator[Finding]:
    if kind in _NETWORK:
        yield ok("camera", "a network camera, which is not connected to from here")
        return
    if patient.is_active and patient.camera is None and kind not in _RECORDED:
        facts = (patient.status or {}).get("camera", {})
        shown = " ".join(filter(None, (facts.get("source"), facts.get("detail"))))
        yield ok("camera", f"the service has it: {shown or 'and has not said which'}")
        return
    yield judge(probe("camera", source), kind)


def judge(found: dict[str, Any], kind: str) -> Finding:
    """`found`: as galago.edge.doctor.probe tells of a camera."""
    if "error" in found:
        what, fix = apart(str(found["error"]))
        if "size changed" in what:  # picamera2's simplejpeg; see galago.edge.doctor.versions
            fix = pip("'numpy<2' 'opencv-python-headless<4.12'")
        elif any(sign in what for sign in _NO_MEMORY):
            fix = f"more memory for the camera: dtoverlay=vc4-kms-v3d,cma-128 in {_BOOT}, reboot"
        return error("camera", what, fix)
    width, height = found["size"]
    detail = f" ({found['detail']})" if found["detail"] else ""
    what = f"{found['source']} gives {width}x{height}{detail}, after {found['seconds']:.1f} s"
    if kind in _RECORDED:
        return note("camera", f"{what}; it is a recording or a script, not a camera")
    return ok("camera", what)


def apart(message: str) -> tuple[str, str]:
    """What is so and what to do, of a message that has both; at the first ": " outside brackets.

    A first word alone is the name of what the message is about.
    """
    depth, at = 0, 0
    for index, sign in enumerate(message):
        depth += (sign in "([") - (sign in ")]")
        if not at and depth == 0 and message.startswith(": ", index) and " " in message[:index]:
            at = index
    return (message[:at], message[at + 2 :]) if at else (message, "")
