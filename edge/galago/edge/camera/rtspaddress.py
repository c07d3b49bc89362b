"""The address of a network camera: taken apart, shown without credentials, and asked what is wrong.

- Nothing that may hold a credential is shown: no user, no query, no part of what cannot be read.
"""

import re
import socket
from dataclasses import dataclass, field
from time import monotonic

from galago.edge.camera.keys import Source
from galago.errors import UsageError

_PORTS = {"rtsp": 554, "rtsps": 322}  # RFC 7826, 4.2; 322 is FFMPEG's too

_URL = re.compile(
    r"(?P<kind>rtsps?)://(?P<user>[^/?#\s]*@)?"
    r"(?P<host>[^/?#@:\[\]\s]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[^?#@\s]*)?(?P<query>\?[^#@\s]*)?"
)
_STATUS_BYTES = 64  # more than a status line's beginning
_STATUS = re.compile(rb"RTSP/[0-9.]+ ([0-9]{3})")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a camera is. `url` and `query` may hold credentials and are never printed."""

    url: str = field(repr=False)
    query: str = field(repr=False)
    shown: str
    host: str
    port: int
    has_user: bool
    is_encrypted: bool


def shown(source: str) -> str:
    """Return a source as it may be printed: no user, password, query or keys."""
    match = _URL.fullmatch(source.partition("#")[0])
    if not match:
        return f"{source.partition(':')[0]}://…"
    port = match["port"]
    return f"{match['kind']}://{match['host']}{f':{port}' if port else ''}{match['path'] or ''}"


def parse_address(source: Source) -> Address:
    """Take the URL apart.

    Raises:
        UsageError: it is none, or its password cannot be told from its path.
    """
    url = f"{source.kind}:{source.rest}"
    match = _URL.fullmatch(url)
    if not match or int(match["port"] or 0) > 65535:
        raise UsageError(
            f"{source.kind}: expected {source.kind}://[USER:PASSWORD@]HOST[:PORT]/PATH; write"
            " / ? # and % of a password as %2F %3F %23 %25, and @ outside of it as %40"
        )
    return Address(
        url=url,
        query=match["query"] or "",
        shown=shown(url),
        host=match["host"].strip("[]"),
        port=int(match["port"] or _PORTS[source.kind]),
        has_user=match["user"] is not None,
        is_encrypted=source.kind == "rtsps",
    )


def complaint(address: Address, timeout_s: float, waited_s: float) -> str:
    """Why a camera did not open after `waited_s`, as the end of a sentence, and how to mend it.

    OpenCV says only that it did not; the camera is asked once more, without credentials, and has
    `timeout_s` to answer.
    """
    if waited_s >= timeout_s:
        return (
            f"gave no picture within {timeout_s:g} s: check its address, cable and power, or give"
            " it longer with #open_timeout=SECONDS"
        )
    try:
        status = _ask(address, timeout_s)
    except OSError as error:
        return _unreachable(error, address.port)
    return _refused(address, status)


def _refused(address: Address, status: int | None) -> str:
    if status in (401, 403) and not address.has_user:
        return "asks for a user: write rtsp://USER:PASSWORD@HOST/PATH, % and @ in them as %25 %40"
    if status in (401, 403):
        return "refuses the user, the password or the path: check them in the camera's own settings"
    if status == 404:
        return "has no stream of that path (404): look the path up in the camera's manual"
    if status is None and address.is_encrypted:
        return "gives no video: check user, password and path, or try rtsp: to be told more"
    if status is None:
        return "does not answer as an RTSP camera: check the port"
    return f"answers (status {status}) but gives no video that FFMPEG can play: set it to H.264"


def _unreachable(error: OSError, port: int) -> str:
    if isinstance(error, socket.gaierror):
        return "cannot be found, its host has no address: check the spelling and the name server"
    if isinstance(error, ConnectionRefusedError):
        return f"refuses connections on port {port}: check the port and that RTSP is switched on"
    return f"cannot be reached ({error.strerror or 'no answer'}): check its address and cable"


def _ask(address: Address, timeout_s: float) -> int | None:
    """Ask for the stream's description; None for an answer that is none, or encrypted.

    Raises:
        OSError: there is no connection, or no answer in time.
    """
    until = monotonic() + timeout_s
    with socket.create_connection((address.host, address.port), timeout_s) as connection:
        if address.is_encrypted:
            return None
        url = f"{address.shown}{address.query}"
        connection.sendall(f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        answer = b""
        while len(answer) < _STATUS_BYTES:
            connection.settimeout(max(until - monotonic(), 0.001))
            more = connection.recv(_STATUS_BYTES)
            if not more:
                break
            answer += more
    match = _STATUS.match(answer)
    return int(match[1]) if match else None
