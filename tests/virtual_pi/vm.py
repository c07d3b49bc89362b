"""A virtual machine that boots an image, runs commands, is saved, resumed and switched off.

- Only the loopback of this machine can reach it, and it can reach nothing (`restrict=on`).
- Every wait has a deadline. A guest that does not come up is told with the end of its console.
- The image is not written to: what the guest writes lies in a layer of its own, which outlives a
  power cut and ends with the `with`.
- Whole-system emulation (TCG), one virtual CPU; KVM where the processor's own can be used.

    with VM(build("arm64", "bare")) as vm:      # on, and booted
        vm.run("uname -a")
        vm.save("ready")
        vm.run("rm -rf /opt")
        vm.resume("ready")                      # seconds; memory and disk are as they were
        vm.cut()                                # nothing is written back
        vm.start()                              # boots from what the disk has
        subprocess.run(["ssh", "-F", vm.ssh_config, "pi@guest", "hostname"])
"""

import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Self

from tests.ports import free_port
from tests.virtual_pi import qemu
from tests.virtual_pi.image import Image

BOOT_S = 240.0  # 20 to 35 s where the machine has nothing else to do
COMMAND_S = 120.0

_BOOTS = 3  # an emulated guest may die while booting; three times in a row is our fault
_POLL_S = 0.5

_SSH_CONFIG = """Host {name}
    HostName 127.0.0.1
    Port {port}
    IdentityFile {key}
    IdentitiesOnly yes
    BatchMode yes
    ConnectTimeout 10
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    LogLevel ERROR
    ControlMaster auto
    ControlPath {folder}/%r
    ControlPersist 300
Match host {name}
    User root
"""


