"""The first boot on the device: installs what the card carries, and leaves nothing secret on it.

- Interrupted anywhere, the next boot goes on with it; when it is done, its unit is gone, and a
  second boot finds nothing to do.
- Secrets are overwritten, the overwriting is on the card, and only then they are unlinked. FAT
  writes over the same clusters; what a card's own controller does with the old cells nobody knows:
  a secret that matters is changed when a card is given away.
- The Wi-Fi's key leaves `network-config` only when the system has it in a file of its own, and
  cloud-init is told to leave the network alone from then on.
- What was done is in galago-first-boot.txt on the boot partition, for whoever puts the card back
  into a computer.

It runs with the system's own Python, straight out of Galago's wheel on the card: the standard
library and the installer are all that it imports, and all before that wheel is removed.

    PYTHONPATH=….whl python3 -P -m galago.deploy.card.first_boot /boot/firmware

Sources: cloud-init 25.1, stages.apply_network_config: an instance's network is written once;
documentation of network configuration: `network: {config: disabled}`.
"""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TextIO

from galago.deploy.card.cloudinit import NETWORK, VENDOR_DATA
from galago.deploy.card.firstrun import FILE as FIRSTRUN
from galago.deploy.card.hook import MARK, UNIT
from galago.deploy.card.partition import BEFORE, FOLDER, INSTALLED, LOG, PAYLOAD, SECRETS
from galago.deploy.device.__main__ import main as installer
from galago.deploy.device.places import Places
from galago.files import fsync, remove_leftovers, replacing

_NOT_WELL = 3  # the installer's: all is there, and the service is not well
_KEY = re.compile(r"^\s*password:\s*\"([0-9a-f]{64})\"", re.MULTILINE)
# Where a key lies once the system has it: netplan's, NetworkManager's, ifupdown's.
_NETWORKS = ("etc/netplan", "etc/NetworkManager/system-connections", "etc/network/interfaces.d")
_KEEP_NETWORK = "etc/cloud/cloud.cfg.d/99-galago-network.cfg"


def main(words: list[str]) -> int:
    """Install, clean, go. Returns the exit code: the installer's.

    Raises:
        OSError: the card cannot be read or written; the next boot tries again.
    """
    card, code = Path(words[0]), 0
    if not (card / INSTALLED).exists():
        put_secrets(card, Places())
        code = _install(card)
        if code not in {0, _NOT_WELL}:
            return code
        _write(card / INSTALLED, "")
    clean(card, Path("/"))
    forget_unit(Path("/"))
    _systemctl("daemon-reload")
    return code


def put_secrets(card: Path, places: Places) -> None:
    """Copy what is for `credential:NAME` to where systemd hands it over, for root alone."""
    for source in sorted((card / SECRETS).glob("*")):
        places.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = places.secrets / source.name
        with replacing(target) as temporary:
            temporary.write_bytes(source.read_bytes())
        target.chmod(0o600)


def clean(card: Path, system: Path) -> None:
    """Take away all that was for the first boot: secrets first, the wheel that this runs from last.

    What was on the card before comes back.
    """
    os.sync()  # what the system has made of it is on its disk before it goes here
    for secret in sorted((card / SECRETS).glob("*")):
        wipe(secret)
    for name in (NETWORK, LOG):
        remove_leftovers(card / name)
    _take_key_out(card, system)
    for name in (VENDOR_DATA, FIRSTRUN):
        if _is_ours(card / name):
            wipe(card / name)
    _remove_folder(card)


def wipe(path: Path) -> None:
    """Overwrite a file where it lies, and remove it."""
    _overwrite(path)
    path.unlink()
    fsync(path.parent)


def forget_unit(system: Path) -> None:
    """Remove the unit that has started this."""
    units = system / "etc/systemd/system"
    for path in (units / "multi-user.target.wants" / UNIT, units / UNIT):
        path.unlink(missing_ok=True)
        if path.parent.exists():
            fsync(path.parent)


def _install(card: Path) -> int:
    said = _Both(sys.stdout)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = installer(["install", str(card / PAYLOAD)])
    end = {0: "done", _NOT_WELL: "done, but the service is not well: galago doctor tells why"}
    said.write(end.get(code, "not done: tried again in two minutes, and at the next boot") + "\n")
    _write(card / LOG, said.getvalue())
    return code


class _Both(io.StringIO):
    """Keeps what is written, and passes it on."""

    def __init__(self, other: TextIO) -> None:
        super().__init__()
        self._other = other

    def write(self, text: str) -> int:
        self._other.write(text)
        self._other.flush()
        return super().write(text)


def _take_key_out(card: Path, system: Path) -> None:
    path = card / NETWORK
    if not _is_ours(path):
        return
    key = _KEY.search(path.read_text("utf-8"))
    if key and not _is_known(key[1], system):
        with (card / LOG).open("a", encoding="utf-8", newline="\n") as log:
            log.write(f"{NETWORK} keeps the Wi-Fi key: the system has not taken it over\n")
        return
    if (system / _KEEP_NETWORK).parent.is_dir():
        _write(system / _KEEP_NETWORK, f"# {MARK}.\nnetwork: {{config: disabled}}\n")
    _overwrite(path)
    before = card / BEFORE / NETWORK
    if before.exists():
        _write(path, before.read_text("utf-8"))
    else:
        path.unlink()
    fsync(card)


def _is_known(key: str, system: Path) -> bool:
    files = (path for name in _NETWORKS for path in (system / name).glob("*") if path.is_file())
    return any(key.encode() in path.read_bytes() for path in files)


def _is_ours(path: Path) -> bool:
    """Whether it begins with our mark, or was overwritten when the power went.

    Another's script that was joined with ours does not.
    """
    if not path.is_file():
        return False
    head = path.read_bytes()[:200].decode(errors="replace")
    marked = any(line.startswith(f"# {MARK}") for line in head.splitlines()[:2])
    return marked or (bool(head) and not head.strip("#"))


def _overwrite(path: Path) -> None:
    """Over the same clusters. `#` all through: to a shell, and as YAML, it says nothing."""
    with path.open("r+b") as file:
        file.write(b"#" * path.stat().st_size)
        file.flush()
        os.fsync(file.fileno())


def _remove_folder(card: Path) -> None:
    folder = card / FOLDER
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in sorted(files, key=_last_of_all):
        path.unlink()
        fsync(path.parent)
    shutil.rmtree(folder, ignore_errors=True)
    fsync(card)


def _last_of_all(path: Path) -> tuple[int, str]:
    """The wheel, without which nothing goes on; then that all is installed."""
    if path.name == Path(INSTALLED).name:
        return 2, path.name
    return int(path.name.startswith("galago-") and path.suffix == ".whl"), path.name


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode())


def _systemctl(*words: str) -> None:
    subprocess.run(["/usr/bin/systemctl", *words], check=False, stdin=subprocess.DEVNULL)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
