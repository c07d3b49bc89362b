"""The daemon's configuration: the one that was brought, the one that is there, or a first one.

- What is there is never changed unless another was brought.
- What was brought is read by the new release before it takes the old one's place.
"""

from galago.deploy.device import facts, unit
from galago.deploy.device.parcel import Parcel
from galago.deploy.device.places import Places
from galago.deploy.device.running import ended
from galago.errors import DeviceError
from galago.files import replacing

CONFIGURATION = "galago.toml"

_CHECK_S = 120.0

_FIRST = """\
# Made when Galago was installed, since no configuration was brought. All that can be set:
# /opt/galago/bin/galago config example. After a change: sudo systemctl reload galago

device = "{device}"

[camera]
# {found}
source = "{source}"
"""


def wanted(parcel: Parcel, places: Places) -> str:
    """The text that the configuration is to have."""
    if parcel.config is not None:
        return parcel.config.read_text("utf-8")
    if places.configuration.exists():
        return places.configuration.read_text("utf-8")
    return first()


def first() -> str:
    """A configuration with the camera that is seen, or the likeliest."""
    seen = facts.cameras()
    if seen:
        found = f"Seen at this device: {', '.join(seen)}."
    else:
        found = "No camera was seen when this was written: name it here when there is one."
    source = seen[0] if seen else "picamera2" if facts.is_pi() else "usb:0"
    device = "".join(c for c in facts.hostname() if c.isalnum() or c in "._-") or "camera"
    return _FIRST.format(device=device[:64], found=found, source=source)


def differs(text: str, places: Places) -> bool:
    """Whether the file that is there is another."""
    path = places.configuration
    return not path.exists() or path.read_text("utf-8") != text


def check_model_file(text: str) -> None:
    """See that a configuration leaves the choice of the model to whoever deploys.

    Raises:
        DeviceError: it names a file of its own.
    """
    file = unit.parsed(text).get("model", {}).get("file")
    if file is not None:
        raise DeviceError(
            f"the configuration names a model file of its own, {file}, and so would not use the "
            "one that is deployed: take the line file out of its section [model]"
        )


def check(text: str, release: str, places: Places) -> None:
    """Let a release read a configuration.

    Raises:
        DeviceError: there is a mistake in it.
    """
    folder = places.configuration.parent
    folder.mkdir(parents=True, exist_ok=True)
    # Beside its place, since relative paths start there.
    trial = folder / ".galago.toml.new"
    try:
        trial.write_text(text, "utf-8")
        command = places.releases / release / "bin/galago"
        done = ended(command, "config", "check", trial, timeout_s=_CHECK_S)
    finally:
        trial.unlink(missing_ok=True)
    if done.returncode:
        lines = [line.removeprefix("galago: ") for line in done.stderr.splitlines()]
        raise DeviceError("; ".join(lines).replace(str(trial), CONFIGURATION) or "no reason given")


def write(text: str, places: Places) -> None:
    """Put it in place; readable to all, as the service's user exists only while it runs."""
    places.configuration.parent.mkdir(parents=True, exist_ok=True)
    with replacing(places.configuration) as temporary:
        temporary.write_text(text, "utf-8")
    places.configuration.chmod(0o644)
