"""A support archive: what was found, and what it was found from, for whoever helps.

- There is no secret in it, and no picture, event or row of the database. Of configuration and unit
  only values of known kinds are taken; then every text goes through galago.edge.doctor.redact.
- manifest.json says what each file is, and what was left out.

    write(Path("galago.zip"), patient, report)
"""

import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, get_args

from galago.edge.config.keys import Key, Place, dotted, leaves
from galago.edge.config.read import Loaded
from galago.edge.config.show import toml
from galago.edge.doctor.examination import Report
from galago.edge.doctor.finding import Finding, Group
from galago.edge.doctor.packages import versions
from galago.edge.doctor.patient import Patient
from galago.edge.doctor.redact import GONE, Redactor
from galago.edge.doctor.report import as_text
from galago.edge.doctor.secrets import known_secrets
from galago.edge.setting import Secret
from galago.files import replacing

SCHEMA = 1

LEFT_OUT = (
    "passwords, keys and tokens; users; whatever follows a host in an address",
    "names and keys of Wi-Fi networks",
    "arguments of commands, environment variables and credentials of the unit",
    "pictures, films, events, the database",
)
_LINES = 500

# Texts of the configuration that are nobody's secret.
_TEXTS = frozenset({"device", "camera.source", "mqtt.host", "mqtt.topic", "web.host"})
_EXEC = "/opt/galago/bin/galago run --config /etc/galago/galago.toml"

# Settings of a unit whose values say how the service runs, and nothing else.
_KNOWN = (
    "After Before Wants Requires StartLimitIntervalSec StartLimitBurst OnFailure Type NotifyAccess "
    "TimeoutStartSec TimeoutStopSec TimeoutAbortSec WatchdogSec KillMode Restart RestartSec "
    "RestartSteps RestartMaxDelaySec DynamicUser User Group SupplementaryGroups StateDirectory "
    "StateDirectoryMode CacheDirectory RuntimeDirectory ConfigurationDirectory WorkingDirectory "
    "UMask StandardOutput StandardError SyslogIdentifier MemoryMax MemoryHigh MemorySwapMax "
    "OOMPolicy TasksMax LimitCORE CPUWeight CPUQuota Nice CPUAffinity DevicePolicy DeviceAllow "
    "NoNewPrivileges CapabilityBoundingSet AmbientCapabilities ProtectSystem ProtectHome "
    "PrivateTmp PrivateDevices PrivateUsers PrivateNetwork ProtectProc ProcSubset ProtectClock "
    "ProtectControlGroups ProtectHostname ProtectKernelLogs ProtectKernelModules "
    "ProtectKernelTunables KeyringMode LockPersonality MemoryDenyWriteExecute RemoveIPC "
    "RestrictNamespaces RestrictRealtime RestrictSUIDSGID RestrictAddressFamilies "
    "SystemCallArchitectures SystemCallFilter SystemCallErrorNumber IPAddressDeny IPAddressAllow "
    "WantedBy"
)
_UNIT_KEYS = frozenset(_KNOWN.split())


class Entry(NamedTuple):
    """A file of the archive, and what it is."""

    name: str
    what: str
    text: str


def write(path: Path, patient: Patient, report: Report) -> str:
    """Write the archive, whole or not at all; returns a line about it.

    Raises:
        OSError: it cannot be written.
    """
    entries = [*_entries(patient, report, Redactor(known_secrets(patient)))]
    entries.insert(0, _manifest(entries, report))
    with (
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as zip_,
    ):
        for entry in entries:
            zip_.writestr(entry.name, entry.text)
    return (
        f"{path}: {len(entries)} files, {path.stat().st_size / 1e3:.0f} kB, without secrets and "
        f"pictures; look into it before you send it: unzip -p {path} | less"
    )


