"""What is not wrong with a configuration, but worth a word: on the device it may well be.

- Looks at files, their presence and permissions, and at nothing else; reads none of them.
"""

import stat
from collections.abc import Iterator
from pathlib import Path

from galago.edge.config.keys import dotted, leaves
from galago.edge.config.schema import Config
from galago.edge.publish.settings import MqttSettings
from galago.edge.setting import Secret
from galago.errors import UsageError

_OTHERS = stat.S_IROTH | stat.S_IWOTH
_MADE_BY_US = ("camera.reference", "store.folder")


def advice(config: Config) -> Iterator[str]:
    """A line for each."""
    if config.mqtt.host is None and config.mqtt != MqttSettings():
        yield "mqtt: there is no host, so no broker is told, whatever else is set"
    for place, _, value in leaves(config):
        name = dotted(place)
        if isinstance(value, Secret):
            yield from _of_secret(name, value)
        elif isinstance(value, Path) and name not in _MADE_BY_US and not _exists(value):
            yield f"{name}: there is no {value} here"


def _of_secret(name: str, secret: Secret) -> Iterator[str]:
    try:
        path = secret.path()
        status = path.stat()
    except UsageError:
        yield f"{name}: {secret.where} is there only when systemd starts the daemon: not checked"
    except OSError as error:
        yield f"{name}: {secret.where} cannot be looked at: {error.strerror}"
    else:
        if not status.st_size:
            yield f"{name}: {path} is empty: write the secret into it"
        if status.st_mode & _OTHERS:
            yield f"{name}: others may read or write {path}: make it private with chmod 640"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder on the way that is not ours to see
        return False
