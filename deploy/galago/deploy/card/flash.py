"""A freshly written card, made to start classifying at its first boot.

- Only files on its boot partition are written: from Linux, macOS and Windows, without rights, and
  no device is ever opened.
- All is checked before anything is written: the partition, the model on this machine, the
  configuration, its secrets, what the card says already.
- Done twice, the second time changes nothing; another model takes the first one's place.
- What starts the installation is written last: a card that was pulled out too early starts as it
  was, or without Galago.

    flashed = flash(Path("/media/me/bootfs"), Request(model=Path("porch.tflite")))
    print(flashed.as_text())
"""

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galago.deploy.card import cloudinit, firstrun, hook
from galago.deploy.card.boot import Boot, read_boot
from galago.deploy.card.partition import FOLDER, LOG, PAYLOAD, SECRETS, Partition, fat_name
from galago.deploy.card.settings import Settings
from galago.deploy.payload import Payload, pack
from galago.deploy.wanted import Wanted
from galago.edge.config.read import read_config
from galago.errors import UsageError
from galago.files import fsync

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # of systemd's, and of FAT's


@dataclass(frozen=True)
class Request:
    """What is to be on the card. `secrets`: files by name, for `credential:NAME`."""

    model: Path
    config: Path | None = None
    settings: Settings = field(default_factory=Settings)
    secrets: Mapping[str, Path] = field(default_factory=dict)
    target: str | None = None
    online: bool = False


@dataclass(frozen=True)
class Flashed:
    """What was done. `size`: bytes of all that the first boot takes away again."""

    boot: Boot
    payload: Payload
    size: int
    settings: Settings
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "boot": str(self.boot.folder),
            "form": self.boot.form,
            "target": self.boot.target.name,
            "release": self.payload.release,
            "model": self.payload.model_sha256,
            "bytes": self.size,
            "hostname": self.settings.hostname,
            "user": self.settings.user or ("pi" if self.settings.key else None),
            "wifi": self.settings.wifi.ssid if self.settings.wifi else None,
            "state": "written" if self.written else "unchanged",
            "written": list(self.written),
            "unchanged": len(self.unchanged),
            "notes": list(self.notes),
        }

    def as_text(self) -> str:
        """For people."""
        target, size = self.boot.target, f"{self.size / 1e6:.0f} MB"
        if self.written:
            done = f"{len(self.written)} files written"
        else:
            done = "nothing to do, all of it is there"
        system = f"Raspberry Pi OS {target.release}, {target.bits} bits, {self.boot.form}"
        lines = [
            f"{self.boot.folder}: {system}",
            f"{done}; {size} that the first boot installs and takes away",
            *(f"note: {note}" for note in self.notes),
            f"Eject the card, put it into the Pi, switch it on. {LOG} on the card will tell.",
        ]
        return "\n".join(lines)


def flash(folder: Path, request: Request, cache: Path | None = None) -> Flashed:
    """Prepare a card through its mounted boot partition.

    Raises:
        UsageError: it is not one, has no room, or says otherwise already; or the request is wrong.
        ModelFileError: the model is damaged, or fails its golden frames here.
        DeviceError: the packages for the device cannot be fetched.
        OSError: the card cannot be written.
    """
    boot = read_boot(folder, request.target)
    wanted = Wanted.of(request.model, request.config)
    notes = _check(boot, request, wanted)
    partition = Partition(folder)
    if boot.form == "cloud-init":
        cloudinit.check(partition, request.settings)
    else:
        firstrun.check(partition, request.settings)
    payload = _carry(partition, boot, request, cache)
    _write_secrets(partition, request.secrets)
    _write_hook(partition, boot, request)
    fsync(folder)
    return Flashed(
        boot,
        payload,
        partition.size(),
        request.settings,
        tuple(partition.written),
        tuple(partition.unchanged),
        tuple(notes),
    )


def _check(boot: Boot, request: Request, wanted: Wanted) -> list[str]:
    """What is missing for the first boot; returns what is left to know."""
    if boot.target.apt and not request.online:
        raise UsageError(
            f"on 32 bits {' and '.join(boot.target.apt.values())} come from the network: add "
            "--online, and --wifi or a cable; or write the 64-bit system to the card"
        )
    needed = {secret.credential: secret for secret in wanted.secrets if secret.credential}
    for name in request.secrets:
        if name not in needed or not _NAME.fullmatch(name):
            raise UsageError(
                f"--secret {name}: the configuration asks for "
                f"{', '.join(sorted(needed)) or 'no secret'} (credential:NAME)"
            )
    for name, secret in needed.items():
        if name not in request.secrets:
            raise UsageError(f"{secret.key} needs a secret: add --secret {name}=FILE")
    return [*_notes(boot, request, wanted)]


def _notes(boot: Boot, request: Request, wanted: Wanted) -> list[str]:
    notes = [
        f"{secret.key} is read from {secret.path}, which is not carried: {secret.how}"
        for secret in wanted.secrets
        if not secret.credential
    ]
    source = read_config(request.config).config.camera.source if request.config else "picamera2"
    if boot.lite and not request.online and source.startswith("picamera2"):
        notes.append(
            "the Lite system lacks picamera2, without which the Pi's own camera is not seen: a USB "
            "camera works; else, once the Pi has a network: sudo apt install -y "
            "--no-install-recommends python3-picamera2"
        )
    if request.online:
        notes.append("the first boot needs a network: packages come from the index")
    return notes


def _carry(partition: Partition, boot: Boot, request: Request, cache: Path | None) -> Payload:
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / fat_name(request.model.name)
        shutil.copyfile(request.model, model)
        payload = pack(
            boot.target,
            Path(folder) / "payload",
            model=model,
            config=request.config,
            online=request.online,
            cache=cache,
        )
        partition.mirror(payload.folder)
        return payload


def _write_secrets(partition: Partition, secrets: Mapping[str, Path]) -> None:
    for left in (partition.root / SECRETS).glob("*"):
        if left.name not in secrets:
            partition.remove(f"{SECRETS}/{left.name}")
    for name, path in secrets.items():
        partition.write(f"{SECRETS}/{name}", path.read_bytes())


def _write_hook(partition: Partition, boot: Boot, request: Request) -> None:
    """Last of all what is called first."""
    (wheel,) = (partition.root / PAYLOAD / "wheels").glob("galago-*.whl")
    place = f"{hook.MOUNTED}/{PAYLOAD}/wheels/{wheel.name}"
    partition.remove(LOG)
    partition.write(f"{FOLDER}/{hook.UNIT}", hook.unit(place, online=request.online))
    partition.write(f"{FOLDER}/{hook.SCRIPT}", hook.script())
    if boot.form == "cloud-init":
        cloudinit.write(partition, request.settings, online=request.online)
    else:
        firstrun.write(partition, request.settings)
