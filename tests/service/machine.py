"""A machine that is this one: its own root behind an overlay, booted by systemd in a container.

- What is written in it lies in memory and is gone afterwards; this machine's files stay as they
  are. It has no network but a loopback.
- It boots in half a second, because nothing is installed: programs and Python are this machine's.
- Of its units only the basic ones start.

    with Machine() as machine:
        machine.write("etc/galago/galago.toml", "…")
        machine.run("systemctl", "start", "galago.service")
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

BOOT_TIMEOUT_S = 60.0
REPOSITORY = Path(__file__).parents[2]
UNITS = REPOSITORY / "systemd"

_REBOOT = 133  # exit status of systemd-nspawn --keep-unit, which leaves the rest to who started it
_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"

# Python and the working tree lie where the service may see them, wherever they are here.
_PLACES = {
    REPOSITORY: "/opt/tree",
    Path(sys.base_prefix).resolve(): "/opt/python",
    Path(sysconfig.get_path("purelib")): f"/opt/galago/lib/{_VERSION}/site-packages",
}
_COMMAND = """#!/bin/sh
export LD_LIBRARY_PATH=/opt/python/lib PYTHONPATH=/opt/tree/edge:/opt/tree/deploy:/opt/tree
exec /opt/galago/bin/python -P -m galago.cli "$@"
"""


def needs_time() -> None:
    """Skip in `make test` what takes more than a few seconds."""
    if not os.environ.get("GALAGO_SERVICE"):
        pytest.skip("takes long: make test-service")


def needs_a_machine() -> None:
    """Skip unless one can be booted here, and name what is missing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("booting systemd in a container needs Linux and root")
    for program in ("systemd-nspawn", "nsenter", "mount"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing (Debian: apt install systemd-container)")
    if not Path("/lib/systemd/systemd").exists():
        pytest.skip("systemd is not installed on this machine")


class Machine:
    """systemd with the units of systemd/, none of which is started.

    `binds`: folders of this machine that are also that one's, and are on a disk.
    """

    def __init__(self, binds: Mapping[Path, str] | None = None) -> None:
        self._places = _PLACES | dict(binds or {})
        self._folder = Path(tempfile.mkdtemp(prefix="galago-machine-"))
        self.root = self._folder / "root"
        self._console = self._folder / "console"
        self._init = self._drop_ins = 0
        self._nspawn: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._try_to_mount()
            self._install()
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._nspawn is not None:
            if self._init:
                with suppress(ProcessLookupError):
                    os.kill(self._init, signal.SIGRTMIN + 4)  # systemd(1): power off
            try:
                self._nspawn.wait(20)
            except subprocess.TimeoutExpired:
                self._nspawn.terminate()  # not SIGKILL, which would leave the machine running
                self._nspawn.wait(20)
        for mounted in (self.root, self._folder):
            command = ["umount", "--recursive", str(mounted)]
            subprocess.run(command, check=False, capture_output=True)
        self._folder.rmdir()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file in the machine, with the folders that lead to it."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def run(self, *command: str, timeout_s: float = 60.0) -> str:
        """Run a command in the machine as root; what it says on both streams, whatever its end."""
        return self.ended(*command, timeout_s=timeout_s).stdout

    def ended(self, *command: str, timeout_s: float = 60.0) -> "subprocess.CompletedProcess[str]":
        """The same, with its exit status."""
        enter = ["nsenter", "--all", f"--target={self._init}", "--wd", "--root"]
        return subprocess.run(
            [*enter, *command],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )

    def drop_in(self, unit: str, text: str) -> Path:
        """Add to a unit what comes after all that is there; returns the file."""
        folder = f"etc/systemd/system/{unit}.d"
        self._drop_ins += 1
        name = f"{folder}/{self._drop_ins:03}.conf"
        self.write(name, text)
        self.run("systemctl", "daemon-reload")
        return self.root / name

    def wait_for(self, happens: Callable[[], bool], timeout_s: float = 30.0) -> None:
        """Ask again and again; fails with the journal when it does not happen in time."""
        deadline = time.monotonic() + timeout_s
        while not happens():
            if time.monotonic() > deadline:
                pytest.fail(self.run("journalctl", "--no-pager", "--lines=100"))
            time.sleep(0.05)

    def wait_for_reboot(self) -> None:
        """Until it has gone down to reboot; then let it come up again."""
        assert self._nspawn is not None
        self._nspawn.wait(BOOT_TIMEOUT_S)
        assert self._nspawn.returncode == _REBOOT, self._console.read_text()[-1000:]
        self._boot()

    def properties(self, unit: str, *names: str) -> dict[str, str]:
        """What `systemctl show` says."""
        wanted = [f"--property={name}" for name in names]
        lines = self.run("systemctl", "show", *wanted, unit).splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def journal(self, unit: str, *options: str) -> str:
        """What the journal has of a unit: its own lines, and systemd's about it."""
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}", *options)

    def _try_to_mount(self) -> None:
        try:
            self._mount()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"nothing can be mounted here: {error.stderr.decode().splitlines()[0]}")

    def _mount(self) -> None:
        command = ["mount", "-t", "tmpfs", "galago-machine", str(self._folder)]
        subprocess.run(command, check=True, capture_output=True)
        for name in ("written", "work", "root"):
            (self._folder / name).mkdir()
        layers = f"lowerdir=/,upperdir={self._folder}/written,workdir={self._folder}/work"
        command = ["mount", "-t", "overlay", "galago-machine", "-o", layers, str(self.root)]
        subprocess.run(command, check=True, capture_output=True)
        (self.root / "etc/machine-id").unlink(missing_ok=True)
        (self.root / "etc/machine-id").write_text("")  # a new one at each boot, kept in memory

    def _install(self) -> None:
        """Galago in /opt/galago and its units, as systemd/README.md says."""
        self.write("opt/galago/pyvenv.cfg", "home = /opt/python/bin\n")
        self.write("opt/galago/bin/galago", _COMMAND, 0o755)
        (self.root / "opt/galago/bin/python").symlink_to(f"/opt/python/bin/{_VERSION}")
        for unit in UNITS.glob("*.service"):
            self.write(f"etc/systemd/system/{unit.name}", unit.read_text())
        self.write("usr/local/sbin/galago-reboot", (UNITS / "galago-reboot").read_text(), 0o755)

    def _boot(self) -> None:
        # DeviceAllow= is only enforced with the unified hierarchy, and with bpf allowed.
        command = ["systemd-nspawn", "--quiet", "--keep-unit", "--register=no", "--boot"]
        command += ["--private-network", "--capability=all", "--system-call-filter=bpf"]
        for here, there in self._places.items():
            command.append(f"--bind{'-ro' if here in _PLACES else ''}={here}:{there}")
        command += [
            f"--directory={self.root}",
            "--console=pipe",
            "--",
            "--unit=basic.target",
            "--log-target=journal",
        ]
        self._init = 0
        with self._console.open("wb") as console:
            self._nspawn = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        while not self._is_up():
            if self._nspawn.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"no container here: {self._console.read_text()[-500:]}")
            time.sleep(0.02)

    def _is_up(self) -> bool:
        assert self._nspawn is not None
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text()
        for child in children.split():
            if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                self._init = int(child)
        return bool(self._init) and self.run("systemctl", "is-active", "basic.target") == "active\n"
