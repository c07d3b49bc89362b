"""The way back: to what was installed before, or to a device without Galago.

- Events, pictures, models and configuration stay unless they are asked to go.
- What a person has put beside our files stays.
"""

import shutil
from pathlib import Path

from galago.deploy.device import unit
from galago.deploy.device.before import Before
from galago.deploy.device.installing import NotWellError
from galago.deploy.device.places import Places
from galago.deploy.device.service import Service
from galago.deploy.device.tell import Say, Told
from galago.errors import DeviceError


def roll_back(places: Places, say: Say, wait_s: float) -> None:
    """Release, model, unit and configuration as before the last installation.

    Raises:
        NotWellError: the service is not well with them.
        DeviceError: there is nothing to go back to.
        OSError: the disk fails.
    """
    before = Before.read(places.last)
    if before is None:
        raise DeviceError("there is nothing to go back to: no installation was before this one")
    names = before.bring_back(places)
    say(Told("rollback", "done", f"as before: {'; '.join(names)}"))
    places.last.unlink(missing_ok=True)
    service = Service(places)
    service.start()
    verdict = service.wait_until_well(wait_s)
    if not verdict.well:
        say(Told("healthy", "failed", verdict.detail))
        raise NotWellError(f"the service is not well: {verdict.detail}")
    say(Told("healthy", "done", verdict.detail))


def uninstall(places: Places, say: Say, *, purge: bool, dry: bool = False) -> None:
    """Remove service and program; with `purge` also configuration, events, pictures and models.

    Raises:
        DeviceError: systemd does not answer.
        OSError: the disk fails.
    """
    service = Service(places)
    _step(say, "service", unit.ours(places), dry=dry, before=service.remove)
    if not dry:
        service.read_units()
    _step(say, "environment", [places.link, places.releases], dry=dry)
    state = [places.state_link, places.state, places.cache_link, places.cache]
    state += [places.configuration.parent]
    if purge:
        _step(say, "data", state, dry=dry)
    elif kept := _there(state):
        say(Told("data", "note", f"kept: {_listed(kept)}; --purge removes it"))


def _step(say: Say, name: str, paths: list[Path], *, dry: bool, before: object = None) -> None:
    found = _there(paths)
    if not found:
        say(Told(name, "unchanged", "not there"))
        return
    if dry:
        say(Told(name, "would", f"remove {_listed(found)}"))
        return
    if callable(before):
        before()
    for path in found:
        _remove(path)
    say(Told(name, "done", f"removed {_listed(found)}"))


def _there(paths: list[Path]) -> list[Path]:
    return [path for path in paths if path.is_symlink() or path.exists()]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
        return
    path.unlink()
    if path.suffix == ".conf" and not any(path.parent.iterdir()):
        path.parent.rmdir()


def _listed(paths: list[Path]) -> str:
    return ", ".join(str(path) for path in paths)
