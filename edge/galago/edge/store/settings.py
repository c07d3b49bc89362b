"""What may be set of the store."""

from dataclasses import dataclass
from pathlib import Path

from galago.edge.setting import setting


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Section `[store]`."""

    folder: Path | None = setting(
        None,
        "Folder of the database and the pictures. Unset: what systemd gives the service, else "
        "~/.local/state/galago.",
        example=Path("/var/lib/galago"),
    )
    keep_events: int = setting(
        200_000, "Events that are kept; the oldest go first.", low=100, high=10_000_000
    )
    keep_days: int = setting(
        90, "Days for which health and class shares are kept by the minute.", low=1, high=3660
    )
    commit_s: float = setting(
        1.0,
        "Seconds that an event may wait for others, to be written with them. More is easier on an "
        "SD card; a power cut may take what waits.",
        low=0,
        high=60,
    )
    commit_events: int = setting(50, "Events after which nothing waits.", low=1, high=1000)
