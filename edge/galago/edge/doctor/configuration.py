"""The configuration: valid, sensible, and readable to the service."""

import stat
from collections.abc import Iterator
from pathlib import Path

from galago.edge.config.advice import advice
from galago.edge.config.keys import dotted, leaves
from galago.edge.config.read import DEFAULT_PATH
from galago.edge.config.schema import Config
from galago.edge.doctor.finding import Finding, error, note, ok, warning
from galago.edge.doctor.patient import Patient
from galago.edge.setting import Secret

_READ = stat.S_IROTH


def look(patient: Patient) -> Iterator[Finding]:
    """All that is wrong with it; then what may be."""
    path = patient.config_path
    if path is None:
        say = error if patient.is_installed else note
        yield say("configuration", f"there is no {DEFAULT_PATH}", "galago config example > FILE")
        return
    for number, problem in enumerate(patient.problems):
        name = f"configuration-{number + 1}"
        yield error(name, problem, f"mend it, then galago config check {path}")
    if patient.loaded is None:
        return
    yield ok("configuration", f"{path} is valid")
    for number, line in enumerate(advice(patient.settings)):
        yield warning(f"advice-{number + 1}", *_apart(line))
    if patient.is_installed:
        yield from _readable(patient, path)
        yield from judge_told(patient.settings)


def judge_told(config: Config) -> Iterator[Finding]:
    """A camera that tells nobody is missed by nobody when it breaks."""
    if config.mqtt.host is None and not (config.webhook or config.command):
        yield note(
            "told-nobody",
            "nobody is told of events, or that the camera is in trouble: only its page shows it",
            "a [mqtt], [webhook.NAME] or [command.NAME]: galago config example",
        )


def _apart(line: str) -> tuple[str, str]:
    """What is so, and what to do: advice has both in one line, the first word its key."""
    key, _, rest = line.partition(": ")
    what, _, fix = rest.partition(": ")
    return f"{key}: {what}", fix or f"see {key} in galago config example"


def _readable(patient: Patient, path: Path) -> Iterator[Finding]:
    """The service's user is in no group but video, and is there only while it runs."""
    if not _may_be_read(path):
        yield error(
            "configuration-unreadable",
            f"{path} cannot be read by the service's user",
            f"sudo chmod 644 {path}",
        )
    for place, _, value in leaves(patient.settings):
        if isinstance(value, Secret) and value.where.startswith("file:"):
            file = Path(value.where.removeprefix("file:"))
            if not _may_be_read(file):
                name = place[0] if len(place) < 3 else place[1]
                yield error(
                    f"secret-{dotted(place)}",
                    f"{dotted(place)}: {file} cannot be read by the service's user",
                    f'"credential:{name}", and LoadCredential={name}:{file} under [Service] by '
                    "sudo systemctl edit galago.service",
                )
        elif isinstance(value, Path) and value.is_file() and not _may_be_read(value):
            yield error(
                f"unreadable-{dotted(place)}",
                f"{dotted(place)}: {value} cannot be read by the service's user",
                f"sudo chmod 644 {value}",
            )


def _may_be_read(path: Path) -> bool:
    """By anybody; a file that is not there, or not to be seen, others tell of."""
    try:
        return bool(path.stat().st_mode & _READ)
    except OSError:
        return True
