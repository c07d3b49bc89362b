"""What is to be on a device, looked at before anybody is contacted.

- A model that is damaged or gives wrong answers here, and a mistake in the configuration, cost no
  device anything.
- A secret stays where it is: of each only the place is known that the configuration gives it.

    wanted = Wanted.of(Path("porch.tflite"), Path("galago.toml"))
"""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from galago.bundle.verify import open_verified
from galago.edge.config.judge import Judge
from galago.edge.config.keys import dotted, leaves
from galago.edge.config.read import DEFAULT_PATH, read_config
from galago.edge.setting import Secret
from galago.errors import ConfigError


@dataclass(frozen=True, slots=True)
class NeededSecret:
    """`key` of the configuration; `path` of its file on the device.

    `credential`: its name, where systemd hands it to the service; None: the service reads the file.
    """

    key: str
    path: str
    credential: str | None = None

    @property
    def how(self) -> str:
        """The command that writes it there, from standard input, as root."""
        # The service's user exists only while it runs; the group video is the one it is sure to be
        # in (systemd/galago.service).
        owner = "-m 600" if self.credential else "-m 640 -g video"
        return f"sudo install -D {owner} /dev/stdin {self.path}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model, and a configuration or None: then what is there stays, or a first one is made.

    `online`: the device fetches packages from the index itself. `again`: a model that has failed
    there may try once more.
    """

    model: Path
    sha256: str
    config: Path | None = None
    config_sha256: str | None = None
    secrets: tuple[NeededSecret, ...] = ()
    online: bool = False
    again: bool = False

    @classmethod
    def of(cls, model: Path, config: Path | None = None) -> Self:
        """Read and check both.

        Raises:
            ConfigError: there are mistakes in the configuration, or it names another model.
            ModelFileError: the model is damaged, or fails its golden frames here.
            GalagoError: there is no interpreter to ask.
        """
        secrets = _check(config) if config else ()
        found, _ = open_verified(model)
        digest = hashlib.sha256(config.read_bytes()).hexdigest() if config else None
        return cls(model, found.sha256, config, digest, secrets)


def _check(path: Path) -> tuple[NeededSecret, ...]:
    """What the configuration needs, as it will be read on the device."""
    loaded = read_config(path)
    if (origin := loaded.origins["model.file"]) != "default":
        what = "the service would look with that file and not with the one that is deployed"
        raise ConfigError((f"{origin}: model.file: {what}: leave it out",))
    # Relative paths begin at the file's folder, which is another one there.
    document = tomllib.loads(path.read_text("utf-8-sig"))
    config = Judge(DEFAULT_PATH.parent).config(document)
    found = ((dotted(place), value) for place, _, value in leaves(config))
    return tuple(_needed(key, value) for key, value in found if isinstance(value, Secret))


def _needed(key: str, secret: Secret) -> NeededSecret:
    kind, place = secret.where.split(":", 1)
    if kind == "file":
        return NeededSecret(key, place)
    return NeededSecret(key, f"{DEFAULT_PATH.parent.as_posix()}/secrets/{place}", place)
