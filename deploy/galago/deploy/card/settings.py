"""What a device is to know at its first boot beside Galago: Wi-Fi, hostname, user, key.

- Each is checked here; what passes needs no quoting beyond that of its format.
- The Wi-Fi password leaves this module only as the key that it is turned into with the network's
  name: who reads it can join this network, and learns nothing of the password.

    wifi = Wifi.of("home", "correct horse", "DE")
    settings = Settings(hostname="porch", wifi=wifi)
"""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from galago.errors import UsageError

_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")  # RFC 1123
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")  # useradd(8)
_COUNTRY = re.compile(r"[A-Z]{2}")  # ISO 3166-1
_KEY = re.compile(r"(ssh-|ecdsa-|sk-)[A-Za-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\x00-\x1f\x7f]*)?")
# IEEE 802.11: a network's name has at most 32 bytes, a passphrase 8 to 63 characters.
_NAME_BYTES = 32
_PASSPHRASE = re.compile(r"[\x20-\x7e]{8,63}")
_PSK = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Wifi:
    """`psk`: 64 hexadecimal digits; `country`: whose rules the radio keeps to."""

    ssid: str
    psk: str = field(repr=False)
    country: str

    @classmethod
    def of(cls, ssid: str, password: str, country: str | None) -> Self:
        """From a password, or from 64 hexadecimal digits, which are the key already.

        Raises:
            UsageError: one of them cannot be right.
        """
        if not 0 < len(ssid.encode()) <= _NAME_BYTES or re.search(r"[\x00-\x1f\x7f]", ssid):
            raise UsageError(
                f"--wifi: expected a network's name of 1 to 32 bytes, received {ssid!r}"
            )
        if country is None or not _COUNTRY.fullmatch(country.upper()):
            raise UsageError(
                "--wifi-country: expected the two letters of a country, such as DE, received "
                f"{country or 'none'}: without it the radio stays off"
            )
        if _PSK.fullmatch(password):
            return cls(ssid, password.lower(), country.upper())
        if not _PASSPHRASE.fullmatch(password):
            raise UsageError(
                "the Wi-Fi password: expected 8 to 63 letters, digits and signs (ASCII), received "
                f"{len(password)}"
            )
        return cls(ssid, _key(password, ssid), country.upper())


def _key(password: str, ssid: str) -> str:
    """Source: IEEE 802.11, annex J.4: PBKDF2 with HMAC-SHA-1, 4096 rounds, 256 bits."""
    return hashlib.pbkdf2_hmac("sha1", password.encode(), ssid.encode(), 4096, 32).hex()


@dataclass(frozen=True)
class Settings:
    """What is None is left as the card has it. `user` has `key` to log in with, and no password."""

    hostname: str | None = None
    user: str | None = None
    key: str | None = None
    wifi: Wifi | None = None

    def __post_init__(self) -> None:
        if self.hostname is not None and not _HOSTNAME.fullmatch(self.hostname):
            raise UsageError(
                "--hostname: expected letters, digits and hyphens, at most 63, received "
                f"{self.hostname!r}"
            )
        if self.user is not None and (self.user == "root" or not _USER.fullmatch(self.user)):
            raise UsageError(
                "--user: expected small letters, digits, hyphens and underscores, not root, "
                f"received {self.user!r}"
            )
        if self.user and not self.key:
            raise UsageError("--user without --ssh-key: nobody could log in; give a public key")


def read_key(path: Path) -> str:
    """The line of a public key's file.

    Raises:
        UsageError: it is something else, a private key above all.
    """
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not a public key: {error}") from error
    if "PRIVATE KEY" in text:
        raise UsageError(f"{path} is a private key, which stays here: name its file {path}.pub")
    if not _KEY.fullmatch(text):
        raise UsageError(f"{path} is not a public key: expected one line such as ssh-ed25519 AAAA…")
    return text


def read_password(path: Path) -> str:
    """The first line of a file.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_text("utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
