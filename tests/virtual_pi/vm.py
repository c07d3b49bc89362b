"""A virtual machine that boots an image, runs commands and is switched off.

- Only the loopback of this machine can reach it, and it can reach nothing (`restrict=on`).
- Every wait has a deadline. A guest that does not come up is told with the end of its console.
- The image is not written to: what the guest writes is gone when it is switched off.
- Whole-system emulation (TCG), one virtual CPU: KVM is nowhere needed, and with two CPUs one boot
  in eighteen of QEMU 7.2 ended in an oops.

    with VM(build()) as vm:
        print(vm.run("uname -a"))
"""

import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from tests.ports import free_port
from tests.virtual_pi.image import Image

BOOT_S = 240.0  # 20 to 30 s where the machine has nothing else to do
COMMAND_S = 120.0

_KERNEL_LINE = "root=/dev/vda rw console=ttyS0 net.ifnames=0 panic=-1 quiet audit=0 mitigations=off"
_BOOTS = 2  # an emulated guest may die while booting; twice in a row is our fault
_POLL_S = 0.5


class VM:
    """One guest: Debian 13, amd64, 1 CPU, 1 GiB; on from `with` to its end."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._folder = Path(tempfile.mkdtemp(prefix="galago-vm-"))
        self._console = self._folder / "console.log"
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.cut()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Switch it on and wait until commands can be run.

        Raises:
            RuntimeError: it does not come up; the end of the console is in the message.
        """
        for _ in range(_BOOTS):
            self._port = free_port()
            with self._console.open("wb") as output:
                self._process = subprocess.Popen(
                    self._qemu(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
                )
            if self._comes_up():
                return
            self.cut()
        raise RuntimeError(f"the guest did not come up:\n{self.console()}")

    def cut(self) -> None:
        """Cut its power: nothing is shut down, nothing written back."""
        if self._process is None:
            return
        self._ssh("-O", "exit", "guest", timeout_s=10.0)  # the shared connection's own process
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout=30.0)
        self._process = None

    def run(self, command: str, *, timeout_s: float = COMMAND_S) -> str:
        """Run a shell command as root and return its standard output.

        Raises:
            RuntimeError: it failed or hung; its output is in the message.
        """
        done = self._ssh("guest", command, timeout_s=timeout_s)
        if done.returncode:
            raise RuntimeError(
                f"{command!r} ended with {done.returncode} in the guest:\n"
                f"{done.stdout[-2000:].decode()}{done.stderr[-4000:].decode()}"
            )
        return done.stdout.decode()

    def spawn(self, command: str) -> None:
        """Start a command that stays; its output is in /tmp/spawned.log."""
        quoted = shlex.quote(command)
        self.run(f"setsid sh -c {quoted} >/tmp/spawned.log 2>&1 </dev/null &")

    def put(self, folder: Path, names: Iterable[str], target: str) -> None:
        """Copy files and folders in `folder` to the guest's folder `target`."""
        tar = subprocess.run(
            ["tar", "-C", folder, "--exclude=__pycache__", "-c", *names],  # noqa: S607
            check=True,
            capture_output=True,
            timeout=COMMAND_S,
        )
        where = shlex.quote(target)
        done = self._ssh("guest", f"mkdir -p {where} && tar -C {where} -x", content=tar.stdout)
        if done.returncode:
            raise RuntimeError(f"{target} could not be written: {done.stderr.decode()}")

    def console(self) -> str:
        """The end of what the guest and QEMU have said."""
        return self._console.read_text(errors="replace")[-3000:]

    def _qemu(self) -> list[str]:
        network = f"user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:{self._port}-:22"
        disk = f"if=none,id=d0,format=qcow2,snapshot=on,file={self._image.disk}"
        words = "qemu-system-x86_64 -M q35 -cpu Nehalem -accel tcg,tb-size=512 -m 1024 -smp 1"
        words += " -display none -nodefaults -no-reboot -serial stdio -device virtio-rng-pci"
        return [
            *words.split(),
            *("-kernel", str(self._image.kernel), "-initrd", str(self._image.initrd)),
            *("-append", _KERNEL_LINE),
            *("-drive", disk, "-device", "virtio-blk-pci,drive=d0"),
            *("-netdev", network, "-device", "virtio-net-pci,netdev=n0"),
        ]

    def _comes_up(self) -> bool:
        deadline = time.monotonic() + BOOT_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                return False
            if self._ssh("guest", "true", timeout_s=20.0).returncode == 0:
                return True
            time.sleep(_POLL_S)
        return False

    def _ssh(
        self, *words: str, timeout_s: float = COMMAND_S, content: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Over one connection: under emulation, the keys of a new one cost a second or two."""
        options = {
            "HostName": "127.0.0.1",
            "Port": self._port,
            "User": "root",
            "IdentityFile": self._image.key,
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "ConnectTimeout": 10,
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
            "ControlMaster": "auto",
            "ControlPath": self._folder / "ssh",
            "ControlPersist": 300,
        }
        command = ["ssh", "-F", "none", *(f"-o{name}={value}" for name, value in options.items())]
        command += words
        try:
            return subprocess.run(
                command, check=False, input=content, capture_output=True, timeout=timeout_s
            )
        except subprocess.TimeoutExpired as late:
            hung = f"not done after {timeout_s:g} s\n".encode()
            return subprocess.CompletedProcess(late.cmd, 124, late.stdout or b"", hung)
