"""The machine that is looked at: where its files are, and what several checks ask of it, once.

- Nothing is asked before a check needs it, and nothing twice.
- Nothing here needs numpy or OpenCV, which may be what is wrong.
"""

import getpass
import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galago.edge.config.read import DEFAULT_PATH, Loaded, read_config
from galago.edge.config.schema import Config
from galago.edge.doctor import units
from galago.edge.doctor.probe import probe
from galago.edge.state import SERVICE_STATE, SERVICE_STATUS, models_folder, state_folder
from galago.errors import ConfigError

if TYPE_CHECKING:
    from galago.edge.activation.models import Models


class Patient:
    """`root`: where /sys, /proc, /etc … are. `config`: the file to go by, None the service's.

    `camera`: the source to look at, None the configured one.
    """

    def __init__(
        self, root: Path = Path("/"), config: Path | None = None, camera: str | None = None
    ) -> None:
        self.root, self.camera = root, camera
        self._config = config

    def at(self, path: str | Path) -> Path:
        """A file of this machine."""
        return self.root / str(path).lstrip("/")

    def read(self, path: str | Path) -> str:
        """What a file says; "" where it is not there or not to be read."""
        try:
            return self.at(path).read_text(errors="replace").rstrip("\0")
        except OSError:
            return ""

    @cached_property
    def board(self) -> str:
        """The name of a board, "" of a PC. Source: Linux, the device tree's `model`."""
        return self.read("/proc/device-tree/model").strip()

    @property
    def is_pi(self) -> bool:
        """Whether this is a Raspberry Pi."""
        return self.board.startswith("Raspberry Pi")

    # --- configuration ----------------------------------------------------------------------------

    @cached_property
    def config_path(self) -> Path | None:
        """The file of the configuration; None where none was named and the usual is not there."""
        usual = self.at(DEFAULT_PATH)
        return self._config or (usual if os.path.lexists(usual) else None)

    @cached_property
    def _reading(self) -> tuple[Loaded | None, tuple[str, ...]]:
        try:
            return read_config(self.config_path), ()
        except ConfigError as error:
            return None, error.problems

    @property
    def loaded(self) -> Loaded | None:
        """The configuration with its origins; None where it cannot be."""
        return self._reading[0]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it cannot be."""
        return self._reading[1]

    @cached_property
    def settings(self) -> Config:
        """The configuration in effect; the defaults where it cannot be."""
        return self.loaded.config if self.loaded else Config()

    @property
    def source(self) -> str | None:
        """The camera to look at; None where nobody has named one."""
        if self.camera is not None:
            return self.camera
        return self.settings.camera.source if self.config_path and self.loaded else None

    # --- who, and what is there -------------------------------------------------------------------

    @cached_property
    def user(self) -> str:
        """The name of whoever asks, also through sudo."""
        try:
            return os.environ.get("SUDO_USER") or getpass.getuser()
        except (OSError, KeyError, ImportError):  # a container's user without a name
            return "this user"

    @property
    def is_root(self) -> bool:
        """Whether everything may be looked at."""
        return hasattr(os, "geteuid") and os.geteuid() == 0  # Windows has no such user

    @cached_property
    def state(self) -> Path:
        """The daemon's own folder: the service's where there is one, else this user's."""
        service = self.at(SERVICE_STATE)
        return service if os.path.lexists(service) else state_folder()

    @cached_property
    def models(self) -> "Models":
        """The models that were activated here."""
        # Needs a lock that Windows does not have.
        from galago.edge.activation.models import Models  # noqa: PLC0415

        return Models(models_folder(self.state))

    @cached_property
    def status(self) -> dict[str, Any] | None:
        """The running service's status document; None where there is none."""
        try:
            return dict(json.loads(self.at(SERVICE_STATUS).read_bytes()))
        except (OSError, ValueError):
            return None

    @property
    def status_path(self) -> Path:
        """Where that is."""
        return self.at(SERVICE_STATUS)

    @cached_property
    def unit(self) -> dict[str, str] | None:
        """What systemd knows of the service; None without systemd."""
        return units.shown(units.UNIT) if self.at("/run/systemd/system").is_dir() else None

    @cached_property
    def unit_files(self) -> str:
        """The unit and its drop-ins as they are written; "" where there are none."""
        return units.written(units.UNIT) if self.is_installed else ""

    @property
    def is_installed(self) -> bool:
        """Whether the service is."""
        return (self.unit or {}).get("LoadState") not in {None, "", "not-found"}

    @property
    def is_active(self) -> bool:
        """Whether the service runs now."""
        return (self.unit or {}).get("ActiveState") in {"active", "reloading"}

    @cached_property
    def deaths(self) -> units.Journal:
        """What the journal has of the service."""
        return units.journal(units.UNIT)

    # --- what is tried ----------------------------------------------------------------------------

    @cached_property
    def interpreter(self) -> dict[str, Any]:
        """As galago.edge.doctor.probe tells."""
        return probe("interpreter")

    @cached_property
    def libcamera(self) -> dict[str, Any]:
        """The same."""
        return probe("libcamera")
