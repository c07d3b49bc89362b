"""What the sandbox allows: run in the service's place, it tries things and writes what came of it.

    python probe.py RESULT.json

Values: "ok", or the name of the error.
"""

import contextlib
import ctypes
import errno
import json
import mmap
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

CLONE_NEWUSER = 0x10000000


def write(path: str) -> Callable[[], object]:
    return lambda: Path(path).write_text("x")


def read(path: str) -> Callable[[], object]:
    return lambda: Path(path).read_text()


def list_(path: str) -> Callable[[], object]:
    return lambda: list(Path(path).iterdir())


def open_device(path: str) -> Callable[[], object]:
    return lambda: os.close(os.open(path, os.O_RDWR))


def libc(name: str, *arguments: object) -> Callable[[], object]:
    def call() -> None:
        if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
            raise OSError(ctypes.get_errno(), name)

    return call


def writable_code() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def packets() -> None:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()


def netlink() -> None:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15).close()  # NETLINK_KOBJECT_UEVENT


def acceleration() -> None:
    if "processor" not in Path("/proc/cpuinfo").read_text():
        raise OSError(errno.ENODATA, "cpuinfo")


def others() -> None:
    """See another user's process."""
    Path("/proc/1/stat").read_text()


TRIALS: dict[str, Callable[[], object]] = {
    "write its state": write("/var/lib/galago/probe"),
    "write its cache": write("/var/cache/galago/probe"),
    "write its run folder": write("/run/galago/probe"),
    "write a temporary file": write("/tmp/probe"),  # noqa: S108 - its own, PrivateTmp=
    "write elsewhere in /var/lib": write("/var/lib/probe"),
    "write /etc": write("/etc/galago/probe"),
    "write /opt": write("/opt/galago/probe"),
    "list /home": list_("/home"),
    "list /root": list_("/root"),
    "read /etc/shadow": read("/etc/shadow"),
    "read /proc/cpuinfo": acceleration,
    "see other processes": others,
    "open /dev/null": open_device("/dev/null"),
    "open /dev/tun": open_device("/dev/tun"),
    "open /dev/kmsg": open_device("/dev/kmsg"),
    "write and execute memory": writable_code,
    "make a user namespace": libc("unshare", CLONE_NEWUSER),
    "mount": libc("mount", b"none", b"/mnt", b"tmpfs", 0, None),
    "kill systemd": lambda: os.kill(1, 0),
    "set the clock": libc("settimeofday", ctypes.create_string_buffer(16), None),
    "raw packets": packets,
    "netlink": netlink,
    "bind itself to a core": lambda: os.sched_setaffinity(0, os.sched_getaffinity(0)),
}


def main() -> None:
    """Try everything."""
    found = {}
    for name, trial in TRIALS.items():
        try:
            trial()
            found[name] = "ok"
        except OSError as error:
            found[name] = errno.errorcode.get(error.errno or 0, str(error))
    found["groups"] = " ".join(map(str, sorted(os.getgroups())))
    found["user"] = "root" if os.geteuid() == 0 else "its own"
    with contextlib.suppress(IndexError):
        Path(sys.argv[1]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
