"""Where Galago keeps what it learns on this machine."""

import os
from pathlib import Path


def state_folder() -> Path:
    """The service's own folder, else the user's; it need not be there yet.

    Source: systemd.exec(5), StateDirectory=; XDG Base Directory Specification, XDG_STATE_HOME.
    """
    if service := os.environ.get("STATE_DIRECTORY"):
        return Path(service.split(":")[0])
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "galago"
