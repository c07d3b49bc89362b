"""What a device is and what is installed on it, as one JSON document on standard output.

- This file alone is enough, on any Python since 3.7: `ssh pi python3 - < facts.py`.
- Nothing is changed and nothing is guessed: what cannot be known is null.
- Run as root it knows more: the active model, the digest of a configuration that is not for all.

    {"schema": 1, "codename": "bookworm", "machine": "aarch64", "bits": 64, "python": "3.11.2",
     "system": "Debian GNU/Linux 12 (bookworm)", "board": "Raspberry Pi 5 Model B Rev 1.0",
     "hostname": "porch", "root": true, "sudo": true, "systemd": 252, "release": null,
     "galago": null, "previous": null, "unit": null, "config": null, "model": null,
     "service": "absent", "cameras": ["picamera2"], "picamera2": true, "disk_free_mb": 20211,
     "memory_mb": 4044, "root_in_memory": false, …}
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

# Also in places.py, which this file cannot import when it is read from standard input.
LINK = "/opt/galago"
RELEASES = "/opt/galago.d"
UNIT = "/etc/systemd/system/galago.service"
CONFIGURATION = "/etc/galago/galago.toml"
ACTIVE = "/var/lib/private/galago/models/active"

_BOARD = "/sys/firmware/devicetree/base/model"
_RECEIVERS = ("unicam", "rp1-cfe")  # the Pi's; they appear once a sensor has answered
_ASK_S = 10


def facts() -> dict[str, Any]:
    """The document of this module's head."""
    system = _os_release()
    return {
        "schema": 1,
        "codename": system.get("VERSION_CODENAME", ""),
        "system": system.get("PRETTY_NAME", platform.platform()),
        "machine": platform.machine(),
        "bits": struct.calcsize("P") * 8,
        "python": platform.python_version(),
        "board": _text(_BOARD).rstrip("\0") or None,
        "hostname": hostname(),
        "root": os.geteuid() == 0,
        "sudo": os.geteuid() == 0 or _succeeds("sudo", "--non-interactive", "true"),
        "systemd": systemd_version(),
        "cameras": cameras(),
        "picamera2": has_picamera2(),
        "disk_free_mb": _free_mb("/opt"),
        "memory_mb": _memory_mb(),
        "root_in_memory": root_in_memory(),
        **installed(),
    }


def installed() -> dict[str, Any]:
    """What of Galago is there: names and digests, null where nothing is or nothing may be read."""
    release = _link_name(LINK)
    return {
        "release": release,
        "previous": _link_name(f"{RELEASES}/previous"),
        "galago": _release_version(release),
        "unit": _digest(UNIT),
        "config": _digest(CONFIGURATION),
        "model": (_link_name(ACTIVE) or "").partition(".")[0] or None,
        "service": _service(),
    }


def cameras() -> list[str]:
    """Sources of the cameras that are seen, the Pi's own first, as galago.toml has them."""
    names = [_text(path).strip() for path in Path("/sys/class/video4linux").glob("*/name")]
    own = any(name.startswith(_RECEIVERS) for name in names)
    # index0 is the picture; what follows is metadata.
    usb = sorted(str(path) for path in Path("/dev/v4l/by-id").glob("*-video-index0"))
    return (["picamera2"] if own else []) + usb


def has_picamera2() -> bool:
    """Whether this Python has it; that it can be imported is seen when it is."""
    return importlib.util.find_spec("picamera2") is not None


def is_pi() -> bool:
    """Whether this is a Raspberry Pi, by its own account."""
    return "Raspberry Pi" in _text(_BOARD)


def root_in_memory() -> bool:
    """Whether what is written to / is gone after the next boot: an overlay of raspi-config's.

    A container may have an overlay for its root, too, which is no loss: only the kernel's command
    line tells one from the other.
    """
    words = _text("/proc/cmdline").split()
    asked = any(word == "boot=overlay" or word.startswith("overlayroot=") for word in words)
    mounts = [line.split() for line in _text("/proc/mounts").splitlines()]
    return asked and any(mount[1:3] == ["/", "overlay"] for mount in mounts)


def _os_release() -> dict[str, Any]:
    pairs = re.findall(r'^(\w+)="?(.*?)"?$', _text("/etc/os-release"), re.MULTILINE)
    return dict(pairs)


def hostname() -> str:
    """This device's name."""
    return platform.node()


def systemd_version() -> int | None:
    """None where there is none."""
    found = re.match(r"systemd (\d+)", _answer("systemctl", "--version"))
    return int(found[1]) if found else None


def _service() -> str:
    """What systemd says of it, or that there is none."""
    if not Path(UNIT).exists():
        return "absent"
    return _answer("systemctl", "is-active", "galago.service").strip() or "unknown"


def _release_version(release: str | None) -> str | None:
    if not release:
        return None
    try:
        return str(json.loads(_text(f"{RELEASES}/{release}/release.json"))["galago"])
    except (ValueError, KeyError, TypeError):
        return None


def _link_name(path: str) -> str | None:
    try:
        return Path(os.readlink(path)).name or None  # noqa: PTH115 - Path.readlink is of 3.9
    except OSError:
        return None


def _digest(path: str) -> str | None:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return None


def _free_mb(path: str) -> int:
    return shutil.disk_usage(path if Path(path).is_dir() else "/").free // 1_000_000


def _memory_mb() -> int | None:
    found = re.search(r"^MemTotal:\s+(\d+) kB", _text("/proc/meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 // 1_000_000 if found else None


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _answer(*command: str) -> str:
    return _run(*command)[1]


def _succeeds(*command: str) -> bool:
    return _run(*command)[0] == 0


def _run(*command: str) -> tuple[int | None, str]:
    """Exit status and standard output; None and nothing where it cannot be run."""
    try:
        done = subprocess.run(  # noqa: S603 - our own commands
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_ASK_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None, ""
    return done.returncode, done.stdout.decode(errors="replace")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(facts()) + "\n")
