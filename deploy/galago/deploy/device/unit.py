"""The unit and its drop-ins, as this device and its configuration need them.

- The unit is Galago's: changes belong into a drop-in, of which those without our mark are left
  alone, whatever they are called.
- A drop-in that would keep the service from starting here is not written: a group that is not
  there, a secret that is not there, a key that this systemd does not know.

    wanted = wanted_files(config, places)        # path → text
    changed = differing(wanted, places)          # path → text, or None: to be removed
"""

import grp
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from galago.deploy.device import facts
from galago.deploy.device.places import SERVICE, Places
from galago.files import replacing

_MARK = (
    "# Written by Galago's installer, which will overwrite changes: make them in another file.\n"
)
_RESTART_STEPS_SINCE = 254  # systemd.service(5), RestartSteps=
_CREDENTIAL = "credential:"


def wanted_files(config: str, places: Places) -> dict[Path, str]:
    """Unit and drop-ins for a configuration, by path."""
    folder = places.units / f"{SERVICE}.d"
    source = files("galago.deploy") / "systemd"
    wanted = {places.units / SERVICE: (source / SERVICE).read_text("utf-8")}
    for name in _drop_ins(config):
        text = (source / f"{SERVICE}.d" / name).read_text("utf-8")
        wanted[folder / name] = _MARK + text
    if secrets := [name for name in credentials(config) if (places.secrets / name).exists()]:
        wanted[folder / "secrets.conf"] = _MARK + _secrets(secrets, places)
    return wanted


def differing(wanted: Mapping[Path, str], places: Places) -> dict[Path, str | None]:
    """What has to be written, and, with None, what has to go: ours, and not wanted any more."""
    drop_ins = (places.units / f"{SERVICE}.d").glob("*.conf")
    changes: dict[Path, str | None] = {
        path: None for path in drop_ins if _is_ours(path) and path not in wanted
    }
    for path, text in wanted.items():
        found = path.read_text("utf-8") if path.exists() else None
        a_users = found is not None and path.suffix == ".conf" and not _is_ours(path)
        if found != text and not a_users:
            changes[path] = text
    return changes


def write(changes: Mapping[Path, str | None]) -> None:
    """Write and remove; each file is whole or as it was."""
    for path, text in changes.items():
        if text is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(text, "utf-8")


def ours(places: Places) -> list[Path]:
    """The unit and the drop-ins that this installer has written."""
    drop_ins = (places.units / f"{SERVICE}.d").glob("*.conf")
    unit = places.units / SERVICE
    return [*([unit] if unit.exists() else []), *filter(_is_ours, drop_ins)]


def missing_secrets(config: str, places: Places) -> list[str]:
    """Names that a configuration expects to be handed over, and that nothing hands over.

    Neither a file for us to hand over, nor a drop-in of the user's own that speaks of it.
    """
    drop_ins = (places.units / f"{SERVICE}.d").glob("*.conf")
    others = "".join(path.read_text("utf-8") for path in drop_ins if not _is_ours(path))
    return [
        name
        for name in credentials(config)
        if not (places.secrets / name).exists() and f"Credential={name}:" not in others
    ]


def credentials(config: str) -> list[str]:
    """Names of the secrets that systemd is to hand over, `credential:NAME` in a configuration."""
    named = {
        text.removeprefix(_CREDENTIAL)
        for text in _texts(parsed(config))
        if text.startswith(_CREDENTIAL)
    }
    return sorted(name for name in named if name and "/" not in name)


def _drop_ins(config: str) -> Iterator[str]:
    if (facts.systemd_version() or 0) >= _RESTART_STEPS_SINCE:
        yield "restart-steps.conf"
    if parsed(config).get("gpio") and _has_group("gpio"):
        yield "gpio.conf"
    if not Path("/dev/dma_heap").exists() and Path("/dev/udmabuf").exists():
        yield "udmabuf.conf"


def _secrets(names: list[str], places: Places) -> str:
    lines = (f"LoadCredential={name}:{places.secrets / name}\n" for name in names)
    return "[Service]\n" + "".join(lines)


def _is_ours(path: Path) -> bool:
    return path.read_text("utf-8").startswith(_MARK)


def _has_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def parsed(config: str) -> dict[str, Any]:
    """Its keys. What is no TOML has none for us: the daemon says what is wrong with it."""
    try:
        return tomllib.loads(config)
    except tomllib.TOMLDecodeError:
        return {}


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
