"""What may be set of the status page."""

from dataclasses import dataclass
from pathlib import Path

from galago.edge.setting import Secret, setting


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Section `[web]`."""

    enabled: bool = setting(default=True, help_="Whether there is a page.")
    host: str = setting(
        "127.0.0.1",
        "Address to listen at. Any other than this machine's own needs a password; 0.0.0.0 is all.",
    )
    port: int = setting(8080, "Port to listen at; 0: any that is free.", low=0, high=65535)
    password: Secret | None = setting(
        None, "Where the password's hash is, as `galago config password` prints it."
    )
    certificate: Path | None = setting(None, "Certificate for https, a PEM file.")
    key: Path | None = setting(None, "Its private key, a PEM file.")
    rate: float = setting(5.0, "Live pictures per second, for all viewers.", low=0.1, high=30)
