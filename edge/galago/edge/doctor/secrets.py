"""What no archive may hold, as far as this machine tells: gathered in order to be taken out.

- Nothing of it is kept, shown or written; what cannot be read for lack of rights is not known.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from galago.edge.config.keys import leaves
from galago.edge.doctor.patient import Patient
from galago.edge.doctor.units import UNIT
from galago.edge.setting import Secret

_MOST = 64_000  # bytes of a file that may be a secret
_CREDENTIALS = f"/run/credentials/{UNIT}"
_WIFI = (
    "etc/NetworkManager/system-connections/*",
    "etc/wpa_supplicant/*.conf",
    "etc/netplan/*.yaml",
)
_WIFI_LINE = re.compile(r"\s*(?:ssid|psk|password|identity|wep-key\d)\s*[=:]\s*(.+)", re.IGNORECASE)
_UNIT_LINE = re.compile(r"(Environment|SetCredential|LoadCredential)=(.*)")
# What the project's own unit and drop-ins set.
_PLAIN = ("HOME", "XDG_CACHE_HOME", "LIBCAMERA_LOG_LEVELS", "PYTHONFAULTHANDLER", "LG_WD")
_QUOTED = re.compile(r'"([^"\n]+)"|\'([^\'\n]+)\'')


def known_secrets(patient: Patient) -> set[str]:
    """Each as it stands somewhere; not the forms that it may take elsewhere."""
    found = [
        *_of_configuration(patient),
        *_of_unit(patient),
        *_of_folder(patient.at(_CREDENTIALS)),
        *_of_wifi(patient),
    ]
    return {secret.strip() for secret in found if secret.strip()}


def _of_configuration(patient: Patient) -> Iterator[str]:
    if patient.camera:
        yield from of_url(patient.camera)
    if patient.loaded is None:
        yield from _of_damaged(patient)
        return
    for place, _, value in leaves(patient.settings):
        if isinstance(value, Secret):
            yield from _of_secret(value)
        elif isinstance(value, str) and "://" in value:
            yield from of_url(value)
        elif value and place[-1] in {"username", "client_id"}:
            yield str(value)
        elif value and place[-1] == "argv":
            yield from value[1:]


def _of_damaged(patient: Patient) -> Iterator[str]:
    """Of a file that is no configuration: every text in it may be one."""
    text = patient.config_path.read_text(errors="replace") if patient.config_path else ""
    for match in _QUOTED.finditer(text):
        value = match[1] or match[2]
        yield from of_url(value) if "://" in value else (value,)


def _of_secret(secret: Secret) -> Iterator[str]:
    kind, _, place = secret.where.partition(":")
    if kind == "file":
        yield from _of_file(Path(place))


def _of_unit(patient: Patient) -> Iterator[str]:
    """What drop-ins hand to the service, by value or from a file."""
    for line in patient.unit_files.splitlines():
        match = _UNIT_LINE.match(line)
        if match and match[1] == "LoadCredential":
            yield from _of_file(patient.at(match[2].partition(":")[2] or "/"))
        elif match and match[1] == "SetCredential":
            yield match[2].partition(":")[2]
        elif match:
            yield from _of_environment(match[2])


def _of_environment(line: str) -> Iterator[str]:
    """The values of `NAME=value "NAME=more values"`. Source: systemd.exec(5), Environment=."""
    try:
        pairs = shlex.split(line)
    except ValueError:  # a quote that does not end
        pairs = [line]
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name not in _PLAIN:
            yield value


def _of_wifi(patient: Patient) -> Iterator[str]:
    for pattern in _WIFI:
        for path in patient.root.glob(pattern):
            for line in patient.read(path.relative_to(patient.root)).splitlines():
                if match := _WIFI_LINE.match(line):
                    yield match[1].strip().strip("\"'")


def _of_folder(folder: Path) -> Iterator[str]:
    try:
        files = [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return
    for path in files:
        yield from _of_file(path)


def _of_file(path: Path) -> Iterator[str]:
    """All of it, and each line."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST).decode(errors="replace")
    except OSError:
        return
    yield text
    yield from text.splitlines()


def of_url(url: str) -> Iterator[str]:
    """User, password, what follows the host; as written and as meant."""
    yield url
    try:
        parts: Any = urlsplit(url)
        pieces = [parts.username, parts.password, parts.query, parts.fragment]
        pieces += [*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    except ValueError:  # no URL after all
        return
    for piece in pieces:
        if piece:
            yield piece
            yield unquote(piece)
