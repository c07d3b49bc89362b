"""One device: looked at, given what it lacks, and told to install it.

- Only what is not there is sent; where everything is as wanted, nothing is.
- Everything that can be known to go wrong is refused before anything is changed.

    with Connection(address) as host:
        outcome = install(host, wanted, Record(print))
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from galago.deploy.errand import Errand, Outcome, Record, State, errand
from galago.deploy.found import Found, become_root, check_secrets, differences, look
from galago.deploy.payload import pack, release_of
from galago.deploy.ssh import Connection
from galago.deploy.wanted import Wanted
from galago.deploy.wheel import write_wheel
from galago.errors import DeviceError

_SPARE_MB = 50


def install(host: Connection, wanted: Wanted, record: Record, *, dry_run: bool = False) -> Outcome:
    """Have a device be as is wanted; `dry_run`: only say what that would take.

    Raises:
        GalagoError: it could not be looked at, or not be given what it lacks.
    """
    found = look(host)
    record.tell(_described(found))
    check_secrets(host, found.root, wanted.secrets)
    steps = tuple(differences(found, wanted, release_of(found.target)))
    if dry_run or all(step.state == "unchanged" for step in steps):
        for step in steps:
            record.add(step)
        state: State = "would" if any(step.state == "would" for step in steps) else "unchanged"
        return Outcome(str(host.address), state, steps)
    with errand(host, found.root, record) as carrier:
        wheel = _bring(carrier, found, wanted)
        again = ("--again",) if wanted.again else ()
        return carrier.tell(wheel, ("install", carrier.folder, *again), "deployed")


def roll_back(host: Connection, record: Record) -> Outcome:
    """Have a device go back to what it had before.

    Raises:
        GalagoError: it cannot be told to.
    """
    return _have(host, record, ("rollback",), "rolled back")


def uninstall(
    host: Connection, record: Record, *, purge: bool = False, dry_run: bool = False
) -> Outcome:
    """Take Galago off a device; `purge`: with its events, pictures and configuration.

    Raises:
        GalagoError: it cannot be told to.
    """
    options = [*(["--purge"] if purge else []), *(["--dry-run"] if dry_run else [])]
    return _have(host, record, ("uninstall", *options), "uninstalled")


def _have(host: Connection, record: Record, words: Sequence[str], well: State) -> Outcome:
    root = become_root(host)
    with tempfile.TemporaryDirectory() as folder, errand(host, root, record) as carrier:
        wheel = write_wheel(Path(folder))
        carrier.send([wheel])
        return carrier.tell(wheel.name, words, well)


def _bring(carrier: Errand, found: Found, wanted: Wanted) -> str:
    """Pack what a device lacks, and send it; returns where the installer is in it."""
    lacks = not found.has(release_of(found.target))
    if lacks and not wanted.online:
        carrier.record.tell(f"packing for {found.target.name}; the first time, it is downloaded")
    with tempfile.TemporaryDirectory(prefix="galago-payload-") as place:
        folder = Path(place) / "payload"
        payload = pack(
            found.target,
            folder,
            model=wanted.model,
            config=wanted.config,
            online=wanted.online,
            wheels=lacks,
        )
        _check_room(payload.size, found)
        if _has_model(carrier, wanted):
            (folder / wanted.model.name).unlink()
        carrier.send(sorted(folder.iterdir()))
        (wheel,) = (folder / "wheels").glob("galago-*.whl")
        return f"wheels/{wheel.name}"


def _check_room(size: int, found: Found) -> None:
    """The installer sees to the room for what is unpacked."""
    wanted_mb = size / 1e6 + _SPARE_MB
    if wanted_mb > found.facts["disk_free_mb"]:
        raise DeviceError(
            f"its disk has {found.facts['disk_free_mb']} MB free, expected {wanted_mb:.0f} MB: "
            "make room (sudo apt clean)"
        )


def _has_model(carrier: Errand, wanted: Wanted) -> bool:
    """Whether the device has the model already; then it is copied to where it would be sent."""
    known = f"/var/lib/private/galago/models/{wanted.sha256}.tflite"
    copy = f"{carrier.folder}/{wanted.model.name}"
    return carrier.host.run(*carrier.root, "cp", known, copy).code == 0


def _described(found: Found) -> str:
    facts = found.facts
    board = facts["board"] or f"{facts['machine']}, no Raspberry Pi"
    cameras = ", ".join(facts["cameras"]) or "no camera seen"
    return f"{board}; {facts['system']}, {facts['bits']}-bit, Python {facts['python']}; {cameras}"