@dataclass(eq=False)
class VM:
    """One guest with 1 CPU, on from `with` to its end.

    name: what `ssh -F vm.ssh_config` knows it by.
    disk: the root disk, as a raw file or in QEMU's words (`nbd+unix:///?socket=…`), instead of a
        layer over the image's; it is written to, and cannot be saved and resumed.
    disks: further raw files, /dev/vdb and so on; written to. With them nothing can be saved.
    watchdog: it has a hardware watchdog (i6300esb), resets start it again, and a panic hangs.
        Without: a reset or a panic switches it off.
    append: more words of the kernel's command line; may be changed between starts.
    boot_s: how long the last start took.
    """

    image: Image
    _: KW_ONLY
    name: str = "guest"
    disk: Path | str | None = None
    disks: Sequence[Path] = ()
    watchdog: bool = False
    memory_mb: int = 1024
    append: str = ""
    boot_s: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="galago-vm-"))
        self._console = self._folder / "console.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F`, `scp -F`: host `name`, as root unless another user is said."""
        return self._folder / "ssh_config"

    @property
    def is_on(self) -> bool:
        """Whether it has power; a guest that has shut down has none."""
        return self._process is not None and self._process.poll() is None

    # --- power ---

    def start(self, snapshot: str = "") -> None:
        """Switch it on and wait until commands can be run; `boot_s` is what that took.

        Raises:
            RuntimeError: it does not come up; the end of the console is in the message.
        """
        for _ in range(_BOOTS):
            self.power_on(snapshot)
            began = time.monotonic()
            if self._comes_up():
                self.boot_s = time.monotonic() - began
                return
            self.cut()
        raise RuntimeError(f"the guest did not come up:\n{self.console()[-3000:]}")

    def power_on(self, snapshot: str = "") -> None:
        """Switch it on, and wait for nothing."""
        port = free_port()
        config = _SSH_CONFIG.format(
            name=self.name, port=port, key=self.image.key, folder=self._folder
        )
        self.ssh_config.write_text(config)
        command = [*self._qemu(port), *(["-loadvm", snapshot] if snapshot else [])]
        with self._console.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def cut(self) -> None:
        """Cut its power: nothing is shut down, nothing written back."""
        self.hang_up()
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=30.0)
            self._process = None

    def shut_down(self, timeout_s: float = BOOT_S) -> None:
        """Ask it to power off, and wait until it has."""
        self.ended("systemctl poweroff")
        self.wait_for_end(timeout_s)

    def wait_for_end(self, timeout_s: float = BOOT_S) -> None:
        """Until it has switched itself off, or would reboot: without a watchdog it then stays off.

        Raises:
            subprocess.TimeoutExpired: it is still on.
        """
        if self._process is not None:
            self._process.wait(timeout_s)
        self.cut()

    def wait_until_up(self, timeout_s: float = BOOT_S) -> None:
        """Until commands can be run, as after a reset.

        Raises:
            RuntimeError: they cannot, or it is off; the end of the console is in the message.
        """
        self.hang_up()
        if not self._comes_up(timeout_s):
            raise RuntimeError(f"the guest did not come up again:\n{self.console()[-3000:]}")

    # --- snapshots ---

    def save(self, name: str) -> None:
        """Keep memory and disk under a name, for `resume`."""
        self.run("sync")
        self.hang_up()  # a saved connection would have nobody at its other end
        self.monitor(f"savevm {name}")

    def resume(self, name: str) -> None:
        """Go back to what was saved; the clock is set to the time it is now."""
        self.cut()
        self.start(name)
        self.run(f"date --set=@{time.time():.3f}")

    def monitor(self, command: str) -> None:
        """Give a command to QEMU's monitor.

        Raises:
            RuntimeError: it was not done; QEMU's reason is in the message.
        """
        if answer := qemu.monitor(self._folder / "monitor", command):
            raise RuntimeError(f"QEMU answers {command!r} with: {answer}")

    # --- commands ---

    def run(self, command: str, *, timeout_s: float = COMMAND_S, user: str = "root") -> str:
        """Run a shell command and return its standard output.

        Raises:
            RuntimeError: it failed or hung; its output is in the message.
        """
        done = self.ended(command, timeout_s=timeout_s, user=user)
        if done.returncode:
            raise RuntimeError(
                f"{command!r} ended with {done.returncode} in the guest:\n"
                f"{done.stdout[-2000:]}{done.stderr[-4000:]}"
            )
        return done.stdout

    def ended(
        self, command: str, *, timeout_s: float = COMMAND_S, user: str = "root"
    ) -> "subprocess.CompletedProcess[str]":
        """Run a shell command, whatever its end: 124 if it hung, 255 if it could not be run."""
        done = self._ssh(f"{user}@{self.name}", command, timeout_s=timeout_s)
        out, err = (part.decode(errors="replace") for part in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(command, done.returncode, out, err)

    def wait_for(
        self, happens: Callable[[], bool], timeout_s: float = COMMAND_S, every_s: float = 0.3
    ) -> float:
        """Ask again and again until it happens; seconds that took.

        Raises:
            AssertionError: not in time; the end of the guest's journal is in the message.
        """
        began = time.monotonic()
        while not happens():
            if time.monotonic() > began + timeout_s:
                journal = self.ended("journalctl --no-pager --lines=60").stdout
                raise AssertionError(f"not within {timeout_s:g} s:\n{journal}")
            time.sleep(every_s)
        return time.monotonic() - began

    def spawn(self, command: str) -> None:
        """Start a command that stays; its output is in /tmp/spawned.log."""
        quoted = shlex.quote(command)
        self.run(f"setsid sh -c {quoted} >/tmp/spawned.log 2>&1 </dev/null &")

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file in the guest, with the folders that lead to it; on its disk, too."""
        where = shlex.quote(path)
        command = f'mkdir -p "$(dirname {where})" && cat > {where} && chmod {mode:o} {where}'
        self._send(f"{command} && sync {where}", text.encode(), path)

    def put(self, folder: Path, names: Iterable[str], target: str) -> None:
        """Copy files and folders in `folder` to the guest's folder `target`."""
        tar = subprocess.run(
            ["tar", "-C", folder, "--exclude=__pycache__", "-c", "--owner=0", "--group=0", *names],  # noqa: S607
            check=True,
            capture_output=True,
            timeout=COMMAND_S,
        )
        where = shlex.quote(target)
        self._send(f"mkdir -p {where} && tar -C {where} -x", tar.stdout, target)

    def console(self) -> str:
        """What the guest and QEMU have said since it was switched on."""
        return self._console.read_text(errors="replace")

    def hang_up(self) -> None:
        """End the connections that are kept for the next command."""
        for shared in self._folder.glob("*"):
            if shared.is_socket() and shared.name != "monitor":
                self._ssh("-O", "exit", f"{shared.name}@{self.name}", timeout_s=10.0)

    def _qemu(self, port: int) -> list[str]:
        watchdog = ["-device", "i6300esb", "-action", "watchdog=reset"]
        return [
            *qemu.machine(self.image.arch, self.memory_mb),
            *(watchdog if self.watchdog else ["-no-reboot"]),
            *qemu.kernel(self.image, panic_s=0 if self.watchdog else -1, append=self.append),
            *qemu.disks(self._root_disk(), self.disks),
            *qemu.network(port),
            *("-qmp", f"unix:{self._folder / 'monitor'},server=on,wait=off"),
        ]

    def _root_disk(self) -> str:
        if self.disk is not None:
            return f"format=raw,cache=none,file={self.disk}"
        layer = self._folder / "layer.qcow2"
        if not layer.exists():
            words = ("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b")
            subprocess.run([*words, self.image.disk, layer], check=True, timeout=COMMAND_S)
        return f"format=qcow2,file={layer}"

    def _comes_up(self, timeout_s: float = BOOT_S) -> bool:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.is_on:
            if self._ssh(self.name, "true", timeout_s=20.0).returncode == 0:
                return True
            time.sleep(_POLL_S)
        return False

    def _send(self, command: str, content: bytes, target: str) -> None:
        done = self._ssh(f"root@{self.name}", command, content=content)
        if done.returncode:
            raise RuntimeError(f"{target} could not be written: {done.stderr.decode()}")

    def _ssh(
        self, *words: str, timeout_s: float = COMMAND_S, content: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Over one connection: under emulation, the keys of a new one cost a second or two."""
        command = ["ssh", "-F", str(self.ssh_config), *words]
        try:
            return subprocess.run(
                command, check=False, input=content, capture_output=True, timeout=timeout_s
            )
        except subprocess.TimeoutExpired as late:
            hung = f"not done after {timeout_s:g} s\n".encode()
            return subprocess.CompletedProcess(late.cmd, 124, late.stdout or b"", hung)
