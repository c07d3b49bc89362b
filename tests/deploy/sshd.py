"""A real sshd on loopback, with keys that nobody else knows, and a user's ssh that knows it.

- Whoever logs in is on this very machine: what a test runs there must do it no harm.
- The user's own keys and known hosts are neither read nor changed: programs named ssh and scp come
  first in the path that `variables` have, and they read the configuration that is made here.

    with Sshd(folder) as sshd:
        subprocess.run(["ssh", "porch", "true"], env=sshd.variables)
"""

import os
import pwd
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from tests.ports import free_port

_START_S = 20.0
_SEPARATION = Path("/run/sshd")  # compiled into Debian's; made by its unit, which does not run here


class Sshd:
    """On from `with` to its end. `hosts` are its names; the name `nobody` is no machine's.

    `force`: a command that is run instead of every other; see ForceCommand in sshd_config(5).
    """

    def __init__(self, folder: Path, force: str | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.known_hosts = folder / "known_hosts"
        self._force = force
        self._process: subprocess.Popen[bytes] | None = None
        self._programs = {name: _program(name) for name in ("sshd", "ssh", "scp", "ssh-keygen")}
        self._made_separation = False

    @property
    def variables(self) -> dict[str, str]:
        """An environment in which ssh and scp know this machine."""
        variables = {name: text for name, text in os.environ.items() if name != "SSH_AUTH_SOCK"}
        return variables | {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}

    @property
    def log(self) -> str:
        """What it has said."""
        return (self.folder / "sshd.log").read_text()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("host", "user", "other"):
            self._make_key(name)
        self.know("host")
        self._write_configurations()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._made_separation:
            with suppress(OSError):
                _SEPARATION.rmdir()

    def start(self) -> None:
        """Start it and wait until it listens."""
        if os.geteuid() == 0 and not _SEPARATION.exists():
            _SEPARATION.mkdir(mode=0o755)
            self._made_separation = True
        with (self.folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs["sshd"], "-D", "-e", "-f", str(self.folder / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_S
        while "Server listening" not in self.log:
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"no sshd can be started here: {self.log[-300:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it and everybody who is logged in, as a power cut does; twice is as once."""
        if self._process is None:
            return
        for child in self._sessions():
            with suppress(ProcessLookupError):
                os.kill(child, 9)
        self._process.kill()
        self._process.wait()
        self._process = None

    def know(self, name: str) -> None:
        """Have the user know the machine by this key: "host", which is its own, or "other"."""
        kind, key, *_ = (self.folder / f"{name}.pub").read_text().split()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n")

    def _sessions(self) -> list[int]:
        """The processes of those who are logged in, and their commands."""
        assert self._process is not None
        found, waiting = [], [self._process.pid]
        while waiting:
            path = Path(f"/proc/{(pid := waiting.pop())}/task/{pid}/children")
            with suppress(OSError):
                children = [int(child) for child in path.read_text().split()]
                found += children
                waiting += children
        return found

    def _make_key(self, name: str) -> None:
        command = [self._programs["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-f"]
        if not (self.folder / name).exists():
            subprocess.run([*command, str(self.folder / name)], check=True)

    def _write_configurations(self) -> None:
        lines = [
            f"ListenAddress 127.0.0.1:{self.port}",
            f"HostKey {self.folder / 'host'}",
            f"AuthorizedKeysFile {self.folder / 'user.pub'}",
            "PidFile none",
            f"SetEnv HOME={self.folder}",  # whatever this user's shell would do at a login
            "StrictModes no",  # folders of tests may be for all to write
            "UsePAM no",
            "PasswordAuthentication no",
            "PermitRootLogin prohibit-password",
            "Subsystem sftp internal-sftp",
            *([f"ForceCommand {self._force}"] if self._force else []),
        ]
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")
        (self.folder / "ssh_config").write_text(_CLIENT.format(sshd=self, user=_user()))
        (self.folder / "bin").mkdir(exist_ok=True)
        for name in ("ssh", "scp"):
            script = self.folder / "bin" / name
            command = f'exec {self._programs[name]} -F {self.folder / "ssh_config"} "$@"'
            script.write_text(f"#!/bin/sh\n{command}\n")
            script.chmod(0o755)


_CLIENT = """
Host porch shed barn
    HostName 127.0.0.1
    Port {sshd.port}

Host gone
    HostName 127.0.0.1
    Port 9

Host *
    User {user}
    IdentityFile {sshd.folder}/user
    IdentitiesOnly yes
    UserKnownHostsFile {sshd.known_hosts}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
"""


def _user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def _program(name: str) -> str:
    # sshd insists on being called by its whole path, which is not on everybody's.
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        package = "openssh-server" if name == "sshd" else "openssh-client"
        pytest.skip(f"{name} is missing (Debian: apt install {package})")
    return found
