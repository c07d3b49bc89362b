"""Where things lie on a device: one table, so that a test can have another root.

- Nothing outside these places is written.
"""

from dataclasses import dataclass
from pathlib import Path

SERVICE = "galago.service"
# Its own headers and modules fit its system's packages, picamera2 above all; another Python's not.
SYSTEM_PYTHON = Path("/usr/bin/python3")


@dataclass(frozen=True)
class Places:
    """Everything below `root`, which is / but in tests."""

    root: Path = Path("/")

    @property
    def link(self) -> Path:
        """The release in use."""
        return self.root / "opt/galago"

    @property
    def releases(self) -> Path:
        """All releases, and beside them what is remembered between two runs."""
        return self.root / "opt/galago.d"

    @property
    def previous(self) -> Path:
        """The release before the one in use: what a rollback takes."""
        return self.releases / "previous"

    @property
    def unfinished(self) -> Path:
        """There while an installation changes something, and after one that was interrupted."""
        return self.releases / "unfinished"

    @property
    def last(self) -> Path:
        """What was in use before the last installation (galago.deploy.device.before)."""
        return self.releases / "last.json"

    @property
    def units(self) -> Path:
        """Where an administrator's units lie."""
        return self.root / "etc/systemd/system"

    @property
    def configuration(self) -> Path:
        """The daemon's."""
        return self.root / "etc/galago/galago.toml"

    @property
    def secrets(self) -> Path:
        """One file each, for root alone; named `credential:NAME` in the configuration."""
        return self.root / "etc/galago/secrets"

    @property
    def state(self) -> Path:
        """Database, pictures, models: the real place of a DynamicUser's StateDirectory."""
        return self.root / "var/lib/private/galago"

    @property
    def state_link(self) -> Path:
        """The name that it goes by."""
        return self.root / "var/lib/galago"

    @property
    def cache(self) -> Path:
        """The real place of its CacheDirectory."""
        return self.root / "var/cache/private/galago"

    @property
    def cache_link(self) -> Path:
        """The name that it goes by."""
        return self.root / "var/cache/galago"

    @property
    def active_model(self) -> Path:
        """A link to the model in use; its name begins with the model's sha256."""
        return self.state / "models/active"

    @property
    def status(self) -> Path:
        """What the daemon says of itself every two seconds."""
        return self.root / "run/galago/status.json"
