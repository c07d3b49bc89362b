"""Where Galago keeps what it learns on this machine."""

import os
from pathlib import Path

# The unit's StateDirectory= and RuntimeDirectory=, for whoever looks from outside the service.
SERVICE_STATE = Path("/var/lib/galago")
SERVICE_STATUS = Path("/run/galago/status.json")


def state_folder() -> Path:
    """The service's own folder, else the user's; it need not be there yet.

    Source: systemd.exec(5), StateDirectory=; XDG Base Directory Specification, XDG_STATE_HOME.
    """
    if service := os.environ.get("STATE_DIRECTORY"):
        return Path(service.split(":")[0])
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "galago"


def models_folder(state: Path | None = None) -> Path:
    """Where models are that were activated (galago.edge.activation)."""
    return (state or state_folder()) / "models"


def status_file() -> Path | None:
    """Where the service writes its status document every few seconds; None: not a service.

    Source: systemd.exec(5), RuntimeDirectory=.
    """
    service = os.environ.get("RUNTIME_DIRECTORY")
    return Path(service.split(":")[0]) / SERVICE_STATUS.name if service else None
