"""What may be set of the status page."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from galago.edge.setting import Problem, Secret, pair, setting


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
        None,
        "Where the password's hash is, as `galago config password` prints it.",
        example=Secret("file:/etc/galago/web-password"),
    )
    certificate: Path | None = setting(
        None, "Certificate for https, a PEM file.", example=Path("/etc/galago/web.pem")
    )
    key: Path | None = setting(
        None, "Its private key, a PEM file.", example=Path("/etc/galago/web.key")
    )
    rate: float = setting(5.0, "Live pictures per second, for all viewers.", low=0.1, high=30)

    @property
    def is_private(self) -> bool:
        """Whether only this machine itself can reach the page."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:  # a name
            return False

    def check(self) -> Iterator[Problem]:
        """Whoever can be reached from elsewhere has a password; a key has its certificate."""
        yield from pair(self.certificate, self.key)
        if not self.host or not self.host.isprintable() or " " in self.host or "/" in self.host:
            yield Problem("host", f"expected a name or address alone, received {self.host!r}")
        elif self.enabled and not self.is_private and self.password is None:
            yield Problem(
                "host",
                f"{self.host!r} can be reached from elsewhere, which needs a password: write the "
                "hash from `galago config password` into a file and name it by password",
            )