def _entries(patient: Patient, report: Report, redact: Redactor) -> Iterator[Entry]:
    def entry(name: str, what: str, text: str) -> Entry:
        return Entry(name, what, redact(text))

    def document(name: str, what: str, value: Any) -> Entry:
        return Entry(name, what, _json(redact.document(value)))

    # Before it is wrapped: a secret may have spaces in it.
    report = Report(
        tuple(Group(name, tuple(_redacted(found, redact))) for name, found in report.groups),
        redact.document(report.machine),
    )
    yield document("findings.json", "galago doctor --json", report.to_dict())
    yield entry("findings.txt", "the same for people", as_text(report, everything=True))
    text = redact.known(_configuration(patient))
    yield Entry("configuration.toml", "the settings in effect", text)
    yield document("service-status.json", "what the daemon last said of itself", patient.status)
    yield Entry(
        "service-unit.txt", "the unit and its drop-ins", redact.known(unit_text(patient.unit_files))
    )
    yield document("service-facts.json", "what systemd knows of it", _facts(patient))
    yield entry("service-log.txt", f"the last {_LINES} lines of its log", _log(patient))
    yield entry("packages.txt", "what this Python can import", _packages())
    yield document("model-ledger.json", "which models were tried and refused", _ledger(patient))


def _redacted(findings: Iterable[Finding], redact: Redactor) -> Iterator[Finding]:
    for found in findings:
        yield replace(found, what=redact(found.what), fix=redact(found.fix))


def _manifest(entries: list[Entry], report: Report) -> Entry:
    document = {
        "schema": SCHEMA,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "galago": report.machine.get("galago"),
        "level": report.level,
        "contents": [
            {"name": name, "what": what, "bytes": len(text.encode())}
            for name, what, text in entries
        ],
        "left_out": list(LEFT_OUT),
    }
    return Entry("manifest.json", "what is in here", _json(document))


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _configuration(patient: Patient) -> str:
    if patient.loaded is None:
        return "".join(f"# {problem}\n" for problem in patient.problems)
    return configuration(patient.loaded)


def configuration(loaded: Loaded) -> str:
    """As `galago config show`, but for texts that may be anything."""
    lines = []
    for place, key, value in leaves(loaded.config):
        name = dotted(place)
        shown = "# unset" if value is None else toml(_harmless(place, key, value), key.shown)
        lines.append(f"{name} = {shown}  # {loaded.origins[name]}\n")
    return "".join(lines)


def _harmless(place: Place, key: Key, value: Any) -> Any:
    if place[-1] == "argv":
        return (value[0], *(GONE for _ in value[1:]))
    is_plain = isinstance(value, bool | int | float | Path | Secret)
    is_choice = key.kind is not str and get_args(key.kind) and isinstance(value, str)
    named = dotted(place) in _TEXTS or key.shown is not None or place[-1] in {"labels", "region"}
    return value if is_plain or is_choice or named else GONE


def unit_text(said: str) -> str:
    """What `systemctl cat` prints, less values that may be anything; the rest of a long line goes.

    Comments go as well, but for the files' names.
    """
    lines = []
    for line in said.splitlines():
        key, equals, value = (part.strip() for part in line.partition("="))
        if line.startswith("# /") or (line.startswith("[") and line.endswith("]")):
            lines.append(line)
        elif equals and key.isalpha():
            is_known = key in _UNIT_KEYS or (key == "ExecStart" and value == _EXEC)
            lines.append(f"{key}={value if is_known else GONE}")
    return "".join(f"{line}\n" for line in lines)


def _facts(patient: Patient) -> dict[str, str] | None:
    unit = patient.unit
    return unit and {name: value for name, value in unit.items() if name != "ExecStart"}


def _log(patient: Patient) -> str:
    if not patient.is_installed:
        return "not installed\n"
    lines = patient.deaths.lines[-_LINES:]
    return "".join(f"{line}\n" for line in lines) or "empty, or not readable to this user\n"


def _packages() -> str:
    return "".join(f"{name}=={version}\n" for name, version in versions().items())


def _ledger(patient: Patient) -> dict[str, Any] | None:
    try:
        models = patient.models
        return {"active": models.active, "there": models.names(), **asdict(models.ledger)}
    except (OSError, ImportError):
        return None
